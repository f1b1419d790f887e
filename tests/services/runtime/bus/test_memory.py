"""The bus within a process keeps nothing: publishing lasts as long as listening."""

import asyncio

import pytest

from services.runtime.bus import BusUnavailable
from services.runtime.bus.memory import MemoryBus
from tests.services.runtime.bus.test_bus import message


async def test_a_message_is_published_once_every_group_is_done_with_it() -> None:
    bus = MemoryBus()
    bus.expect("one")
    bus.expect("two")
    async with asyncio.TaskGroup() as group, bus.subscribe("one") as one, bus.subscribe("two") as two:
        published = group.create_task(bus.publish([message(1, 1)]))
        for subscription in (one, two):
            assert await subscription.take(10) == [message(1, 1)]
            assert not published.done()
            await subscription.done()
        await asyncio.wait_for(published, 60)


async def test_what_nobody_finishes_in_time_counts_as_not_published_and_is_taken_back() -> None:
    bus = MemoryBus(publish_seconds=0.05)
    async with bus.subscribe("test") as subscription:
        with pytest.raises(BusUnavailable):
            await bus.publish([message(1, 1)])
        async with asyncio.TaskGroup() as group:
            group.create_task(bus.publish([message(1, 1), message(1, 2)]))
            assert await subscription.take(10) == [message(1, 1), message(1, 2)]
            await subscription.done()


async def test_what_is_in_hand_when_its_time_is_over_can_still_be_finished() -> None:
    bus = MemoryBus(publish_seconds=0.05)
    async with bus.subscribe("test") as subscription, asyncio.TaskGroup() as group:
        published = group.create_task(refused(bus))
        assert await subscription.take(1) == [message(1, 1)]
        assert await published
        await subscription.done()
        assert await subscription.take(1) == []


async def refused(bus: MemoryBus) -> bool:
    try:
        await bus.publish([message(1, 1), message(1, 2)])
    except BusUnavailable:
        return True
    return False


async def test_nothing_waits_where_nobody_listens() -> None:
    await asyncio.wait_for(MemoryBus().publish([message(1, 1)]), 60)
