"""The desk of the company's staff in GraphQL."""
