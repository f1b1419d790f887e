"""From the outbox of one backend to the effect in another, over each bus and on each stack."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from schema.generated.event.v1 import event_pb2 as pb
from services.runtime.backend import Resources
from services.runtime.bus import Bus
from services.runtime.bus.memory import MemoryBus
from services.runtime.consumer import Consumer
from services.runtime.outbox import Outbox
from services.runtime.streams import Streams, open_streams
from services.runtime.telemetry import Metrics, in_trace, trace_id
from tests.conftest import NOON, MakeResources
from tests.services.runtime.events import METADATA, OUTBOX, TELLER, Effects, applied, count, listening
from tests.services.runtime.servicers import backend_that
from tests.services.runtime.test_relay import unsent

PATIENCE_SECONDS = 30


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(METADATA)


class Awaited(Effects):
    """Effects, of which somebody waits for the last."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.seen: list[tuple[int, str]] = []
        self.complete = asyncio.Event()
        self._last = last

    async def __call__(self, told: pb.Event, session: AsyncSession) -> None:
        await super().__call__(told, session)
        self.seen.append((told.sequence, trace_id()))
        if told.activity_published.activity_id == self._last:
            self.complete.set()


@asynccontextmanager
async def carrying(streams: Streams) -> AsyncIterator[None]:
    """Events are carried within; at the end they are no more."""
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(streams.serve())
        yield
        await streams.stop(5)


async def tell(resources: Resources, *numbers: int) -> None:
    """Account 7 publishes activities with these numbers, each in a transaction of its own."""
    outbox = Outbox(OUTBOX, "account", resources.clock)
    for number in numbers:
        async with resources.database.transaction() as session:
            await outbox.add(session, 7, pb.ActivityPublished(activity_id=number, kind="POST"))


async def test_what_is_told_takes_effect_once_in_order_and_in_its_trace(resources: Resources, bus: Bus) -> None:
    effects = Awaited(last=4)
    backends = {TELLER: resources, listening(Consumer("job.test", effects)): resources}
    with in_trace(f"00-{7:032x}-{8:016x}-01"):
        await tell(resources, 1, 2)
    async with carrying(Streams(backends, bus, Metrics())):
        await tell(resources, 3, 4)
        await effects.complete.wait()
    assert await applied(resources.database) == [(7, 1), (7, 2), (7, 3), (7, 4)]
    assert [sequence for sequence, _ in effects.seen] == [1, 2, 3, 4]
    assert [trace for _, trace in effects.seen[:2]] == [f"{7:032x}"] * 2
    assert await unsent(resources) == []


async def test_every_consumer_hears_of_everything(resources: Resources, bus: Bus) -> None:
    first, second = Awaited(last=2), Awaited(last=2)
    service = listening(Consumer("job.one", first), Consumer("job.two", second))
    async with carrying(Streams({TELLER: resources, service: resources}, bus, Metrics())):
        await tell(resources, 1, 2)
        await asyncio.gather(first.complete.wait(), second.complete.wait())
    assert sorted(await applied(resources.database)) == [(7, 1), (7, 1), (7, 2), (7, 2)]


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_a_letter_is_tried_again_by_itself(resources: Resources) -> None:
    class NotAtFirst(Awaited):
        async def __call__(self, told: pb.Event, session: AsyncSession) -> None:
            self.attempts = getattr(self, "attempts", 0) + 1
            self.refuses = {(7, 1): ValueError("not at first")} if self.attempts < 4 else {}
            await super().__call__(told, session)

    effects = NotAtFirst(last=2)
    service = listening(Consumer("job.test", effects))
    hurried = Resources(resources.database, resources.cache, resources.ids, Hurried(), resources.trust)
    async with carrying(Streams({TELLER: resources, service: hurried}, MemoryBus(), Metrics())):
        await tell(resources, 1, 2)
        await effects.complete.wait()
    assert await applied(resources.database) == [(7, 1), (7, 2)]


class Hurried:
    """A clock by which a second passes whenever somebody looks."""

    def __init__(self) -> None:
        self._looks = 0

    def __call__(self) -> datetime:
        self._looks += 1
        return NOON + timedelta(seconds=self._looks)


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_a_store_that_is_not_ready_delays_events_and_loses_none(resources: Resources) -> None:
    effects = Awaited(last=2)
    service = listening(Consumer("job.test", effects))
    await tell(resources, 1, 2)
    tables = [table for table in METADATA.sorted_tables if table.name.startswith("job_")]
    async with resources.database.engine.begin() as connection:
        await connection.run_sync(lambda sync: METADATA.drop_all(sync, tables=tables))
    with capture_logs() as logs:
        async with carrying(Streams({TELLER: resources, service: resources}, MemoryBus(), Metrics())):
            while not any(entry.get("worker") == "job.test" for entry in logs):  # noqa: ASYNC110 - only the log tells.
                await asyncio.sleep(0.01)
            async with resources.database.engine.begin() as connection:
                await connection.run_sync(METADATA.create_all)
            await effects.complete.wait()
    assert await applied(resources.database) == [(7, 1), (7, 2)]


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_what_a_listener_did_not_finish_before_the_end_comes_again(resources: Resources) -> None:
    begun = asyncio.Event()

    async def never(_event: pb.Event, _session: AsyncSession) -> None:
        begun.set()
        await asyncio.Event().wait()

    await tell(resources, 1)
    stuck = Streams({TELLER: resources, listening(Consumer("job.test", never)): resources}, MemoryBus(), Metrics())
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(stuck.serve())
        await begun.wait()
        await stuck.stop(0)
    assert await unsent(resources) == [1]
    effects = Awaited(last=1)
    service = listening(Consumer("job.test", effects))
    async with carrying(Streams({TELLER: resources, service: resources}, MemoryBus(), Metrics())):
        await effects.complete.wait()
    assert await applied(resources.database) == [(7, 1)]
    assert await unsent(resources) == []


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_a_bus_within_the_process_does_not_take_what_listeners_elsewhere_need(resources: Resources) -> None:
    await tell(resources, 1)
    with capture_logs() as logs:
        async with open_streams({TELLER: resources}, "memory://", Metrics(), complete=False) as servers:
            assert servers == []
    [entry] = logs
    assert entry["event"].startswith("events wait in the outbox")
    assert await count(resources.database, OUTBOX) == 1
    async with open_streams({TELLER: resources}, "memory://", Metrics(), complete=True) as servers:
        assert [type(server) for server in servers] == [Streams]


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_backends_without_events_need_no_bus(resources: Resources) -> None:
    with capture_logs() as logs:
        async with open_streams({backend_that(): resources}, "memory://", Metrics(), complete=False) as servers:
            assert servers == []
    assert logs == []
