import asyncio

from redis.asyncio import Redis

from gateway.push.hub import AUTHOR, Hub, News
from gateway.push.listeners import Gap, Listener
from services.runtime.telemetry import Metrics
from tests.gateway.push.conftest import begin
from tests.gateway.push.fakes import World, activity, event, published

BO, CORP = AUTHOR.format(2), AUTHOR.format(3)


async def heard(listener: Listener[News], count: int) -> list[int]:
    """Ids of the next activities."""
    async with asyncio.timeout(60):
        found = [await listener.get() for _ in range(count)]
    return [news.activity.id for news in found if isinstance(news, News) and news.activity]


async def test_what_is_published_reaches_all_who_listen_with_one_read(hub: Hub, cache: Redis, world: World) -> None:
    async with hub.listener([BO]) as one, hub.listener([BO, AUTHOR.format(3)]) as other:
        await cache.publish(BO, published(11))
        heard = [await one.get(), await other.get()]
    assert [news.activity for news in heard if isinstance(news, News)] == [activity(11), activity(11)]
    assert world.reads == [[11]]


async def test_nothing_is_heard_of_other_channels(hub: Hub, cache: Redis) -> None:
    async with hub.listener([BO]) as listener:
        await cache.publish(AUTHOR.format(3), published(12, author_id=3))
        await cache.publish(BO, published(11))
        news = await listener.get()
    assert isinstance(news, News)
    assert news.activity == activity(11)


async def test_what_not_everybody_may_see_and_what_is_no_event_is_not_told(hub: Hub, cache: Redis) -> None:
    async with hub.listener([BO]) as listener:
        await cache.publish(BO, published(99))
        await cache.publish(BO, b"\xff\xff nonsense")
        await cache.publish(BO, published(11))
        news = await listener.get()
    assert isinstance(news, News)
    assert news.activity == activity(11)


async def test_an_activity_that_cannot_be_read_leaves_a_gap(hub: Hub, cache: Redis, world: World) -> None:
    world.down = True
    async with hub.listener([BO]) as listener:
        await cache.publish(BO, published(11))
        assert await listener.get() is Gap.GAP


async def test_events_without_an_activity_are_told_without_a_read(hub: Hub, cache: Redis, world: World) -> None:
    async with hub.listener([BO]) as listener:
        await cache.publish(BO, event(2, account_changed={"version": 2}))
        news = await listener.get()
    assert isinstance(news, News)
    assert news.event.account_changed.version == 2
    assert world.reads == []


async def test_activities_are_told_in_the_order_of_ids(hub: Hub, cache: Redis) -> None:
    async with hub.listener([BO, CORP]) as listener:
        for channel, number in ((BO, 13), (CORP, 11), (BO, 12)):
            await cache.publish(channel, published(number))
        assert await heard(listener, 3) == [11, 12, 13]


async def test_whoever_leaves_is_forgotten(hub: Hub, metrics: Metrics) -> None:
    async with hub.listener([BO]):
        assert metrics.registry.get_sample_value("atrium_subscriptions") == 1
    assert metrics.registry.get_sample_value("atrium_subscriptions") == 0
    assert hub._listeners.everybody() == set()


async def test_many_come_and_go_at_once_and_each_hears_what_it_wants(hub: Hub, cache: Redis, world: World) -> None:
    world.activities |= {number: activity(number, number) for number in range(100, 140)}

    async def listen(author: int) -> list[int]:
        found: list[int] = []
        for _ in range(5):
            async with hub.listener([AUTHOR.format(author), BO]) as listener:
                await cache.publish(AUTHOR.format(author), published(author, author))
                found += await heard(listener, 1)
        return found

    async with asyncio.TaskGroup() as group:
        tasks = {author: group.create_task(listen(author)) for author in range(100, 140)}
    assert {author: set(task.result()) for author, task in tasks.items()} == {author: {author} for author in tasks}


class Ear:
    """Heeds a channel."""

    channel = "atrium:push:heeded"

    def __init__(self) -> None:
        self.heard: list[bytes | str] = []
        self.news = asyncio.Event()

    def hear(self, message: bytes) -> None:
        self.heard.append(message)
        self.news.set()

    def gap(self) -> None:
        self.heard.append("gap")


async def test_one_channel_is_heeded_message_by_message(cache: Redis, world: World) -> None:
    ear = Ear()
    hub = Hub(cache, world.public, Metrics(), ear)
    async with asyncio.TaskGroup() as group, asyncio.timeout(60):
        await begin(hub, group)
        async with hub.listener([BO]) as listener:
            await cache.publish(BO, published(11))
            await cache.publish(ear.channel, b"1")
            await cache.publish(BO, published(12))
            await cache.publish(ear.channel, b"2")
            assert await heard(listener, 2) == [11, 12]
        while len(ear.heard) < 3:
            ear.news.clear()
            await ear.news.wait()
        await hub.stop(0)
    assert ear.heard == ["gap", b"1", b"2"]
