"""What an account has is moved and erased bit by bit; counters and events tell the same as the follows themselves."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from random import Random
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from schema.generated.event.v1 import event_pb2
from services.activity.biz import Follow, Holdings, Kind
from services.activity.data import ACCOUNT, ACTIVITY, FOLLOW, METADATA, OUTBOX, SqlHoldingStore
from services.activity.wire import BACKEND
from services.runtime.backend import Resources
from services.runtime.serving import open_resources
from services.runtime.settings import Settings
from tests.conftest import NOON, MakeResources
from tests.services.activity.fakes import activity
from tests.services.activity.stores import activity_store, follow_store, holding_store
from tests.services.counting import statements_run
from tests.services.telling import events_told

Pair: TypeAlias = tuple[int, int]


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(METADATA)


@pytest.fixture
def store(resources: Resources) -> SqlHoldingStore:
    return holding_store(resources)


async def follow(resources: Resources, *pairs: Pair) -> None:
    for follower_id, followee_id in pairs:
        assert await follow_store(resources).add(Follow(follower_id, followee_id, NOON))


async def kept(resources: Resources) -> set[Pair]:
    async with resources.database.read() as session:
        return {(one, other) for one, other, _ in await session.execute(select(FOLLOW))}


async def counted(resources: Resources) -> dict[int, Pair]:
    """Followers and followed of each account that has any, as they are counted."""
    async with resources.database.read() as session:
        rows = {
            row.account_id: (row.follower_count, row.following_count) for row in await session.execute(select(ACCOUNT))
        }
    return {account_id: counts for account_id, counts in rows.items() if counts != (0, 0)}


def recount(pairs: Iterable[Pair]) -> dict[int, Pair]:
    pairs = list(pairs)
    followers, following = Counter(pair[1] for pair in pairs), Counter(pair[0] for pair in pairs)
    return {id_: (followers[id_], following[id_]) for id_ in followers | following}


async def retold(resources: Resources) -> set[Pair]:
    """The follows, as somebody knows them who only heard the events; each must make sense where it comes."""
    known: set[Pair] = set()
    for account_id, what, *_ in await events_told(resources.database, OUTBOX):
        if isinstance(what, event_pb2.Followed):
            assert (account_id, what.followee_id) not in known
            known.add((account_id, what.followee_id))
        elif isinstance(what, event_pb2.Unfollowed):
            known.remove((account_id, what.followee_id))
    return known


async def holds_together(resources: Resources) -> None:
    pairs = await kept(resources)
    assert await counted(resources) == recount(pairs)
    assert await retold(resources) == pairs


async def test_follows_move_in_both_directions_without_doubles_and_without_oneself(
    resources: Resources, store: SqlHoldingStore
) -> None:
    await follow(resources, (1, 2), (1, 3), (1, 4), (3, 1), (4, 1), (2, 1), (2, 3), (4, 2), (8, 9))
    moved = [await store.move_follows(1, 2, 1000) for _ in range(4)]
    assert moved == [3, 3, 0, 0]
    assert await kept(resources) == {(2, 3), (2, 4), (3, 2), (4, 2), (8, 9)}
    await holds_together(resources)


async def test_some_move_in_each_call(resources: Resources, store: SqlHoldingStore) -> None:
    await follow(resources, *((1, other) for other in range(10, 15)), *((other, 1) for other in range(20, 23)))
    moved = [await store.move_follows(1, 2, 2) for _ in range(6)]
    assert moved == [2, 2, 1, 2, 1, 0]
    assert await kept(resources) == {*((2, other) for other in range(10, 15)), *((other, 2) for other in range(20, 23))}
    await holds_together(resources)


async def test_a_moved_follow_is_as_old_as_it_was(resources: Resources, store: SqlHoldingStore) -> None:
    await follow_store(resources).add(Follow(1, 3, NOON - timedelta(days=9)))
    await store.move_follows(1, 2, 10)
    async with resources.database.read() as session:
        assert (await session.execute(select(FOLLOW))).all() == [(2, 3, NOON - timedelta(days=9))]


async def test_moving_is_told_to_those_it_happens_to(resources: Resources, store: SqlHoldingStore) -> None:
    await follow(resources, (1, 3), (3, 1), (2, 3))
    before = len(await events_told(resources.database, OUTBOX))
    while await store.move_follows(1, 2, 10):
        continue
    why = (0, "merge of 1 into 2")
    assert (await events_told(resources.database, OUTBOX))[before:] == [
        (1, event_pb2.Unfollowed(followee_id=3), *why),
        (3, event_pb2.Unfollowed(followee_id=1), *why),
        (3, event_pb2.Followed(followee_id=2), *why),
    ]


async def test_activities_move_bit_by_bit(resources: Resources, store: SqlHoldingStore) -> None:
    for number in range(1, 8):
        await activity_store(resources).add(activity(number, 1 + number % 2))
    assert [await store.move_activities(1, 2, 2) for _ in range(3)] == [2, 1, 0]
    async with resources.database.read() as session:
        assert set(await session.scalars(select(ACTIVITY.c.author_id))) == {2}
        assert len((await session.execute(select(ACTIVITY))).all()) == 7


async def test_an_account_is_erased_bit_by_bit_and_nobody_else(resources: Resources, store: SqlHoldingStore) -> None:
    await follow(resources, (1, 2), (1, 3), (2, 1), (3, 1), (4, 1), (2, 3))
    for number in range(1, 6):
        await activity_store(resources).add(activity(number, 1 + number % 2))
    assert [await store.erase(1, 3) for _ in range(4)] == [3, 3, 1, 0]
    assert await kept(resources) == {(2, 3)}
    assert await store.count(1) == Holdings(0, 0, 0)
    assert await store.count(2) == Holdings(3, 1, 0)
    await holds_together(resources)
    async with resources.database.read() as session:
        assert 1 not in set(await session.scalars(select(ACCOUNT.c.account_id)))


async def test_what_an_account_has_is_counted_in_one_statement(resources: Resources, store: SqlHoldingStore) -> None:
    await follow(resources, (1, 2), (1, 3), (4, 1))
    await activity_store(resources).add(activity(1, 1, Kind.SIGN_IN))
    with statements_run(resources.database) as statements:
        assert await store.count(1) == Holdings(activities=1, following=2, followers=1)
    assert len(statements) == 1


@pytest.mark.parametrize("others", [2, 300])
async def test_what_moving_costs_does_not_grow_with_what_moves(
    resources: Resources, store: SqlHoldingStore, others: int
) -> None:
    await follow(resources, *((1, other) for other in range(10, 10 + others)))
    with statements_run(resources.database) as statements:
        assert await store.move_follows(1, 2, 1000) == others
    locks = 0 if resources.database.engine.dialect.name == "sqlite" else 2
    assert len(statements) == 4 + locks


async def test_what_cannot_be_told_does_not_move(resources: Resources, store: SqlHoldingStore) -> None:
    await follow(resources, (1, 3), (3, 1))
    async with resources.database.engine.begin() as connection:
        await connection.run_sync(OUTBOX.drop)
    for act in (store.move_follows(1, 2, 10), store.erase(1, 10)):
        with pytest.raises(Exception, match="activity_outbox"):
            await act
    assert await kept(resources) == {(1, 3), (3, 1)}
    assert await counted(resources) == recount({(1, 3), (3, 1)})


async def test_movers_of_the_same_account_at_once_leave_nothing_behind(
    resources: Resources, store: SqlHoldingStore
) -> None:
    await follow(resources, *((1, other) for other in range(10, 30)), *((other, 1) for other in range(20, 40)))

    async def mover() -> int:
        moved = 0
        while some := await store.move_follows(1, 2, 3):
            moved += some
        return moved

    assert sum(await asyncio.gather(*(mover() for _ in range(4)))) == 40
    assert all(1 not in pair for pair in await kept(resources))
    await holds_together(resources)


async def test_accounts_that_follow_each_other_are_moved_while_they_go_on(resources: Resources) -> None:
    """Merges of neighbours, crossing each other, beside people who follow and unfollow."""
    random, store, follows = Random(3), holding_store(resources), follow_store(resources)
    pairs = [(one, other) for one in range(1, 9) for other in range(1, 9) if one != other]
    await follow(resources, *random.sample(pairs, 40))

    async def people(seed: int) -> None:
        choice = Random(seed)
        for _ in range(15):
            one, other = choice.choice(pairs)
            await (follows.add(Follow(one, other, NOON)) if choice.random() < 0.5 else follows.remove(one, other))

    async def merge(source: int, target: int) -> None:
        for _ in range(6):
            await store.move_follows(source, target, 4)

    await asyncio.gather(merge(1, 2), merge(3, 4), merge(5, 1), *(people(seed) for seed in range(3)))
    await holds_together(resources)


accounts = st.integers(1, 5)
pairs = st.tuples(accounts, accounts).filter(lambda pair: pair[0] != pair[1])
acts = st.one_of(
    st.tuples(st.just("follow"), pairs),
    st.tuples(st.just("follow"), pairs),
    st.tuples(st.just("unfollow"), pairs),
    st.tuples(st.just("move"), pairs),
    st.tuples(st.just("erase"), pairs),
)


@given(told=st.lists(acts, max_size=40), most=st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_whatever_happens_counters_and_events_tell_what_is(told: list[tuple[str, Pair]], most: int) -> None:
    asyncio.run(happens(told, most))


async def happens(told: list[tuple[str, Pair]], most: int) -> None:
    """Does everything to the store and to a plain set of pairs, and compares."""
    expected: set[Pair] = set()
    with tempfile.TemporaryDirectory() as folder:
        async with open_resources(BACKEND, Settings(data=folder)) as resources:
            async with resources.database.engine.begin() as connection:
                await connection.run_sync(METADATA.create_all)
            for act, (one, other) in told:
                await do(resources, act, one, other, most)
                expected = after(expected, act, one, other)
                assert await kept(resources) == expected
            await holds_together(resources)


async def do(resources: Resources, act: str, one: int, other: int, most: int) -> None:
    store = holding_store(resources)
    if act == "follow":
        await follow_store(resources).add(Follow(one, other, NOON))
    elif act == "unfollow":
        await follow_store(resources).remove(one, other)
    elif act == "move":
        while await store.move_follows(one, other, most):
            continue
    else:
        while await store.erase(one, most):
            continue


def after(pairs: set[Pair], act: str, one: int, other: int) -> set[Pair]:
    if act == "follow":
        return pairs | {(one, other)}
    if act == "unfollow":
        return pairs - {(one, other)}
    if act == "erase":
        return {pair for pair in pairs if one not in pair}
    moved = {tuple(other if id_ == one else id_ for id_ in pair) for pair in pairs}
    return {(first, second) for first, second in moved if first != second}
