"""Follows are counted as they are made and unmade, by however many at once; figures come in one statement."""

import asyncio
from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select

from services.activity.biz import Audience, Follow, FollowCounts, SuggestionQuestion
from services.activity.data import ACCOUNT, FOLLOW, METADATA, SqlActivityStore, SqlFollowStore
from services.runtime.backend import Resources
from tests.conftest import NOON, MakeResources
from tests.services.activity.fakes import activity
from tests.services.counting import statements_run

WEEK_AGO = NOON - timedelta(days=7)


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(METADATA)


@pytest.fixture
def store(resources: Resources) -> SqlFollowStore:
    return SqlFollowStore(resources.database)


async def follow(store: SqlFollowStore, *pairs: tuple[int, int]) -> list[bool]:
    return [await store.add(Follow(follower_id, followee_id, NOON)) for follower_id, followee_id in pairs]


async def counts(store: SqlFollowStore, *account_ids: int) -> dict[int, tuple[int, int]]:
    return {found.account_id: (found.followers, found.following) for found in await store.counts(account_ids)}


async def test_a_new_follow_is_counted_on_both_sides(store: SqlFollowStore) -> None:
    assert await follow(store, (1, 2), (1, 3), (2, 1)) == [True, True, True]
    assert await counts(store, 1, 2, 3, 4) == {1: (1, 2), 2: (1, 1), 3: (1, 0)}


async def test_a_second_follow_keeps_the_first_and_counts_nothing(resources: Resources, store: SqlFollowStore) -> None:
    await follow(store, (1, 2))
    assert await store.add(Follow(1, 2, NOON + timedelta(days=1))) is False
    assert await counts(store, 1, 2) == {1: (0, 1), 2: (1, 0)}
    async with resources.database.read() as session:
        assert (await session.execute(select(FOLLOW))).all() == [(1, 2, NOON)]


async def test_an_unfollow_is_counted_once(store: SqlFollowStore) -> None:
    await follow(store, (1, 2), (2, 1))
    assert [await store.remove(1, 2), await store.remove(1, 2), await store.remove(1, 9)] == [True, False, False]
    assert await counts(store, 1, 2, 9) == {1: (1, 0), 2: (0, 1)}


async def test_one_of_many_equal_follows_at_once_changes_something(store: SqlFollowStore) -> None:
    changed = await asyncio.gather(*(store.add(Follow(1, 2, NOON)) for _ in range(8)))
    assert Counter(changed) == {False: 7, True: 1}
    assert await counts(store, 1, 2) == {1: (0, 1), 2: (1, 0)}


async def test_one_of_many_equal_unfollows_at_once_changes_something(store: SqlFollowStore) -> None:
    await follow(store, (1, 2))
    assert Counter(await asyncio.gather(*(store.remove(1, 2) for _ in range(8)))) == {False: 7, True: 1}
    assert await counts(store, 1, 2) == {1: (0, 0), 2: (0, 0)}


async def test_counters_hold_while_accounts_follow_and_unfollow_each_other_at_once(
    resources: Resources, store: SqlFollowStore
) -> None:
    random = Random(1)
    pairs = [tuple(random.sample(range(1, 5), 2)) for _ in range(60)]
    acts = [
        store.add(Follow(one, other, NOON)) if random.random() < 0.6 else store.remove(one, other)
        for one, other in pairs
    ]
    await asyncio.gather(*acts)
    async with resources.database.read() as session:
        kept = [(follower_id, followee_id) for follower_id, followee_id, _ in await session.execute(select(FOLLOW))]
        counted = {row.account_id: row[1:] for row in await session.execute(select(ACCOUNT))}
    followers, following = Counter(pair[1] for pair in kept), Counter(pair[0] for pair in kept)
    assert counted == {id_: (followers[id_], following[id_]) for id_ in counted}
    assert set(followers) | set(following) <= set(counted)


async def test_a_failure_to_count_takes_the_follow_back(resources: Resources, store: SqlFollowStore) -> None:
    async with resources.database.engine.begin() as connection:
        await connection.run_sync(ACCOUNT.drop)
    with pytest.raises(Exception, match="activity_account"):
        await store.add(Follow(1, 2, NOON))
    async with resources.database.read() as session:
        assert (await session.execute(select(FOLLOW))).all() == []


async def test_counts_come_back_as_words(store: SqlFollowStore) -> None:
    await follow(store, (1, 2**62))
    assert await store.counts([2**62]) == [FollowCounts(2**62, followers=1, following=0)]


async def test_an_audience_knows_who_is_new_and_what_was_published_this_week(
    resources: Resources, store: SqlFollowStore
) -> None:
    instant = timedelta(microseconds=1)
    for follower_id, at in enumerate((WEEK_AGO - instant, WEEK_AGO, WEEK_AGO + instant, NOON), start=10):
        await store.add(Follow(follower_id, 1, at))
    activities = SqlActivityStore(resources.database)
    for one in (activity(1), activity(2), activity(3, author_id=2)):
        await activities.add(one)
    assert sorted(await store.audiences([1, 2, 10, 99], since=WEEK_AGO), key=lambda found: found.account_id) == [
        Audience(1, followers=4, new_this_week=3, activities_this_week=2),
        Audience(2, followers=0, new_this_week=0, activities_this_week=1),
        Audience(10, followers=0, new_this_week=0, activities_this_week=0),
        Audience(99, followers=0, new_this_week=0, activities_this_week=0),
    ]
    (later,) = await store.audiences([1], since=NOON + timedelta(seconds=2))
    assert later == Audience(1, followers=4, new_this_week=0, activities_this_week=1)


async def test_the_most_followed_are_suggested_first_but_neither_oneself_nor_whom_one_follows(
    store: SqlFollowStore,
) -> None:
    await follow(store, *((follower_id, 1) for follower_id in (2, 3, 4, 5)))
    await follow(store, (1, 2), (3, 2), (4, 2), (1, 3), (2, 3), (6, 7))
    questions = [
        SuggestionQuestion(9, 10),
        SuggestionQuestion(9, 2),
        SuggestionQuestion(1, 10),
        SuggestionQuestion(2, 1),
        SuggestionQuestion(3, 10),
    ]
    assert await store.most_followed(questions) == [[1, 2, 3, 7], [1, 2], [7], [7], [7]]


async def test_whom_nobody_follows_any_more_is_not_suggested(store: SqlFollowStore) -> None:
    await follow(store, (1, 2), (1, 3))
    await store.remove(1, 2)
    assert await store.most_followed([SuggestionQuestion(9, 5)]) == [[3]]


@pytest.mark.parametrize("size", [1, 200])
async def test_figures_for_any_number_of_accounts_are_one_statement_each(
    resources: Resources, store: SqlFollowStore, size: int
) -> None:
    account_ids = list(range(1, size + 1))
    with statements_run(resources.database) as statements:
        assert await store.counts(account_ids) == []
        assert len(await store.audiences(account_ids, since=NOON)) == size
        assert await store.most_followed([SuggestionQuestion(id_, 5) for id_ in account_ids]) == [[]] * size
    assert len(statements) == 3
