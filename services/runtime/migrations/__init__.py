"""Alembic's environment, shared by all backends."""
