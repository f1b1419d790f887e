"""A change takes out of the shared cache what is kept under its name, and tells every gateway."""

import asyncio

import pytest
from fakeredis import FakeAsyncRedis, FakeServer
from redis.asyncio import Redis

from services.runtime import subjects
from services.runtime.changed import CHANGED, CHANNEL, MARKED_SECONDS, PREFIX, Changes, subjects_in
from services.runtime.versioned_cache import Outage

ADA, BO = subjects.account(1), subjects.account(2)


async def heard_of(cache: Redis, *told: list[str]) -> list[list[str]]:
    """What somebody on the channel hears when these are told."""
    heard: list[list[str]] = []
    async with cache.pubsub() as pubsub, asyncio.timeout(60):
        await pubsub.subscribe(CHANNEL)
        for each in told:
            await Changes(cache).tell(each)
        await cache.publish(CHANNEL, b"end")
        async for message in pubsub.listen():
            if message["data"] == b"end":
                return heard
            if message["type"] == "message":
                heard.append(subjects_in(message["data"]))
    return heard


async def test_whoever_listens_hears_of_each_change(cache: Redis) -> None:
    session = subjects.session("secret")
    assert await heard_of(cache, [ADA, subjects.handle("Ada")], [session]) == [[ADA, "handle/ada"], [session]]


async def test_nothing_is_told_of_nothing(cache: Redis) -> None:
    assert await heard_of(cache, []) == []


async def test_what_is_kept_under_the_name_is_gone_before_anybody_hears(cache: Redis) -> None:
    kept = [f"{PREFIX}/{place}/1" for place in ("lane/account_by_id", "viewer/features")]
    other = f"{PREFIX}/lane/account_by_id/2"
    await cache.mset(dict.fromkeys([*kept, other], b"x"))
    await Changes(cache).tell([ADA])
    assert await cache.mget([*kept, other]) == [None, None, b"x"]


async def test_a_change_leaves_a_mark_for_an_hour(cache: Redis) -> None:
    await Changes(cache).tell([ADA, subjects.deeds(1)])
    for subject in (ADA, "deeds/1"):
        assert MARKED_SECONDS - 60 < await cache.ttl(CHANGED + subject) <= MARKED_SECONDS
    assert not await cache.exists(CHANGED + BO)


def test_a_subject_names_no_secret() -> None:
    assert "secret" not in subjects.session("secret")


@pytest.mark.parametrize("nonsense", [b"", b"\xff", b"{}", b"[1]", b'"account/1"', b"[", b"null"])
def test_a_message_of_nonsense_names_nothing(nonsense: bytes) -> None:
    assert subjects_in(nonsense) == []


async def test_a_cache_that_is_down_holds_nothing_up() -> None:
    server = FakeServer()
    server.connected = False
    outage = Outage()
    changes, redis = Changes(FakeAsyncRedis(server=server), outage), FakeAsyncRedis(server=server)
    await changes.tell([ADA])
    assert not outage.lets_through()
    server.connected = True
    await redis.set(f"{PREFIX}/viewer/features/1", b"x")
    await changes.tell([ADA])
    assert not await redis.exists(f"{PREFIX}/viewer/features/1")
    assert outage.lets_through()
