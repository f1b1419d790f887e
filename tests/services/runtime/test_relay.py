"""The relay publishes what the outbox has, in its order, and marks only what the bus has."""

import asyncio
from datetime import timedelta

import pytest
from prometheus_client import Gauge
from sqlalchemy import select

from schema.generated.event.v1 import event_pb2 as pb
from services.runtime.backend import Resources
from services.runtime.bus import BusUnavailable, Message
from services.runtime.outbox import Outbox
from services.runtime.relay import BATCH, BUSY_SECONDS, POLL_SECONDS, Relay
from services.runtime.telemetry import Metrics
from services.runtime.worker import Worker
from tests.conftest import HandClock, MakeResources
from tests.services.runtime.events import METADATA, OUTBOX, Paper


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(METADATA)


@pytest.fixture
def bus() -> Paper:
    return Paper()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def relay(resources: Resources, bus: Paper, metrics: Metrics) -> Relay:
    return Relay("account", OUTBOX, resources.database, bus, resources.clock, metrics)


async def tell(resources: Resources, *accounts: int) -> None:
    """Writes an event for each account, in this order."""
    outbox = Outbox(OUTBOX, "account", resources.clock)
    async with resources.database.transaction() as session:
        for account in accounts:
            await outbox.add(session, account, pb.Followed(followee_id=9))


async def unsent(resources: Resources) -> list[int]:
    async with resources.database.read() as session:
        chosen = select(OUTBOX.c.sequence).where(OUTBOX.c.sent_at.is_(None)).order_by(OUTBOX.c.sequence)
        return list(await session.scalars(chosen))


def contents(messages: list[Message]) -> list[tuple[int, int, int]]:
    """Key, account and sequence of each."""
    events = [pb.Event.FromString(message.value) for message in messages]
    return [(message.key, each.account_id, each.sequence) for message, each in zip(messages, events, strict=True)]


def value(gauge: Gauge) -> float:
    return float(gauge.labels("account")._value.get())


async def test_events_are_published_in_the_order_written(relay: Relay, resources: Resources, bus: Paper) -> None:
    await tell(resources, 3, 1, 3)
    assert await relay.work() == POLL_SECONDS
    [published] = bus.published
    assert contents(published) == [(3, 3, 1), (1, 1, 2), (3, 3, 3)]
    assert [message.event_id for message in published] == [pb.Event.FromString(each.value).id for each in published]
    assert await unsent(resources) == []
    assert await relay.work() == POLL_SECONDS
    assert len(bus.published) == 1


async def test_what_the_bus_refuses_stays(relay: Relay, resources: Resources, bus: Paper) -> None:
    await tell(resources, 3, 1)
    bus.out = True
    with pytest.raises(BusUnavailable):
        await relay.work()
    assert await unsent(resources) == [1, 2]
    bus.out = False
    await relay.work()
    assert await unsent(resources) == []


async def test_a_great_backlog_is_published_batch_by_batch(relay: Relay, resources: Resources, bus: Paper) -> None:
    await tell(resources, *range(1, BATCH + 2))
    assert [await relay.work(), await relay.work()] == [0, POLL_SECONDS]
    assert [len(batch) for batch in bus.published] == [BATCH, 1]


async def test_backlog_and_lag_can_be_watched(
    relay: Relay, resources: Resources, bus: Paper, clock: HandClock, metrics: Metrics
) -> None:
    await tell(resources, 3)
    await relay.work()
    assert (value(metrics.outbox_unsent), value(metrics.outbox_lag)) == (0, 0)
    await tell(resources, 3, 1)
    clock.advance(seconds=90)
    bus.out = True
    with pytest.raises(BusUnavailable):
        await relay.work()
    assert (value(metrics.outbox_unsent), value(metrics.outbox_lag)) == (2, 90)


@pytest.mark.parametrize("stack", ["servers"], indirect=True)
async def test_relays_in_several_processes_take_turns(relay: Relay, resources: Resources, bus: Paper) -> None:
    await tell(resources, 3)
    publishing, go_on = asyncio.Event(), asyncio.Event()

    class Slow(Paper):
        async def publish(self, messages: object) -> None:
            publishing.set()
            await go_on.wait()

    other = Relay("account", OUTBOX, resources.database, Slow(), resources.clock, Metrics())
    async with asyncio.TaskGroup() as group:
        busy = group.create_task(other.work())
        await publishing.wait()
        assert await relay.work() == BUSY_SECONDS
        go_on.set()
        assert await busy == POLL_SECONDS
    await relay.work()
    assert bus.published == []


async def test_an_event_of_this_process_is_published_at_once(relay: Relay, resources: Resources, bus: Paper) -> None:
    resting = asyncio.Event()

    async def work() -> float:
        await relay.work()
        resting.set()
        return timedelta(days=1).total_seconds()

    worker = Worker("relay", work, resources.database.news)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(worker.serve())
        await resting.wait()
        await tell(resources, 3)
        await bus.printed.wait()
        await worker.stop(1)
    assert await unsent(resources) == []
