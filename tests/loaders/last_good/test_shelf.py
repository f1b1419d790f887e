"""The shelf in a real cache: what is put there, how much at a time, and what spoils it."""

import asyncio
import math

import pytest
from redis.asyncio import Redis

from loaders.last_good.shelf import MOST_AT_ONCE, MOST_BYTES, MOST_WAITING, NOTHING, PREFIX, Shelf, Shelved
from services.runtime.changed import Changes
from services.runtime.versioned_cache import Outage
from tests.loaders.caching.town import Clock
from tests.loaders.last_good.town import FakeCache
from tests.loaders.squares import turns


@pytest.fixture
def shelf(cache: Redis, group: asyncio.TaskGroup) -> Shelf:
    return Shelf(cache, group, Outage(), gathering_seconds=0, timeout_seconds=10)


def shelved(name: str, payload: bytes = b"x", seconds: int = 100) -> Shelved:
    return Shelved(name, lambda: payload, asyncio.get_running_loop().time(), seconds)


async def until_there(cache: Redis, name: str) -> None:
    async with asyncio.timeout(60):
        while not await cache.exists(PREFIX + name):  # noqa: ASYNC110 - the cache decides.
            await asyncio.sleep(0.001)


async def test_what_was_put_there_is_found_with_its_age(shelf: Shelf, cache: Redis) -> None:
    assert shelf.put(shelved("ada"))
    await until_there(cache, "ada")
    assert 0 < await cache.pttl(PREFIX + "ada") <= 100_000
    found = await shelf.find({"ada": ["account/1"], "bo": []}, 100)
    assert (found["ada"].payload, found["ada"].changed) == (b"x", math.inf)
    assert 0 < found["ada"].age < 60
    assert found["bo"].payload is None


async def test_a_change_that_was_told_is_younger_than_what_was_there_before(shelf: Shelf, cache: Redis) -> None:
    shelf.put(shelved("ada"))
    await until_there(cache, "ada")
    await Changes(cache).tell(["account/1"])
    found = await shelf.find({"ada": ["account/2", "account/1"]}, 100)
    assert found["ada"].changed < found["ada"].age


async def test_what_was_not_put_there_under_this_name_by_one_of_us_is_not_found(
    shelf: Shelf, cache: Redis, group: asyncio.TaskGroup
) -> None:
    shelf.put(shelved("ada"))
    await until_there(cache, "ada")
    stranger = Shelf(cache, group, Outage(), gathering_seconds=0, timeout_seconds=10, secret=lambda: b"another")
    stranger.put(shelved("dee"))
    await until_there(cache, "dee")
    await cache.rename(PREFIX + "ada", PREFIX + "bo")
    await cache.set(PREFIX + "cy", b"nonsense", px=50_000)
    found = await shelf.find({"ada": [], "bo": [], "cy": [], "dee": []}, 100)
    assert {name: one.payload for name, one in found.items()} == dict.fromkeys(("ada", "bo", "cy", "dee"))
    assert NOTHING.payload is None


@pytest.fixture
def fake() -> FakeCache:
    return FakeCache(Clock())


async def test_many_are_put_there_in_a_few_trips(fake: FakeCache, group: asyncio.TaskGroup) -> None:
    shelf = Shelf(fake.redis, group, Outage(), gathering_seconds=0)
    assert [shelf.put(shelved(str(number))) for number in range(MOST_WAITING + 1)] == [True] * MOST_WAITING + [False]
    assert shelf.put(shelved("0")), "it waits already"
    await turns(10 * MOST_WAITING // MOST_AT_ONCE)
    assert (len(fake.entries), fake.trips) == (MOST_WAITING, MOST_WAITING // MOST_AT_ONCE)


async def test_what_is_too_large_or_over_is_left_out(fake: FakeCache, group: asyncio.TaskGroup) -> None:
    shelf = Shelf(fake.redis, group, Outage(), gathering_seconds=0)
    shelf.put(shelved("large", b"x" * (MOST_BYTES + 1)))
    shelf.put(shelved("over", seconds=0))
    shelf.put(shelved("just", b"x" * MOST_BYTES))
    await turns()
    assert list(fake.entries) == [PREFIX + "just"]


async def test_while_the_cache_is_down_it_is_tried_now_and_then(fake: FakeCache, group: asyncio.TaskGroup) -> None:
    shelf = Shelf(fake.redis, group, Outage(pause=60), gathering_seconds=0)
    fake.is_down = True
    for _ in range(3):
        shelf.put(shelved("ada"))
        await turns()
        assert await shelf.find({"ada": []}, 100) == {}
    assert fake.trips == 1


async def test_a_process_that_has_ended_puts_nothing_there(fake: FakeCache) -> None:
    async with asyncio.TaskGroup() as group:
        shelf = Shelf(fake.redis, group, Outage(), gathering_seconds=0)
    assert shelf.put(shelved("ada"))
    await turns()
    assert fake.trips == 0
