"""Errands go on beside everything else, some at a time, and let a process stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from services.job.biz.errands import Errand, ErrandState
from services.job.biz.worker import ErrandWorker
from services.job.service import Runner
from tests.conftest import HandClock
from tests.services.job.conftest import Until
from tests.services.job.examples import ADA, BO, CY, MERGED, busy_world, merge
from tests.services.job.fakes import FakeStore, World


class Gated:
    """Backends that let nobody finish a merge before the gate is open."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.gate = asyncio.Event()
        self.waiting = 0
        self.most = 0

    async def finish_merge(self, *merge: object) -> None:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await self.gate.wait()
        self.waiting -= 1
        await self._world.finish_merge(*merge)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self._world, name)


@asynccontextmanager
async def running(
    store: FakeStore, backends: object, clock: HandClock, news: asyncio.Event, at_once: int = 2
) -> AsyncIterator[Runner]:
    worker = ErrandWorker(store, backends, clock, "me", 2)  # type: ignore[arg-type]
    runner = Runner(worker, store, clock, news, at_once)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(runner.serve())
        yield runner
        await runner.stop(0)
        async with asyncio.timeout(60):
            await asyncio.wait([serving])


def states(store: FakeStore) -> list[ErrandState]:
    return [errand.state for errand in store.errands.values()]


async def test_an_errand_is_done_as_soon_as_there_is_news(clock: HandClock, until: Until) -> None:
    store, world, news = FakeStore(), busy_world(), asyncio.Event()
    async with running(store, world, clock, news):
        store.errands[merge().kind, ADA] = merge()
        news.set()
        await until(lambda: is_over(store))
    assert (world.follows, world.merged) == (MERGED.follows, MERGED.merged)


async def is_over(store: FakeStore) -> bool:
    return set(states(store)) == {ErrandState.DONE}


async def test_a_long_merge_holds_no_other_up_and_only_some_run_at_once(clock: HandClock, until: Until) -> None:
    store = FakeStore(*(merge(source, BO) for source in (10, 11, 12, 13, 14)))
    gated = Gated(busy_world())

    async def two_wait() -> bool:
        return gated.waiting == 2

    async with running(store, gated, clock, asyncio.Event()):
        await until(two_wait)
        gated.gate.set()
        await until(lambda: is_over(store))
    assert gated.most == 2
    assert states(store) == [ErrandState.DONE] * 5


async def test_a_process_that_stops_cuts_off_what_takes_too_long(clock: HandClock, until: Until) -> None:
    store, gated = FakeStore(merge(CY, BO)), Gated(busy_world())

    async def one_waits() -> bool:
        return gated.waiting == 1

    async with running(store, gated, clock, asyncio.Event()):
        await until(one_waits)
    assert states(store) == [ErrandState.RUNNING]
    assert CY not in gated._world.merged


async def test_a_process_that_stops_lets_the_portion_in_hand_end(clock: HandClock, until: Until) -> None:
    store, gated = FakeStore(merge(CY, BO)), Gated(busy_world())

    async def one_waits() -> bool:
        return gated.waiting == 1

    async with running(store, gated, clock, asyncio.Event()) as runner, asyncio.TaskGroup() as group:
        await until(one_waits)
        stopping = group.create_task(runner.stop(5))
        await asyncio.sleep(0)
        gated.gate.set()
        await stopping
    assert [step.name for step in store.only.steps if not step.done] == ["verify"]
    assert (store.only.state, store.held) == (ErrandState.RUNNING, {})


class Broken(FakeStore):
    """A store that is away for a while."""

    def __init__(self, failures: int, *errands: Errand) -> None:
        super().__init__(*errands)
        self.failures = failures

    def _fail(self) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise ConnectionError("the store is away")

    async def next_due(self) -> datetime | None:
        self._fail()
        return await super().next_due()

    async def save(self, errand: Errand, holder: str, until: datetime | None) -> None:
        self._fail()
        await super().save(errand, holder, until)


@pytest.mark.parametrize("failures", [1, 2])
async def test_a_store_that_is_away_does_not_end_the_process(failures: int, clock: HandClock, until: Until) -> None:
    store, world, news = Broken(failures, merge()), busy_world(), asyncio.Event()

    async def gone_again() -> bool:
        clock.advance(seconds=30)
        news.set()
        return await is_over(store)

    with capture_logs() as logs:
        async with running(store, world, clock, news):
            await until(gone_again)
    assert world.merged == MERGED.merged
    assert "work failed and is tried again" in [entry["event"] for entry in logs]


async def test_an_errand_that_breaks_off_is_told_and_taken_up_when_its_time_is_over(
    clock: HandClock, until: Until
) -> None:
    class Once(FakeStore):
        failed = False

        async def save(self, errand: Errand, holder: str, until: datetime | None) -> None:
            if not self.failed:
                self.failed = True
                raise ConnectionError("the store is away")
            await super().save(errand, holder, until)

    store, world, news = Once(merge()), busy_world(), asyncio.Event()

    async def broke_off() -> bool:
        return store.failed

    with capture_logs() as logs:
        async with running(store, world, clock, news):
            await until(broke_off)
            clock.advance(seconds=30)
            news.set()
            await until(lambda: is_over(store))
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["errand broke off"]
    assert world.merged == MERGED.merged
