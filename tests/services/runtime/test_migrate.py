"""Migrations and models agree, on every store, for every backend."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect

from services.backends import BACKENDS
from services.runtime.backend import Backend
from services.runtime.database import Database, open_database
from services.runtime.migrate import downgrade, is_current, migrate, version_table

each_backend = pytest.mark.parametrize("backend", BACKENDS.values(), ids=list(BACKENDS))


@pytest.fixture
def url(stack: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a store of the stack that has nothing in it."""
    if stack == "embedded":
        return f"sqlite+aiosqlite:///{tmp_path}/test.db"
    return str(request.getfixturevalue("empty_postgres"))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with open_database(url) as opened:
        yield opened


async def tables_of(database: Database) -> set[str]:
    async with database.engine.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


def differences(connection: Connection, backend: Backend) -> list[object]:
    context = MigrationContext.configure(
        connection,
        opts={"compare_type": True, "compare_server_default": True, "version_table": version_table(backend)},
    )
    return list(compare_metadata(context, backend.metadata))


@each_backend
async def test_migrations_make_exactly_the_tables_of_the_models(backend: Backend, database: Database) -> None:
    await migrate(backend, database)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences, backend) == []
    assert await tables_of(database) == {*backend.metadata.tables, version_table(backend)}


@each_backend
async def test_what_was_migrated_can_be_taken_back(backend: Backend, database: Database) -> None:
    await migrate(backend, database)
    await downgrade(backend, database)
    assert await tables_of(database) == {version_table(backend)}
    await migrate(backend, database)
    assert await is_current(backend, database)


async def test_all_backends_may_share_one_store(database: Database) -> None:
    for backend in BACKENDS.values():
        await migrate(backend, database)
    async with database.engine.connect() as connection:
        names = {name for backend in BACKENDS.values() for name in (*backend.metadata.tables, version_table(backend))}
        assert set(await connection.run_sync(lambda sync: inspect(sync).get_table_names())) == names


@each_backend
async def test_names_of_constraints_are_those_of_the_models(backend: Backend, database: Database) -> None:
    await migrate(backend, database)
    async with database.engine.connect() as connection:
        for table in backend.metadata.sorted_tables:
            expected = {str(constraint.name) for constraint in table.constraints}
            assert await connection.run_sync(constraints, table.name) == expected


def constraints(connection: Connection, table: str) -> set[str]:
    found = inspect(connection)
    named = [
        found.get_pk_constraint(table),
        *found.get_foreign_keys(table),
        *found.get_unique_constraints(table),
        *found.get_check_constraints(table),
    ]
    return {str(constraint["name"]) for constraint in named}


async def test_a_store_is_current_only_after_its_migrations(database: Database) -> None:
    backend = BACKENDS["banner"]
    assert not await is_current(backend, database)
    await migrate(backend, database)
    assert await is_current(backend, database)
    await migrate(backend, database)
    assert await is_current(backend, database)
    await downgrade(backend, database)
    assert not await is_current(backend, database)


async def test_a_store_that_is_newer_than_the_program_is_served(database: Database) -> None:
    backend = BACKENDS["banner"]
    await migrate(backend, database)
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql(f"UPDATE {version_table(backend)} SET version_num = 'of tomorrow'")
    assert await is_current(backend, database)


async def test_a_migration_that_fails_leaves_nothing_behind(database: Database) -> None:
    backend = BACKENDS["banner"]
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql("CREATE TABLE banner_target (id INTEGER)")
    with pytest.raises(Exception, match="banner_target"):
        await migrate(backend, database)
    assert await tables_of(database) == {"banner_target"}


MIGRATE = """
import asyncio, sys
from services.backends import BACKENDS
from services.runtime.database import open_database
from services.runtime.migrate import migrate

async def main():
    async with open_database(sys.argv[1]) as database:
        sys.stdin.readline()
        await migrate(BACKENDS["banner"], database)

asyncio.run(main())
"""


async def test_processes_that_migrate_at_once_do_not_disturb_each_other(url: str, database: Database) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", MIGRATE, url, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(2)
    ]
    ends = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [(process.returncode, err) for process, (_, err) in zip(processes, ends, strict=True)] == [(0, b"")] * 2
    assert await is_current(BACKENDS["banner"], database)
