"""Moments are the same on every store; a transaction is all or nothing."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Integer, Table, func, insert, select
from sqlalchemy.exc import IntegrityError, StatementError

from services.runtime.database import UtcDateTime, metadata
from tests.conftest import MakeResources

TABLES = metadata()
MOMENT = Table("moment", TABLES, Column("id", Integer, primary_key=True), Column("at", UtcDateTime, nullable=True))
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
