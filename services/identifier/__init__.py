"""The identifier backend: ids that are unique over every process of the account centre."""
