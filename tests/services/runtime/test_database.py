"""Moments are the same on every store; a transaction is all or nothing; what nobody waits for stops."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, Table, func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from services.runtime.database import Database, UtcDateTime, is_unavailable, metadata, open_database
from tests.conftest import MakeResources

TABLES = metadata()
MOMENT = Table("moment", TABLES, Column("id", Integer, primary_key=True), Column("at", UtcDateTime, nullable=True))
ENDLESS = {
    "embedded": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "servers": "SELECT pg_sleep(3600)",
}
INDIA = timezone(timedelta(hours=5, minutes=30))


async def test_a_moment_comes_back_in_utc(make_resources: MakeResources) -> None:
    database = (await make_resources(TABLES)).database
    async with database.transaction() as session:
        await session.execute(insert(MOMENT), [{"id": 1, "at": datetime(2026, 3, 2, 12, 30, 0, 7, INDIA)}])
    async with database.read() as session:
        found = await session.scalar(select(MOMENT.c.at))
    assert found == datetime(2026, 3, 2, 7, 0, 0, 7, UTC)
    assert found.tzinfo is UTC


async def test_moments_of_different_zones_compare_by_time(make_resources: MakeResources) -> None:
    database = (await make_resources(TABLES)).database
    async with database.transaction() as session:
        await session.execute(insert(MOMENT), [{"id": 1, "at": datetime(2026, 3, 2, 12, tzinfo=INDIA)}])
    async with database.read() as session:
        before = select(func.count()).where(MOMENT.c.at < datetime(2026, 3, 2, 7, tzinfo=UTC))
        assert await session.scalar(before) == 1


async def test_no_moment_stays_none(make_resources: MakeResources) -> None:
    database = (await make_resources(TABLES)).database
    async with database.transaction() as session:
        await session.execute(insert(MOMENT), [{"id": 1, "at": None}])
    async with database.read() as session:
        assert (await session.execute(select(MOMENT))).one() == (1, None)


async def test_a_naive_moment_is_refused_and_nothing_is_written(make_resources: MakeResources) -> None:
    database = (await make_resources(TABLES)).database
    with pytest.raises(StatementError, match="a moment needs a time zone"):
        async with database.transaction() as session:
            await session.execute(insert(MOMENT), [{"id": 1, "at": datetime(2026, 3, 2)}])
    async with database.read() as session:
        assert (await session.execute(select(MOMENT))).all() == []


async def test_a_failed_transaction_leaves_nothing_behind(make_resources: MakeResources) -> None:
    database = (await make_resources(TABLES)).database

    async def insert_twice() -> None:
        async with database.transaction() as session:
            await session.execute(insert(MOMENT).values(id=1))
            await session.execute(insert(MOMENT).values(id=1))

    with pytest.raises(IntegrityError):
        await insert_twice()
    async with database.read() as session:
        assert (await session.execute(select(MOMENT))).all() == []


async def test_a_statement_whose_caller_gave_up_stops_in_the_store(make_resources: MakeResources, stack: str) -> None:
    database = (await make_resources(TABLES)).database
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), database.read() as session:
            await session.execute(text(ENDLESS[stack]))
    async with asyncio.timeout(60):
        while await at_work(database, stack):
            continue
    async with database.read() as session:
        assert await session.scalar(select(1)) == 1


async def at_work(database: Database, stack: str) -> int:
    """How many statements the store is at: each connection of SQLite has a thread until it is closed."""
    await asyncio.sleep(0)
    if stack == "embedded":
        return sum("_connection_worker_thread" in thread.name for thread in threading.enumerate())
    async with database.read() as session:
        working = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'"
        return int(await session.scalar(text(working)) or 0)


@pytest.mark.parametrize("statement", ["SELECT * FROM nowhere", "SELECT FROM WHERE"])
async def test_a_mistake_of_ours_is_no_store_that_is_away(make_resources: MakeResources, statement: str) -> None:
    database = (await make_resources(TABLES)).database
    with pytest.raises(DBAPIError) as caught:
        async with database.read() as session:
            await session.execute(text(statement))
    assert not is_unavailable(caught.value)


async def test_a_store_that_cannot_be_opened_is_away(stack: str, tmp_path: Path) -> None:
    nobody = {
        "embedded": f"sqlite+aiosqlite:///{tmp_path}/no/such.db",
        "servers": "postgresql+psycopg://u@127.0.0.1:1/x",
    }
    async with open_database(nobody[stack]) as database:
        with pytest.raises(DBAPIError) as caught:
            async with database.read() as session:
                await session.execute(select(1))
    assert is_unavailable(caught.value)
