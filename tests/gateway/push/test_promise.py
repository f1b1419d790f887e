"""The promise of a feed: every activity once and in order, whatever happens to messages, cache and connection."""

import asyncio
from contextlib import AsyncExitStack, aclosing
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.push.feeds import Feeds
from gateway.push.hub import AUTHOR, Hub
from gateway.push.past import Past
from gateway.push.sessions import Sessions
from services.runtime.cache import open_cache
from services.runtime.telemetry import Metrics
from tests.gateway.push.conftest import begin
from tests.gateway.push.fakes import Doorman, World, published
from tests.gateway.push.test_feeds import ADA, tell_of_a_gap, until

FIRST = 100
STEPS = ("publish", "publish, told twice", "lose the cache", "find the cache", "find the cache late", "leave", "read")


class Play:
    """A subscriber of one author, and what happens to it."""

    def __init__(self, hub: Hub, feeds: Feeds, world: World, cache: Any, group: asyncio.TaskGroup) -> None:
        self._hub = hub
        self._feeds = feeds
        self._world = world
        self._cache = cache
        self._group = group
        self._number = FIRST
        self._is_lost = False
        self._untold: list[int] = []
        self.seen = [FIRST]
        self._subscribe()

    def _subscribe(self) -> None:
        self._reading = self._group.create_task(self._read())

    async def _read(self) -> None:
        async with aclosing(self._feeds.activities(ADA, "t", self.seen[-1])) as told:
            async for activity in told:
                self.seen.append(activity.id)

    async def step(self, what: str) -> None:
        if what.startswith("publish"):
            self._number += 1
            self._world.publish(self._number)
            await self._tell(self._number, times=2 if "twice" in what else 1)
        elif what == "lose the cache":
            self._is_lost = True
        elif what.startswith("find"):
            await self._find(late="late" in what)
        elif what == "leave":
            self._reading.cancel()
            await asyncio.wait([self._reading])
            self._subscribe()
        else:
            for _ in range(20):
                await asyncio.sleep(0)

    async def _tell(self, number: int, times: int = 1) -> None:
        if self._is_lost:
            self._untold.append(number)
            return
        for _ in range(times):
            await self._cache.publish(AUTHOR.format(2), published(number))

    async def _find(self, *, late: bool) -> None:
        """Subscribers are told of the gap; what was not told before comes late, or never."""
        self._is_lost = False
        tell_of_a_gap(self._hub)
        untold, self._untold = self._untold, []
        for number in untold if late else ():
            await self._tell(number)

    async def end(self) -> list[int]:
        """All that was published, once the subscriber has seen so much."""
        expected = list(range(FIRST, self._number + 1))
        await until(lambda: bool(self._hub._listeners.everybody()))
        await self._find(late=False)
        await until(lambda: len(self.seen) >= len(expected))
        self._reading.cancel()
        return expected


async def play(steps: list[str]) -> tuple[list[int], list[int]]:
    """What the subscriber saw, and what there was to see."""
    world = World(FIRST)
    async with AsyncExitStack() as closing:
        cache = await closing.enter_async_context(open_cache("memory://"))
        group = await closing.enter_async_context(asyncio.TaskGroup())
        hub = Hub(cache, world.public, Metrics(), settle_seconds=0.0)
        await begin(hub, group)
        feeds = Feeds(hub, Sessions(Doorman()), Past(world, retry_seconds=0.001))
        subscriber = Play(hub, feeds, world, cache, group)
        for step in steps:
            await subscriber.step(step)
        expected = await subscriber.end()
        await hub.stop(0)
    return subscriber.seen, expected


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(STEPS), max_size=40))
def test_every_activity_is_told_once(steps: list[str]) -> None:
    seen, expected = asyncio.run(play(steps))
    assert seen == expected
