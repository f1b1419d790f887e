"""Who waits for which load, and what becomes of it when they leave, fail, or something changes."""

import asyncio
from typing import Any

from redis.asyncio import Redis

from schema.errcode import BackendUnavailable, DeadlineExceeded
from services.runtime.channels import CallTally, call_tally
from services.runtime.deadline import deadline_in
from tests.loaders.caching.conftest import AccountStore
from tests.loaders.caching.test_cached import ONE
from tests.loaders.caching.town import MakeGateway, Tasks, account


async def test_all_who_miss_the_same_share_one_load(make_gateway: MakeGateway, store: AccountStore) -> None:
    gateway = make_gateway()
    store.open.clear()
    reading = asyncio.gather(*(gateway.answers(1) for _ in range(50)), gateway.answers(2, 1))
    await store.was_asked(2)
    store.open.set()
    answers = await reading
    assert answers == [[account(1)]] * 50 + [[account(2), account(1)]]
    assert sorted(store.asked) == [[1], [2]]


async def test_who_leaves_takes_nobody_along_and_the_last_one_stops_the_load(
    make_gateway: MakeGateway, store: AccountStore, tasks: Tasks
) -> None:
    gateway = make_gateway()
    store.open.clear()

    async def read() -> Any:
        return await gateway.answers(1)

    first, second = tasks.create_task(read()), tasks.create_task(read())
    await store.was_asked()
    first.cancel()
    await asyncio.wait([first])
    assert store.given_up == 0
    second.cancel()
    await tasks.rest()
    assert store.given_up == 1
    store.open.set()
    assert await gateway.answers(1) == [account(1)]


async def test_what_nobody_waits_for_any_more_is_not_asked_of_the_source(
    make_gateway: MakeGateway, store: AccountStore, tasks: Tasks
) -> None:
    gateway = make_gateway()

    async def read() -> Any:
        return await gateway.answers(1)

    reading = tasks.create_task(read())
    await asyncio.sleep(0)
    reading.cancel()
    await tasks.rest()
    assert store.asked == []
    assert await gateway.answers(1) == [account(1)]


async def test_a_request_that_is_abandoned_waits_no_longer(
    make_gateway: MakeGateway, store: AccountStore, tasks: Tasks
) -> None:
    gateway = make_gateway()
    store.open.clear()
    tally = CallTally()
    call_tally.set(tally)

    async def read() -> Any:
        return await gateway.answers(1)

    reading = tasks.create_task(read())
    await store.was_asked()
    tally.abandon()
    await tasks.rest()
    assert (reading.cancelled(), store.given_up) == (True, 1)


async def test_each_waits_no_longer_than_its_own_time(
    make_gateway: MakeGateway, store: AccountStore, tasks: Tasks
) -> None:
    gateway = make_gateway()
    store.open.clear()

    async def read(seconds: float) -> Any:
        with deadline_in(seconds):
            return await gateway.answers(1)

    hasty, patient = tasks.create_task(read(0.01)), tasks.create_task(read(60))
    [error] = await hasty
    assert isinstance(error, DeadlineExceeded)
    store.open.set()
    assert await patient == [account(1)]
    assert store.asked == [[1]]


async def test_who_asks_after_a_change_joins_nobody_who_asked_before_it(
    make_gateway: MakeGateway, store: AccountStore, tasks: Tasks, cache: Redis
) -> None:
    gateway = make_gateway()
    store.open.clear()

    async def read() -> Any:
        return await gateway.answers(1)

    before = tasks.create_task(read())
    await store.was_asked()
    store.values[1] = account(1, version=2)
    await cache.delete(ONE)
    gateway.heard.note(["account/1"])
    after = tasks.create_task(read())
    await store.was_asked(2)
    store.open.set()
    assert await before == [account(1)]
    assert await after == [account(1, version=2)]
    assert await gateway.answers(1) == [account(1, version=2)]
    assert await make_gateway().answers(1) == [account(1, version=2)]


async def test_an_error_is_the_answer_of_its_key_and_is_not_kept(
    make_gateway: MakeGateway, store: AccountStore
) -> None:
    gateway = make_gateway()
    store.values[1] = BackendUnavailable("account")
    [error, fine] = await gateway.answers(1, 2)
    assert isinstance(error, BackendUnavailable)
    assert fine == account(2)
    store.values[1] = account(1)
    assert await gateway.answers(1, 2) == [account(1), account(2)]
    assert store.asked == [[1, 2], [1]]


async def test_a_source_that_raises_fails_all_who_wait_and_is_asked_again(
    make_gateway: MakeGateway, store: AccountStore
) -> None:
    gateway = make_gateway()
    store.problem = BackendUnavailable("account")
    outcomes = await asyncio.gather(*(gateway.answers(1) for _ in range(3)), return_exceptions=True)
    assert outcomes == [store.problem] * 3
    store.problem = None
    assert await gateway.answers(1) == [account(1)]


async def test_the_calls_of_a_load_are_counted_for_all_who_wait(
    make_gateway: MakeGateway, store: AccountStore, tasks: Tasks
) -> None:
    class Sending:
        """A source that sends one call for each batch."""

        async def answers(self, keys: Any) -> Any:
            tally = call_tally.get()
            assert tally is not None
            tally.add()
            return await store.answers(keys)

    gateway = make_gateway(source=Sending())
    tallies = [CallTally(), CallTally()]
    store.open.clear()

    async def read(tally: CallTally) -> Any:
        call_tally.set(tally)
        return await gateway.answers(1)

    reading = [tasks.create_task(read(tally)) for tally in tallies]
    await store.was_asked()
    store.open.set()
    await asyncio.wait(reading)
    assert [(tally.count, tally.shared, tally.share) for tally in tallies] == [(1, 1, 0.5)] * 2
    alone = CallTally()
    await tasks.create_task(read(alone))
    assert (alone.count, alone.share) == (0, 0.0)
