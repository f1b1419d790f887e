"""Leases in a store: one holder for each number, judged by the store's clock, whoever asks at once."""

import asyncio
import time
from contextlib import suppress
from random import Random

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from schema.errcode import Overloaded
from services.identifier.biz import LEASE_SECONDS, SET_ASIDE, Identifiers, Lease
from services.identifier.data import LEASE, METADATA, SqlLeaseStore
from services.runtime.backend import Resources
from services.runtime.clock import utc_now
from services.runtime.ids import TICKS_PER_MS, WORKERS, tick_at
from tests.conftest import MakeResources
from tests.services.counting import statements_run
from tests.services.identifier.fakes import Stopwatch

FAR = 2**53


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(METADATA)


@pytest.fixture
def store(resources: Resources) -> SqlLeaseStore:
    return SqlLeaseStore(resources.database)


async def rows(resources: Resources) -> dict[int, tuple[str, int, int]]:
    async with resources.database.read() as session:
        return {worker: tuple(rest) for worker, *rest in await session.execute(select(LEASE))}


async def expire(resources: Resources, *workers: int) -> None:
    """What time does to leases."""
    async with resources.database.transaction() as session:
        await session.execute(update(LEASE).where(LEASE.c.worker.in_(workers)).values(expires_at=0))


async def leave_free(resources: Resources, *free: int) -> None:
    taken = [
        {"worker": worker, "holder": "other", "expires_at": FAR, "last_tick": 0}
        for worker in range(WORKERS)
        if worker not in free
    ]
    async with resources.database.transaction() as session:
        await session.execute(insert(LEASE), taken)


async def acquired(store: SqlLeaseStore, holder: str) -> Lease:
    lease = await store.acquire(holder)
    assert lease is not None
    return lease


async def test_a_lease_is_for_the_present_and_what_was_set_aside(resources: Resources, store: SqlLeaseStore) -> None:
    began, before = time.time(), tick_at(utc_now())
    lease = await acquired(store, "one")
    after, ended = tick_at(utc_now()), time.time()
    assert before - TICKS_PER_MS <= lease.now <= after
    assert lease.upto == lease.now + SET_ASIDE
    ((worker, (holder, expires_at, last_tick)),) = (await rows(resources)).items()
    assert (worker, holder, last_tick) == (lease.worker, "one", lease.upto)
    assert began - 1 <= expires_at / 1000 - LEASE_SECONDS <= ended + 1


async def test_a_number_that_is_held_is_given_to_nobody_else(resources: Resources, store: SqlLeaseStore) -> None:
    await leave_free(resources, 7)
    assert (await acquired(store, "one")).worker == 7
    assert await store.acquire("two") is None
    assert (await rows(resources))[7][0] == "one"


async def test_a_number_whose_lease_is_over_is_given_on_above_what_the_old_holder_had(
    resources: Resources, store: SqlLeaseStore
) -> None:
    await leave_free(resources, 7)
    old = await acquired(store, "one")
    await expire(resources, 7)
    new = await acquired(store, "two")
    assert new.worker == 7
    assert new.upto - SET_ASIDE >= old.upto
    assert await store.renew("one", 7, 0) is None
    assert (await rows(resources))[7][0] == "two"


async def test_renewal_sets_aside_what_is_needed_and_never_less_than_before(
    resources: Resources, store: SqlLeaseStore
) -> None:
    lease = await acquired(store, "one")
    needed = lease.upto + 5 * SET_ASIDE
    for asked in (needed, 0):
        renewed = await store.renew("one", lease.worker, asked)
        assert renewed is not None
        assert (renewed.worker, renewed.upto) == (lease.worker, needed)
        assert renewed.now >= lease.now
    assert (await rows(resources))[lease.worker][2] == needed


async def test_renewal_goes_on_from_now(resources: Resources, store: SqlLeaseStore) -> None:
    lease = await acquired(store, "one")
    await expire(resources, lease.worker)
    began = time.time()
    assert await store.renew("one", lease.worker, 0) is not None
    renewed_at = (await rows(resources))[lease.worker][1] / 1000 - LEASE_SECONDS
    assert began - 1 <= renewed_at <= time.time() + 1


async def test_a_number_given_back_is_free_at_once_and_goes_on_where_its_ids_ended(
    resources: Resources, store: SqlLeaseStore
) -> None:
    await leave_free(resources, 7)
    lease = await acquired(store, "one")
    await store.release("two", 7, 0)
    assert await store.acquire("two") is None
    await store.release("one", 7, lease.now + 3)
    assert (await rows(resources))[7][2] == lease.now + 3
    assert await store.renew("one", 7, 0) is None
    assert (await acquired(store, "two")).upto < lease.upto + SET_ASIDE


async def test_twenty_at_once_get_twenty_numbers(resources: Resources, store: SqlLeaseStore) -> None:
    leases = await asyncio.gather(*(store.acquire(str(number)) for number in range(20)))
    workers = {lease.worker for lease in leases if lease}
    assert len(workers) == 20
    assert {worker: row[0] for worker, row in (await rows(resources)).items()}.keys() == workers


async def test_twenty_at_once_for_five_numbers_are_five_holders(resources: Resources, store: SqlLeaseStore) -> None:
    free = [3, 7, 500, 1000, 1023]
    await leave_free(resources, *free)
    leases = await asyncio.gather(*(store.acquire(str(number)) for number in range(20)))
    held = {lease.worker: str(number) for number, lease in enumerate(leases) if lease}
    kept = await rows(resources)
    assert sorted(held) == free
    assert {worker: kept[worker][0] for worker in free} == held


async def test_a_lease_costs_two_statements_and_renewal_one(resources: Resources, store: SqlLeaseStore) -> None:
    with statements_run(resources.database) as statements:
        lease = await acquired(store, "one")
    assert len(statements) == 2
    with statements_run(resources.database) as statements:
        await store.renew("one", lease.worker, 0)
    assert len(statements) == 1


@pytest.mark.parametrize("worker", [-1, WORKERS])
async def test_there_are_no_other_numbers(resources: Resources, worker: int) -> None:
    row = {"worker": worker, "holder": "one", "expires_at": 0, "last_tick": 0}
    async with resources.database.read() as session:
        with pytest.raises(IntegrityError):
            await session.execute(insert(LEASE), [row])
    assert await rows(resources) == {}


async def test_no_id_comes_twice_while_leases_are_lost_and_processes_restart(
    resources: Resources, store: SqlLeaseStore
) -> None:
    """Eight at a time over three numbers; leases end without warning, and holders come and go."""
    await leave_free(resources, 0, 1, 2)
    made: list[int] = []

    async def live(seed: int) -> None:
        random = Random(seed)
        for life in range(4):
            identifiers = Identifiers(store, f"{seed}.{life}", Stopwatch())
            last = 0
            for _ in range(6):
                await identifiers.keep()
                with suppress(Overloaded):
                    ids = await identifiers.allocate(random.randint(1, 5000))
                    assert ids == sorted(ids)
                    assert last < ids[0]
                    last = ids[-1]
                    made.extend(ids)
                await expire(resources, random.randint(0, 2))
            if random.random() < 0.5:
                await identifiers.release()

    await asyncio.gather(*(live(seed) for seed in range(8)))
    assert len(made) > 100_000
    assert len(set(made)) == len(made)
    async with resources.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(LEASE)) == WORKERS
