import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from redis.asyncio import Redis

from gateway.push.feeds import Feeds
from gateway.push.hub import ACCOUNT, AUTHOR, Hub
from gateway.push.listeners import MOST_WAITING, Gap, SlowReader
from gateway.push.past import AT_ONCE, PAGE, SHOWN, Past
from gateway.push.sessions import Sessions
from schema.errcode import InvalidArgument, Unauthenticated
from schema.generated.activity.v1 import activity_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.ports import Identity
from services.runtime.telemetry import Metrics
from tests.gateway.push.fakes import EPOCH, Doorman, World, event, published

T = TypeVar("T")
ADA = Identity(1, identity_pb2.ACCOUNT_TYPE_PERSONAL)
BO, CORP, OWN = AUTHOR.format(2), AUTHOR.format(3), ACCOUNT.format(1)
Activities = AsyncGenerator[activity_pb2.Activity, None]


async def ids(told: Activities, count: int) -> list[int]:
    """Ids of the next activities told."""
    async with asyncio.timeout(60):
        return [(await anext(told)).id for _ in range(count)]


async def count_changes(changes: AsyncGenerator[None, None], count: int) -> int:
    """How many changes are told, up to so many."""
    async with asyncio.timeout(60):
        return len([await anext(changes) for _ in range(count)])  # type: ignore[func-returns-value]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - it may be anything.
            await asyncio.sleep(0.001)


def tell_of_a_gap(hub: Hub) -> None:
    for listener in hub._listeners.everybody():
        listener.put(Gap.GAP)


async def test_what_was_missed_comes_first_and_oldest_first(feeds: Feeds) -> None:
    async with aclosing(feeds.activities(ADA, "t", 11)) as told:
        assert await ids(told, 2) == [12, 13]


@pytest.mark.parametrize("shown", [0, 1, SHOWN, SHOWN + 5])
async def test_what_the_feed_shows_already_is_not_new_but_what_joins_it_is(
    shown: int, feeds: Feeds, cache: Redis, world: World
) -> None:
    world.activities.clear()
    world.publish(*range(100, 100 + 2 * shown, 2))
    late, new = 97 + 2 * shown, 200
    async with aclosing(feeds.activities(ADA, "t", 0)) as told, asyncio.TaskGroup() as group:
        waiting = group.create_task(ids(told, 2))
        await until(lambda: world.looked == 1)
        for number in (*world.activities, late, new):
            world.publish(number)
            await cache.publish(BO, published(number))
        assert await waiting == [late, new]


async def test_all_that_was_missed_comes_however_much_it_is(feeds: Feeds, world: World) -> None:
    world.publish(*range(100, 100 + 2 * PAGE + 7))
    async with aclosing(feeds.activities(ADA, "t", 99)) as told:
        assert await ids(told, 2 * PAGE + 7) == list(range(100, 100 + 2 * PAGE + 7))
    assert world.pages == [99, 99 + PAGE, 99 + 2 * PAGE]


async def test_what_was_told_from_the_past_is_not_told_again(feeds: Feeds, cache: Redis, world: World) -> None:
    async with aclosing(feeds.activities(ADA, "t", 11)) as told:
        assert await ids(told, 2) == [12, 13]
        world.publish(14)
        for number in (13, 14, 14, 12):
            await cache.publish(BO, published(number))
        world.publish(15)
        await cache.publish(BO, published(15))
        assert await ids(told, 2) == [14, 15]


async def test_one_that_comes_late_is_told_after_one_with_a_greater_id(
    feeds: Feeds, cache: Redis, world: World
) -> None:
    world.publish(20, 30, 29)
    async with aclosing(feeds.activities(ADA, "t", 19)) as told:
        assert await ids(told, 3) == [20, 29, 30]
        for number in (32, 31):
            world.publish(number)
            await cache.publish(BO, published(number))
            assert await ids(told, 1) == [number]


async def test_what_the_client_has_seen_is_not_told_however_late_it_comes(
    feeds: Feeds, cache: Redis, world: World
) -> None:
    async with aclosing(feeds.activities(ADA, "t", 13)) as told:
        world.publish(14)
        for number in (12, 13, 14):
            await cache.publish(BO, published(number))
        assert await ids(told, 1) == [14]


async def test_what_comes_while_the_past_is_read_is_neither_lost_nor_told_twice(
    feeds: Feeds, cache: Redis, world: World
) -> None:
    async with aclosing(feeds.activities(ADA, "t", 11)) as told:
        assert await ids(told, 1) == [12]
        world.publish(14)
        await cache.publish(BO, published(14))
        await cache.publish(BO, published(13))
        assert await ids(told, 2) == [13, 14]


async def test_somebody_followed_is_heard_from_then_on(feeds: Feeds, cache: Redis, world: World) -> None:
    world.publish(9, author_id=3, second=1)
    async with aclosing(feeds.activities(ADA, "t", 12)) as told:
        assert await ids(told, 1) == [13]
        world.following[1] = [2, 3]
        world.publish(14, author_id=3, second=2)
        world.publish(15, author_id=3, second=4)  # Nobody listens to its author yet.
        await cache.publish(OWN, event(1, second=3, followed={"followee_id": 3}))
        assert await ids(told, 1) == [15]
        world.publish(16, author_id=3, second=5)
        await cache.publish(CORP, published(16, 3))
        assert await ids(told, 1) == [16]


async def test_what_the_followed_published_before_this_subscription_is_not_new_behind_a_gap(
    hub: Hub, sessions: Sessions, world: World
) -> None:
    begun = datetime.fromtimestamp(EPOCH + 5, UTC)
    feeds = Feeds(hub, sessions, Past(world), clock=lambda: begun)
    async with aclosing(feeds.activities(ADA, "t", 12)) as told:
        assert await ids(told, 1) == [13]
        world.following[1] = [2, 3]
        world.publish(14, second=4)
        world.publish(15, author_id=3, second=4)
        world.publish(16, author_id=3, second=5)
        tell_of_a_gap(hub)
        assert await ids(told, 2) == [14, 16]


async def test_somebody_followed_no_longer_is_not_heard(feeds: Feeds, hub: Hub, cache: Redis, world: World) -> None:
    world.following[1] = [2, 3]
    async with aclosing(feeds.activities(ADA, "t", 12)) as told:
        assert await ids(told, 1) == [13]
        world.following[1] = [2]
        await cache.publish(OWN, event(1, unfollowed={"followee_id": 3}))
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(ids(told, 1))
            await until(lambda: not hub._listeners.anybody(CORP))
            world.publish(14, author_id=3)
            world.publish(15)
            await cache.publish(CORP, published(14, 3))
            await cache.publish(BO, published(15))
        assert waiting.result() == [15]


async def test_a_gap_is_filled_from_the_backend_with_whom_is_followed_by_now(
    feeds: Feeds, hub: Hub, world: World, cache: Redis
) -> None:
    async with aclosing(feeds.activities(ADA, "t", 12)) as told:
        assert await ids(told, 1) == [13]
        world.following[1] = [2, 3]
        world.publish(14, 15)
        tell_of_a_gap(hub)
        assert await ids(told, 2) == [14, 15]
        world.publish(16, author_id=3)
        await cache.publish(CORP, published(16, 3))
        assert await ids(told, 1) == [16]


async def test_behind_a_gap_one_with_a_smaller_id_than_the_last_is_found(feeds: Feeds, hub: Hub, world: World) -> None:
    world.publish(20)
    async with aclosing(feeds.activities(ADA, "t", 13)) as told:
        assert await ids(told, 1) == [20]
        world.publish(19)
        tell_of_a_gap(hub)
        assert await ids(told, 1) == [19]


async def test_a_gap_waits_for_a_backend_that_is_down(feeds: Feeds, hub: Hub, world: World) -> None:
    async with aclosing(feeds.activities(ADA, "t", 12)) as told:
        assert await ids(told, 1) == [13]
        world.publish(14)
        world.down = True
        tell_of_a_gap(hub)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(ids(told, 1))
            asked = world.asked
            await until(lambda: world.asked > asked + 2)
            world.down = False
        assert waiting.result() == [14]


async def test_a_backend_that_refuses_ends_the_subscription(feeds: Feeds, hub: Hub, world: World) -> None:
    async with aclosing(feeds.activities(ADA, "t", 12)) as told:
        assert await ids(told, 1) == [13]
        world.refuses = True
        tell_of_a_gap(hub)
        with pytest.raises(InvalidArgument):
            await ids(told, 1)


async def test_whoever_reads_too_slowly_is_told_to_come_back(feeds: Feeds, hub: Hub, world: World) -> None:
    async with aclosing(feeds.activities(ADA, "t", 12)) as told:
        assert await ids(told, 1) == [13]
        assert await ids_after(told, hub, world, MOST_WAITING) == list(range(100, 100 + MOST_WAITING))
        with pytest.raises(SlowReader):
            await ids_after(told, hub, world, MOST_WAITING + 1)


async def ids_after(told: Activities, hub: Hub, world: World, count: int) -> list[int]:
    """Ids told after so many messages that all come at once."""
    first = max(99, *world.activities) + 1
    [listener] = hub._listeners.everybody()
    for number in range(first, first + count):
        world.publish(number)
        listener.put(world.news(number))
    return await ids(told, count)


async def test_only_so_many_ask_for_the_past_at_once(feeds: Feeds, world: World) -> None:
    world.hold = asyncio.Event()
    subscribers = [feeds.activities(ADA, "t", 12) for _ in range(3 * AT_ONCE)]
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(ids(told, 1)) for told in subscribers]
        await until(lambda: world.asking == AT_ONCE)
        world.hold.set()
    assert [task.result() for task in waiting] == [[13]] * 3 * AT_ONCE
    assert world.most_asking == AT_ONCE
    for told in subscribers:
        await told.aclose()


async def test_changes_of_the_account_are_told_but_not_whom_it_follows(
    feeds: Feeds, hub: Hub, cache: Redis, metrics: Metrics
) -> None:
    async with aclosing(feeds.account_changes(ADA, "t")) as changes, asyncio.TaskGroup() as group:
        assert await count_changes(changes, 1) == 1
        told = group.create_task(count_changes(changes, 2))
        await cache.publish(OWN, event(1, followed={"followee_id": 3}))
        await cache.publish(BO, published(11))
        assert not told.done()
        await cache.publish(OWN, event(1, account_changed={"version": 2}))
        await cache.publish(OWN, event(1, account_status_changed={"version": 3}))
        assert await told == 2
        tell_of_a_gap(hub)
        assert await count_changes(changes, 1) == 1


async def test_a_session_that_ended_ends_what_waits_for_nothing(
    feeds: Feeds, sessions: Sessions, doorman: Doorman
) -> None:
    async with aclosing(feeds.activities(ADA, "stays", 12)) as one, aclosing(feeds.activities(ADA, "t", 12)) as other:
        assert [await ids(one, 1), await ids(other, 1)] == [[13], [13]]
        doorman.out.add("t")
        await sessions.verify(["stays", "t"])
        with pytest.raises(Unauthenticated):
            await ids(other, 1)
        assert not [listener for listener in sessions._watched["stays"] if listener._end]  # type: ignore[attr-defined]
    assert dict(sessions._watched) == {}
