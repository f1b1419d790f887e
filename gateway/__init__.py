"""The one GraphQL endpoint; it holds no business rule."""
