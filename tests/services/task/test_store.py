"""Roll-ups and runs in the store."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.runtime.backend import Resources
from services.task.biz import Count, Origin, Outcome, Period, Run, Span
from services.task.data import METADATA, SqlHistory, SqlRollupRepo
from tests.conftest import NOON, HandClock, MakeResources

DAY = Period(Span.DAY, datetime(2026, 3, 2, tzinfo=UTC))
MIDNIGHT_HOUR = Period(Span.HOUR, DAY.starts_at)
DAY_BEFORE = Period(Span.DAY, DAY.starts_at - timedelta(days=1))


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(METADATA)


@pytest.fixture
def rollups(resources: Resources) -> SqlRollupRepo:
    return SqlRollupRepo(resources.database)


@pytest.fixture
def history(resources: Resources) -> SqlHistory:
    return SqlHistory(resources.database, resources.clock)


async def test_a_rollup_is_read_by_account_and_kind(rollups: SqlRollupRepo) -> None:
    await rollups.replace(DAY, 0, None, [Count(2, "POST", 1), Count(1, "POST", 4), Count(1, "LIKE", 2)])
    assert await rollups.of(DAY) == [Count(1, "LIKE", 2), Count(1, "POST", 4), Count(2, "POST", 1)]


async def test_a_page_replaces_only_its_own_accounts(rollups: SqlRollupRepo) -> None:
    await rollups.replace(DAY, 0, None, [Count(account, "POST", 1) for account in (1, 2, 3, 4)])
    await rollups.replace(DAY, 1, 3, [Count(2, "LIKE", 9)])
    assert await rollups.of(DAY) == [Count(1, "POST", 1), Count(2, "LIKE", 9), Count(4, "POST", 1)]


async def test_the_last_page_replaces_all_that_is_left(rollups: SqlRollupRepo) -> None:
    await rollups.replace(DAY, 0, None, [Count(account, "POST", 1) for account in (1, 2, 3)])
    await rollups.replace(DAY, 1, None, [])
    assert await rollups.of(DAY) == [Count(1, "POST", 1)]


async def test_periods_are_kept_apart_even_where_they_start_together(rollups: SqlRollupRepo) -> None:
    for number, period in enumerate((DAY, MIDNIGHT_HOUR, DAY_BEFORE), start=1):
        await rollups.replace(period, 0, None, [Count(1, "POST", number)])
    await rollups.replace(DAY, 0, None, [])
    assert await rollups.of(DAY) == []
    assert await rollups.of(MIDNIGHT_HOUR) == [Count(1, "POST", 2)]
    assert await rollups.of(DAY_BEFORE) == [Count(1, "POST", 3)]


async def test_two_that_replace_the_same_at_once_leave_the_result_of_one(rollups: SqlRollupRepo) -> None:
    pages = [[Count(account, kind, 1) for account in range(1, 50)] for kind in ("POST", "LIKE")]
    async with asyncio.TaskGroup() as group:
        for page in pages * 3:
            group.create_task(rollups.replace(DAY, 0, None, page))
    assert await rollups.of(DAY) in pages


async def test_a_page_that_cannot_be_written_leaves_what_was_there(rollups: SqlRollupRepo) -> None:
    await rollups.replace(DAY, 0, None, [Count(1, "POST", 1)])
    with pytest.raises(Exception, match=r"(?i)unique"):
        await rollups.replace(DAY, 0, None, [Count(1, "LIKE", 1), Count(1, "LIKE", 2)])
    assert await rollups.of(DAY) == [Count(1, "POST", 1)]


async def test_a_run_is_kept_from_begin_to_end(history: SqlHistory, clock: HandClock) -> None:
    await history.begun("a", "clean-up", "2026-03-01", Origin.CLOCK)
    assert await history.latest(5) == [Run("a", "clean-up", "2026-03-01", Origin.CLOCK, NOON, None, None, "")]
    clock.advance(minutes=2)
    await history.ended("a", Outcome.FAILED, "x" * 2000)
    [run] = await history.latest(5)
    assert (run.ended_at, run.outcome, run.told) == (NOON + timedelta(minutes=2), Outcome.FAILED, "x" * 1000)


async def test_a_run_that_is_resumed_keeps_its_beginning(history: SqlHistory, clock: HandClock) -> None:
    await history.begun("a", "clean-up", "2026-03-01", Origin.CLOCK)
    clock.advance(hours=1)
    await history.begun("a", "clean-up", "2026-03-01", Origin.CLOCK)
    assert [run.started_at for run in await history.latest(5)] == [NOON]


async def test_the_latest_runs_come_first_of_one_task_or_of_all(history: SqlHistory, clock: HandClock) -> None:
    for run_id, task in (("a", "clean-up"), ("b", "end-closures"), ("c", "clean-up")):
        await history.begun(run_id, task, "2026-03-01", Origin.HAND)
        clock.advance(seconds=1)
    assert [run.id for run in await history.latest(2)] == ["c", "b"]
    assert [run.id for run in await history.latest(9, "clean-up")] == ["c", "a"]


async def test_old_runs_are_forgotten(history: SqlHistory, clock: HandClock) -> None:
    await history.begun("old", "clean-up", "2026-03-01", Origin.CLOCK)
    clock.advance(days=1)
    await history.begun("new", "clean-up", "2026-03-02", Origin.CLOCK)
    assert await history.forget(clock.now) == 1
    assert [run.id for run in await history.latest(9)] == ["new"]
