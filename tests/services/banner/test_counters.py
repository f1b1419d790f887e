"""Caps hold per account, banner and day, in one round trip; without the cache they are not enforced."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from services.banner.biz import LIMIT, Banner, CountersLost, Shortlist, Slot
from services.banner.data import RedisCounters
from services.runtime.cache import open_cache
from services.runtime.versioned_cache import Outage
from tests.conftest import NOON, free_port
from tests.services.counting import CountingRedis
from tests.services.runtime.stopwatch import Stopwatch

TOMORROW = NOON + timedelta(days=1)
KEY = "banner:shown:20260302:{1}:7"


def banner(number: int, cap: int = 0) -> Banner:
    return Banner(number, Slot.HOME_TOP, "Offer", "/offer.png", "/offer", weight=1, daily_cap=cap)


def candidates(*caps: int, account_id: int = 1) -> Shortlist:
    """Banners with ids from 7 and these caps."""
    return Shortlist(account_id, [banner(number, cap) for number, cap in enumerate(caps, start=7)])


async def show(cache: Redis, *shortlists: Shortlist, now: datetime = NOON) -> list[list[int]]:
    return [[chosen.id for chosen in shown] for shown in await RedisCounters(cache).show(now, shortlists)]


async def counters(cache: Redis) -> dict[bytes | str, int]:
    return {key: int(await cache.get(key) or 0) for key in await cache.keys("*")}


async def test_a_banner_at_its_cap_makes_room_for_the_next(cache: Redis) -> None:
    seen = [await show(cache, candidates(2, 1, 0)) for _ in range(4)]
    assert seen == [[[7, 8, 9]], [[7, 9]], [[9]], [[9]]]


async def test_only_what_is_shown_is_counted(cache: Redis) -> None:
    assert await show(cache, candidates(9, 0, 9, 0, 9, 9)) == [[7, 8, 9, 10, 11]]
    assert await counters(cache) == {b"banner:shown:20260302:{1}:%d" % number: 1 for number in (7, 9, 11)}


async def test_a_full_list_ends_at_the_limit_after_skipping_used_up_banners(cache: Redis) -> None:
    many = candidates(1, *[0] * LIMIT)
    assert await show(cache, many) == [[7, 8, 9, 10, 11]]
    assert await show(cache, many) == [[8, 9, 10, 11, 12]]


async def test_a_cap_is_for_one_account(cache: Redis) -> None:
    assert await show(cache, candidates(1)) == [[7]]
    assert await show(cache, candidates(1), candidates(1, account_id=2)) == [[], [7]]


async def test_the_next_day_counts_anew(cache: Redis) -> None:
    assert await show(cache, candidates(1)) == [[7]]
    assert await show(cache, candidates(1)) == [[]]
    assert await show(cache, candidates(1), now=TOMORROW) == [[7]]


@pytest.mark.parametrize(("now", "left"), [(NOON, 12 * 3600), (NOON.replace(hour=23, minute=59, second=59), 1)])
async def test_a_counter_goes_a_minute_after_its_day(cache: Redis, now: datetime, left: int) -> None:
    await show(cache, candidates(9), now=now)
    assert left + 58 <= await cache.ttl(KEY) <= left + 60


async def test_concurrent_calls_never_pass_the_cap(cache: Redis) -> None:
    counting = RedisCounters(cache)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(counting.show(NOON, [candidates(5, 0)])) for _ in range(30)]
    shown = Counter(chosen.id for task in tasks for chosen in task.result()[0])
    assert shown == {7: 5, 8: 30}


@pytest.mark.parametrize("size", [1, 1000])
async def test_any_batch_costs_one_round_trip(cache: Redis, size: int) -> None:
    counting = CountingRedis(cache)
    shown = await show(counting, *(candidates(1, 0, account_id=number) for number in range(1, size + 1)))
    assert shown == [[7, 8]] * size
    assert counting.round_trips == 1


async def test_a_server_that_forgot_the_script_still_counts_in_one_round_trip(cache: Redis) -> None:
    counting = CountingRedis(cache)
    pair = (candidates(2), candidates(2, account_id=2))
    assert await show(counting, *pair) == [[7], [7]]
    await cache.script_flush()
    assert await show(counting, *pair) == [[7], [7]]
    assert await show(counting, *pair) == [[], []]
    assert counting.round_trips == 3


async def test_a_counter_that_is_no_number_loses_the_counters(cache: Redis) -> None:
    await cache.lpush(KEY, "x")
    with pytest.raises(CountersLost):
        await show(cache, candidates(1))


async def test_a_dead_cache_is_left_alone_and_logged_once_until_it_is_back(cache: Redis) -> None:
    watch = Stopwatch()
    async with open_cache(f"redis://127.0.0.1:{free_port()}/0") as dead:
        counting = RedisCounters(dead, Outage(0.5, watch))
        with capture_logs() as logs:
            for _ in range(3):
                with pytest.raises(CountersLost):
                    await counting.show(NOON, [candidates(1)])
            dead.connection_pool = cache.connection_pool
            with pytest.raises(CountersLost):
                await counting.show(NOON, [candidates(1)])
            watch.now += 0.5
            assert await counting.show(NOON, [candidates(1)]) == [[banner(7, 1)]]
            assert await counting.show(NOON, [candidates(1)]) == [[]]
    assert [(entry["log_level"], entry["event"]) for entry in logs] == [
        ("warning", "cache outage begins"),
        ("info", "cache outage ends"),
    ]


async def test_a_silent_cache_counts_as_lost() -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with open_cache(f"redis://127.0.0.1:{port}/0") as silent:
            with pytest.raises(CountersLost):
                await show(silent, candidates(1))
