"""What every bus promises: each group is delivered everything, each key in order, again until it is done."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.runtime.bus import Bus, Message, Subscription

PATIENCE_SECONDS = 30


def message(key: int, number: int) -> Message:
    return Message(f"{key}-{number}", key, f"value {number}".encode(), f"trace {number}", "blue")


@asynccontextmanager
async def publishing(bus: Bus, messages: Sequence[Message]) -> AsyncIterator[None]:
    """The messages are on their way; at the end they have been published."""
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        group.create_task(bus.publish(messages))
        yield


async def taken(subscription: Subscription, number: int) -> list[Message]:
    """So many messages, and no more."""
    found: list[Message] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(found) < number:
            found += await subscription.take(100)
    assert len(found) == number
    return found


def of(key: int, messages: Sequence[Message]) -> list[Message]:
    return [message for message in messages if message.key == key]


async def test_messages_arrive_whole_and_each_key_in_order(bus: Bus) -> None:
    bus.expect("test")
    sent = [message(key, number) for number in range(5) for key in (1, 2, 3)]
    async with publishing(bus, sent), bus.subscribe("test") as subscription:
        found = await taken(subscription, 15)
        await subscription.done()
    assert {key: of(key, found) for key in (1, 2, 3)} == {key: of(key, sent) for key in (1, 2, 3)}


async def test_no_more_are_taken_than_asked_for(bus: Bus) -> None:
    bus.expect("test")
    async with publishing(bus, [message(1, number) for number in range(5)]), bus.subscribe("test") as subscription:
        found: list[Message] = []
        while len(found) < 5:
            some = await subscription.take(2)
            assert len(some) <= 2
            found += some
        await subscription.done()
    assert found == [message(1, number) for number in range(5)]


async def test_what_is_not_done_comes_again(bus: Bus) -> None:
    bus.expect("test")
    sent = [message(1, number) for number in range(4)]
    async with publishing(bus, sent):
        async with bus.subscribe("test") as subscription:
            first = list(await subscription.take(2))
            while not first:
                first += await subscription.take(2)
            await subscription.done()
            rest = await taken(subscription, 4 - len(first))
        async with bus.subscribe("test") as subscription:
            assert await taken(subscription, len(rest)) == rest
            await subscription.done()
    async with bus.subscribe("test") as subscription:
        assert await subscription.take(10) == []
    assert first + rest == sent


async def test_every_group_is_delivered_everything(bus: Bus) -> None:
    bus.expect("one")
    bus.expect("two")
    sent = [message(1, number) for number in range(3)]
    async with publishing(bus, sent), bus.subscribe("one") as one, bus.subscribe("two") as two:
        for subscription in (one, two):
            assert await taken(subscription, 3) == sent
            await subscription.done()


async def test_what_was_published_before_anybody_came_is_delivered(bus: Bus) -> None:
    bus.expect("test")
    async with publishing(bus, [message(1, 1)]):
        await asyncio.sleep(0)
        async with bus.subscribe("test") as subscription:
            assert await taken(subscription, 1) == [message(1, 1)]
            await subscription.done()


async def test_publishing_nothing_is_fine(bus: Bus) -> None:
    bus.expect("test")
    await bus.publish([])
