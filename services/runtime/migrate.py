"""Brings the store of a backend up to date: the migrations in `services/<name>/migrations/versions`, by alembic."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import services
from services.runtime.backend import Backend
from services.runtime.database import Database

ENVIRONMENT = Path(__file__).parent / "migrations"
SERVICES = Path(services.__file__).parent


async def migrate(backend: Backend, database: Database, revision: str = "head") -> None:
    """Upgrades to `revision`; nothing to do is fine, and so are other processes doing the same at the same time."""
    await _alone(backend, database, lambda connection: command.upgrade(config(backend, connection), revision))


async def downgrade(backend: Backend, database: Database, revision: str = "base") -> None:
    """Takes migrations back until `revision`; rows of tables that go are lost."""
    await _alone(backend, database, lambda connection: command.downgrade(config(backend, connection), revision))


async def is_current(backend: Backend, database: Database) -> bool:
    """Whether the store is as new as this program, or newer; raises when the store does not answer."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(lambda sync: _is_current(backend, sync))


def config(backend: Backend, connection: Connection | None = None) -> Config:
    """What alembic must know to work on the store of `backend`."""
    made = Config()
    made.set_main_option("script_location", _escaped(ENVIRONMENT))
    made.set_main_option("path_separator", "newline")
    made.set_main_option("version_locations", _escaped(SERVICES / backend.name / "migrations" / "versions"))
    made.attributes.update(connection=connection, metadata=backend.metadata, version_table=version_table(backend))
    return made


def version_table(backend: Backend) -> str:
    """Name of the table that says which migrations a store has."""
    return f"{backend.name}_migration"


async def _alone(backend: Backend, database: Database, work: Callable[[Connection], None]) -> None:
    """Does `work` in one transaction that no other process can begin meanwhile."""
    async with database.engine.connect() as connection:
        await connection.run_sync(lambda sync: _lock(backend, sync))
        await connection.run_sync(work)
        await connection.commit()


def _lock(backend: Backend, connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # The driver begins a transaction only before it writes rows, which would leave tables half made.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    number = int.from_bytes(hashlib.sha256(version_table(backend).encode()).digest()[:8], "big", signed=True)
    connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def _is_current(backend: Backend, connection: Connection) -> bool:
    context = MigrationContext.configure(connection, opts={"version_table": version_table(backend)})
    known, latest = _revisions(backend)
    present = set(context.get_current_heads())
    return bool(present) and (present == latest or not present & known)


@cache
def _revisions(backend: Backend) -> tuple[frozenset[str], frozenset[str]]:
    """All migrations that this program has, and those that no other follows; they stay as long as it runs."""
    scripts = ScriptDirectory.from_config(config(backend))
    return frozenset(script.revision for script in scripts.walk_revisions()), frozenset(scripts.get_heads())


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
