"""The GraphQL schema: types, views by account type, and the ports through which they ask."""
