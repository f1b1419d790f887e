"""Stores whose tables a test made by itself, made to look as if migrations had."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from alembic import command
from sqlalchemy import Connection, text

from services.runtime.backend import Backend, Resources
from services.runtime.migrate import config, version_table


@asynccontextmanager
async def stamped(lent: Mapping[Backend, Resources]) -> AsyncIterator[None]:
    """Inside, these stores count as up to date, so that the backends on them become healthy."""
    for backend, resources in lent.items():
        async with resources.database.engine.begin() as connection:
            await connection.run_sync(_stamp, backend)
    yield
    for backend, resources in lent.items():
        async with resources.database.engine.begin() as connection:
            await connection.execute(text(f"DROP TABLE {version_table(backend)}"))


def _stamp(connection: Connection, backend: Backend) -> None:
    command.stamp(config(backend, connection), "head")
