"""Who may follow whom, and the figures that come of it."""

import pytest

from schema.errcode import InvalidArgument, Unauthenticated
from services.activity.biz import Audience, Follow, FollowCounts, Follows, SuggestionQuestion
from tests.conftest import NOON, HandClock
from tests.services.activity.fakes import ADA, BO, GUEST, DictFollowStore


@pytest.fixture
def store() -> DictFollowStore:
    return DictFollowStore()


@pytest.fixture
def follows(store: DictFollowStore, clock: HandClock) -> Follows:
    return Follows(store, clock)


async def test_following_is_kept_with_its_time(follows: Follows, store: DictFollowStore) -> None:
    assert await follows.follow(ADA, 2) is True
    assert list(store.kept.values()) == [Follow(1, 2, NOON)]


async def test_following_twice_changes_nothing(follows: Follows, store: DictFollowStore, clock: HandClock) -> None:
    await follows.follow(ADA, 2)
    clock.advance(days=1)
    assert await follows.follow(ADA, 2) is False
    assert list(store.kept.values()) == [Follow(1, 2, NOON)]


async def test_unfollowing_ends_it_once(follows: Follows, store: DictFollowStore) -> None:
    await follows.follow(ADA, 2)
    await follows.follow(BO, 1)
    assert [await follows.unfollow(ADA, 2), await follows.unfollow(ADA, 2)] == [True, False]
    assert list(store.kept) == [(2, 1)]


async def test_nobody_follows_oneself(follows: Follows, store: DictFollowStore) -> None:
    for act in (follows.follow, follows.unfollow):
        with pytest.raises(InvalidArgument, match=r"^accountId: must be another account than one's own$"):
            await act(ADA, 1)
    assert store.kept == {}


async def test_a_guest_follows_nobody(follows: Follows, store: DictFollowStore) -> None:
    store.kept[0, 2] = Follow(0, 2, NOON)
    for act in (follows.follow, follows.unfollow):
        with pytest.raises(Unauthenticated):
            await act(GUEST, 2)
    assert store.kept == {(0, 2): Follow(0, 2, NOON)}


async def test_counts_come_in_the_order_asked_and_are_zero_where_nothing_is_known(
    follows: Follows, store: DictFollowStore
) -> None:
    store.figures = {1: FollowCounts(1, followers=5, following=2), 2: FollowCounts(2, followers=1, following=0)}
    assert await follows.counts([2, 9, 1, 2]) == [store.figures[2], FollowCounts(9, 0, 0), store.figures[1]]


async def test_this_week_began_seven_days_ago(follows: Follows, store: DictFollowStore) -> None:
    assert await follows.audiences([1, 2, 1]) == [Audience(1, 3, 2, 1), Audience(2, 3, 2, 1)]
    assert store.since == NOON.replace(month=2, day=23)


async def test_suggestions_are_the_stores(follows: Follows) -> None:
    assert await follows.suggestions([SuggestionQuestion(1, 2), SuggestionQuestion(2, 1)]) == [[9, 8], [9]]
