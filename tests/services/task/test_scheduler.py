"""Who leads, what a leader does, and how it ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from services.runtime.database import open_database
from services.task.biz import Origin, Run
from services.task.data import lead_of
from services.task.service import Scheduler
from tests.conftest import NOON, HandClock
from tests.services.task.fakes import History


class Lead:
    """A lead that a test gives and takes."""

    def __init__(self, *, free: bool = True) -> None:
        self.free = free
        self.held = False

    async def take(self) -> bool:
        self.held, self.free = self.free, False
        return self.held

    async def holds(self) -> bool:
        return self.held

    async def give_up(self) -> None:
        self.held = False


class Schedules:
    """Notes what is asked of it."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    async def open(self) -> bool:
        self.calls.append("open")
        return True

    async def close(self) -> None:
        self.calls.append("close")

    async def start_now(self, tasks: list[str]) -> None:
        self.calls.append(tasks)

    async def catch_up(self) -> None:
        self.calls.append("catch up")

    async def forget(self, before: datetime) -> None:
        self.calls.append(before)


QUARTER = NOON - timedelta(days=90)


@pytest.fixture
def lead() -> Lead:
    return Lead()


@pytest.fixture
def schedules() -> Schedules:
    return Schedules()


@pytest.fixture
def history() -> History:
    return History()


@asynccontextmanager
async def serving(scheduler: Scheduler) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        group.create_task(scheduler.serve())
        yield
        await scheduler.stop(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for knows of no event.
            await asyncio.sleep(0.01)


async def test_a_process_with_the_lead_runs_the_schedules_until_it_stops(
    lead: Lead, schedules: Schedules, history: History, clock: HandClock
) -> None:
    scheduler = Scheduler(lead, schedules, history, clock, rest_seconds=0)
    async with serving(scheduler):
        await until(lambda: QUARTER in schedules.calls)
        assert scheduler.leads
    assert schedules.calls == ["open", "catch up", QUARTER, "close"]
    assert not scheduler.leads
    assert not lead.held


async def test_a_store_without_history_begins_with_a_rollup(
    lead: Lead, schedules: Schedules, history: History, clock: HandClock
) -> None:
    async with serving(Scheduler(lead, schedules, history, clock, ["rollup-daily"], rest_seconds=0)):
        await until(lambda: QUARTER in schedules.calls)
    assert schedules.calls[:2] == ["open", ["rollup-daily"]]


async def test_a_store_with_history_waits_for_the_clock(
    lead: Lead, schedules: Schedules, history: History, clock: HandClock
) -> None:
    history.runs = [Run("a", "clean-up", "2026-03-01", Origin.CLOCK, NOON, NOON, None, "")]
    async with serving(Scheduler(lead, schedules, history, clock, ["rollup-daily"], rest_seconds=0)):
        await until(lambda: QUARTER in schedules.calls)
    assert schedules.calls == ["open", "catch up", QUARTER, "close"]


async def test_without_the_lead_a_process_stands_by(schedules: Schedules, history: History, clock: HandClock) -> None:
    lead = Lead(free=False)
    scheduler = Scheduler(lead, schedules, history, clock, rest_seconds=0)
    async with serving(scheduler):
        await asyncio.sleep(0)
        assert schedules.calls == []
        lead.free = True
        await until(lambda: scheduler.leads)
    assert schedules.calls[0] == "open"


async def test_a_lost_lead_ends_the_schedules_until_it_is_back(
    lead: Lead, schedules: Schedules, history: History, clock: HandClock
) -> None:
    async with serving(Scheduler(lead, schedules, history, clock, rest_seconds=0)):
        await until(lambda: QUARTER in schedules.calls)
        lead.held = False
        await until(lambda: "close" in schedules.calls)
        lead.free = True
        await until(lambda: schedules.calls.count("open") == 2)


async def test_a_process_that_stops_before_it_rested_opens_nothing(
    lead: Lead, schedules: Schedules, history: History, clock: HandClock
) -> None:
    async with serving(Scheduler(lead, schedules, history, clock, rest_seconds=3600)):
        await asyncio.sleep(0)
    assert schedules.calls == []


async def test_one_of_two_has_the_lead_and_the_other_gets_it_next(
    stack: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('lead')}/task.db"
    if stack == "servers":
        url = str(request.getfixturevalue("postgres"))
    async with open_database(url) as here, open_database(url) as there:
        one, other = lead_of(here.engine), lead_of(there.engine)
        assert await one.take()
        assert not await other.take()
        assert [await one.holds(), await other.holds()] == [True, False]
        await one.give_up()
        assert await other.take()
        assert [await one.holds(), await other.holds()] == [False, True]
        await other.give_up()
