"""What is answered from which level, what is asked of the source, and who waits for whom."""

import asyncio
from typing import Any

import pytest
from fakeredis import FakeAsyncRedis, FakeServer
from redis.asyncio import Redis

from schema.errcode import BackendUnavailable
from services.runtime.changed import PREFIX
from services.runtime.lane import in_lane
from tests.loaders.caching.conftest import AccountStore
from tests.loaders.caching.town import LIFETIMES, Clock, MakeGateway, Tasks, account

ONE = PREFIX + "/lane/account_by_id/1"
LOCAL, REMOTE = LIFETIMES.usual.local, LIFETIMES.usual.remote


class Recording:
    """A Redis that remembers what it was told."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.told: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name in ("mget", "pipeline", "evalsha"):
            self.told.append(name)
        return getattr(self._redis, name)


async def test_what_was_read_once_is_answered_at_once(make_gateway: MakeGateway, store: AccountStore) -> None:
    gateway = make_gateway()
    assert await gateway.answers(1, 2, 9) == [account(1), account(2), None]
    again = gateway.answers(9, 2)
    assert isinstance(again, asyncio.Future)
    assert again.result() == [None, account(2)]
    assert store.asked == [[1, 2, 9]]
    assert gateway.counted == {"local miss": 3, "remote miss": 3, "local hit": 1, "local absent": 1}


async def test_another_gateway_finds_it_in_the_shared_cache_in_one_round_trip(
    make_gateway: MakeGateway, store: AccountStore, cache: Redis
) -> None:
    await make_gateway().read(1, 2, 9)
    recording = Recording(cache)
    other = make_gateway(redis=recording)
    assert await other.answers(1, 2, 9) == [account(1), account(2), None]
    assert store.asked == [[1, 2, 9]]
    assert recording.told == ["mget"]
    assert other.counted == {"local miss": 3, "remote hit": 2, "remote absent": 1}


async def test_only_what_neither_level_has_is_asked_of_the_source(
    make_gateway: MakeGateway, store: AccountStore
) -> None:
    gateway, other = make_gateway(), make_gateway()
    await gateway.read(1)
    await other.answers(2)
    assert await other.answers(1, 2, 9) == [account(1), account(2), None]
    assert store.asked == [[1], [2], [9]]


async def test_lifetimes_count_from_when_the_source_was_asked_and_are_never_longer(
    make_gateway: MakeGateway, store: AccountStore, cache: Redis, clock: Clock, tasks: Tasks
) -> None:
    store.open.clear()
    gateway = make_gateway()

    async def read() -> Any:
        return await gateway.answers(1, 9)

    reading = tasks.create_task(read())
    await store.was_asked()
    clock.now += 1
    store.open.set()
    await reading
    await tasks.rest()
    assert REMOTE * 900 - 2_000 < await cache.pttl(ONE) <= REMOTE * 1000 - 1_000
    assert 0 < await cache.pttl(PREFIX + "/lane/account_by_id/9") <= LIFETIMES.usual.absent * 1000 - 1_000


async def test_this_process_keeps_an_answer_for_a_moment_only(
    make_gateway: MakeGateway, store: AccountStore, clock: Clock
) -> None:
    gateway = make_gateway()
    await gateway.answers(1)
    clock.now += LOCAL
    assert await gateway.answers(1) == [account(1)]
    assert gateway.counted["remote hit"] == 1
    assert store.asked[0] == [1]


@pytest.mark.parametrize(("local", "remote", "asked"), [(True, False, 1), (False, True, 1), (False, False, 2)])
async def test_either_level_does_without_the_other(
    local: bool, remote: bool, asked: int, make_gateway: MakeGateway, store: AccountStore
) -> None:
    gateway = make_gateway(local=local, remote=remote)
    for _ in range(2):
        assert await gateway.read(1) == [account(1)]
    assert len(store.asked) == asked


async def test_an_answer_that_is_still_wanted_is_renewed_before_it_ends(
    make_gateway: MakeGateway, store: AccountStore, clock: Clock, tasks: Tasks
) -> None:
    gateway = make_gateway()
    await gateway.read(1)
    for _ in range(5):
        clock.now += LOCAL * 0.7
        for _ in range(3):
            assert gateway.knows(1)
        await tasks.rest()
    assert store.asked == [[1]]
    assert gateway.counted["local renewed"] == 5
    assert gateway.counted["remote hit"] == 5


async def test_what_is_to_be_renewed_in_one_moment_is_looked_for_together(
    make_gateway: MakeGateway, store: AccountStore, clock: Clock, tasks: Tasks
) -> None:
    gateway = make_gateway(remote=False)
    await gateway.answers(1, 2, 3)
    with in_lane("red"):
        await gateway.answers(1)
    clock.now += LOCAL * 0.7
    assert gateway.knows(1)
    assert gateway.knows(2)
    with in_lane("red"):
        assert gateway.knows(1)
    await tasks.rest()
    assert store.asked == [[1, 2, 3], [1], [1, 2], [1]]
    assert gateway.counted["local renewed"] == 3


async def test_in_the_shared_cache_too(
    make_gateway: MakeGateway, store: AccountStore, cache: Redis, clock: Clock, tasks: Tasks
) -> None:
    gateway = make_gateway()
    await gateway.read(1)
    before = await cache.get(ONE)
    for _ in range(20):
        clock.now += LOCAL * 0.7
        assert gateway.knows(1)
        await tasks.rest()
    assert store.asked == [[1], [1]]
    assert gateway.counted["remote renewed"] == 1
    assert await cache.get(ONE) not in (before, None)


async def test_what_nobody_wants_is_not_renewed(make_gateway: MakeGateway, store: AccountStore, clock: Clock) -> None:
    gateway = make_gateway()
    await gateway.read(1)
    clock.now += LOCAL * 0.9
    await gateway.read(2)
    assert store.asked == [[1], [2]]
    assert gateway.counted["local renewed"] == 0


async def test_an_answer_that_cannot_be_renewed_lasts_to_its_end_and_is_tried_once(
    make_gateway: MakeGateway, store: AccountStore, clock: Clock, tasks: Tasks
) -> None:
    gateway = make_gateway(remote=False)
    await gateway.answers(1)
    store.problem = BackendUnavailable("account")
    clock.now += LOCAL * 0.7
    for _ in range(3):
        assert await gateway.read(1) == [account(1)]
    await tasks.rest()
    assert len(store.asked) == 2


async def test_a_change_makes_this_process_forget_what_it_is_about(
    make_gateway: MakeGateway, store: AccountStore
) -> None:
    gateway = make_gateway(remote=False)
    store.values[5] = account(2)  # 5 was merged into 2.
    await gateway.answers(1, 2, 5)
    gateway.heard.note(["account/2"])
    assert gateway.knows(1)
    await gateway.answers(5, 2)
    assert store.asked == [[1, 2, 5], [5, 2]]
    assert gateway.counted["local changed"] == 2


async def test_what_changed_lately_is_not_believed_to_the_shared_cache(
    make_gateway: MakeGateway, store: AccountStore, clock: Clock
) -> None:
    store.values[5] = account(2)
    stale, gateway = make_gateway(), make_gateway()
    await stale.read(5)
    store.values[5] = store.values[2] = account(2, version=2)
    gateway.heard.note(["account/2"])
    assert await gateway.read(5) == [account(2, version=2)]
    assert gateway.counted["remote changed"] == 1
    assert await make_gateway().answers(5) == [account(2, version=2)]
    assert len(store.asked) == 2


POISON = [b"", b"L", b"V1:", b"V1:nonsense", b"\xff" * 40, b"V3:" + bytes(17), b"{}"]


@pytest.mark.parametrize("poison", POISON)
async def test_a_poisoned_entry_is_dropped_and_read_again(
    poison: bytes, make_gateway: MakeGateway, store: AccountStore, cache: Redis
) -> None:
    await cache.set(ONE, poison, px=60_000)
    assert await make_gateway().read(1) == [account(1)]
    if poison[:1] != b"L":  # That is the lease of somebody else.
        assert await make_gateway().answers(1) == [account(1)]
        assert store.asked == [[1]]


async def test_an_entry_that_is_another_keys_is_dropped_and_read_again(
    make_gateway: MakeGateway, store: AccountStore, cache: Redis
) -> None:
    await make_gateway().read(2)
    await cache.set(ONE, await cache.get(PREFIX + "/lane/account_by_id/2") or b"")
    gateway = make_gateway()
    assert await gateway.answers(1) == [account(1)]
    assert gateway.counted["remote spoiled"] == 1


async def test_a_dead_cache_costs_time_only(make_gateway: MakeGateway, store: AccountStore) -> None:
    server = FakeServer()
    dead = FakeAsyncRedis(server=server)
    gateway = make_gateway(redis=dead)
    await gateway.answers(1)
    server.connected = False
    assert await gateway.answers(1, 2) == [account(1), account(2)]
    store.problem = BackendUnavailable("account")
    assert await gateway.answers(1, 2) == [account(1), account(2)]
    with pytest.raises(BackendUnavailable):
        await gateway.answers(9)
    await dead.aclose()


async def test_a_lane_has_answers_of_its_own(make_gateway: MakeGateway, store: AccountStore, cache: Redis) -> None:
    gateway = make_gateway()
    await gateway.answers(1)
    store.values[1] = account(1, version=9)
    with in_lane("blue"):
        assert await gateway.read(1) == [account(1, version=9)]
        assert await make_gateway().answers(1) == [account(1, version=9)]
    assert await gateway.answers(1) == [account(1)]
    assert await cache.exists(PREFIX + "blue/lane/account_by_id/1") == 1
    gateway.heard.note(["account/1"])
    with in_lane("blue"):
        await gateway.answers(1)
    assert len(store.asked) == 3


async def test_it_holds_no_more_than_it_may(make_gateway: MakeGateway, store: AccountStore) -> None:
    gateway = make_gateway(most=8, remote=False)
    store.values.update({number: account(number) for number in range(1, 100)})
    await gateway.answers(*range(1, 200))
    assert gateway.local.size == 9


async def test_guesses_do_not_drive_out_what_is_there(make_gateway: MakeGateway, store: AccountStore) -> None:
    gateway = make_gateway(most=8, remote=False)
    await gateway.answers(1, 2)
    await gateway.answers(*range(1000, 2000))
    assert gateway.knows(1, 2)
