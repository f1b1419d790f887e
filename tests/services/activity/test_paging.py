"""Whatever the sizes of its pages, a list is read whole, in order, each activity once."""

from collections.abc import Iterator, Sequence
from itertools import count, cycle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from services.activity.biz import Activities, Activity, Follow, Kind, Page, PageQuestion, PageRequest, Viewer
from services.activity.data import ACCOUNT, METADATA, SqlActivityStore, SqlFollowStore
from services.runtime.backend import Resources
from tests.conftest import NOON, MakeResources
from tests.services.activity.fakes import ADA, GUEST, activity

FOLLOWED = (2, 3, 5)
KEPT = [activity(number, 1 + number * 7 % 6, Kind(1 + number * 5 % 6)) for number in range(1, 61)]


class Lists:
    """Ada's feed, her own list and what trends, over one store that activities are added to."""

    def __init__(self, resources: Resources) -> None:
        self._store = SqlActivityStore(resources.database)
        self._activities = Activities(self._store, resources.ids, resources.clock)
        self._newer = count(1000)
        self.kept = list(KEPT)

    async def page(self, name: str, request: PageRequest) -> Page:
        question = PageQuestion(GUEST if name == "trending" else ADA, request)
        ask = self._activities.own if name == "own" else self._activities.feeds
        (page,) = await ask([question])
        return page

    async def publish(self, author_id: int) -> None:
        newer = activity(next(self._newer), author_id)
        await self._store.add(newer)
        self.kept.append(newer)

    def whole(self, name: str, kinds: frozenset[Kind]) -> list[Activity]:
        """The list as it is now, by a plain search."""
        authors, public = {
            "feed": (FOLLOWED, {Kind.POST, Kind.VIDEO, Kind.LIKE, Kind.FOLLOW}),
            "own": ((ADA.account_id,), set(Kind)),
            "trending": (FOLLOWED, {Kind.POST, Kind.VIDEO}),
        }[name]
        wanted = public & kinds if kinds else public
        return [one for one in reversed(self.kept) if one.author_id in authors and one.kind in wanted]


@pytest.fixture
async def lists(make_resources: MakeResources) -> Lists:
    resources = await make_resources(METADATA)
    store, follows = SqlActivityStore(resources.database), SqlFollowStore(resources.database)
    for one in KEPT:
        await store.add(one)
    for account_id in FOLLOWED:
        await follows.add(Follow(ADA.account_id, account_id, NOON))
    return Lists(resources)


async def walk(lists: Lists, name: str, sizes: Iterator[int], kinds: frozenset[Kind]) -> list[Activity]:
    """The whole list, page by page, while somebody publishes between the pages."""
    found: list[Activity] = []
    authors = cycle((ADA.account_id, *FOLLOWED))
    after, more = "", True
    while more:
        first = next(sizes)
        page = await lists.page(name, PageRequest(first, after, kinds))
        assert len(page.items) == first or not page.has_next_page
        found += [item.activity for item in page.items]
        after, more = (page.items[-1].cursor if page.items else after), page.has_next_page
        await lists.publish(next(authors))
    return found


@pytest.mark.parametrize("name", ["feed", "own", "trending"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(3, 100), min_size=1, max_size=5),
    kinds=st.frozensets(st.sampled_from(Kind), max_size=3),
)
async def test_pages_of_any_sizes_make_the_whole_list(
    lists: Lists, name: str, sizes: Sequence[int], kinds: frozenset[Kind]
) -> None:
    whole = lists.whole(name, kinds)
    assert await walk(lists, name, cycle(sizes), kinds) == whole


async def test_pages_of_one_make_the_whole_list(lists: Lists) -> None:
    for name in ("feed", "own", "trending"):
        whole = lists.whole(name, frozenset())
        assert await walk(lists, name, cycle([1]), frozenset()) == whole


async def test_two_viewers_of_one_batch_each_get_their_own_page(make_resources: MakeResources) -> None:
    resources = await make_resources(METADATA)
    async with resources.database.transaction() as session:
        await session.execute(insert(ACCOUNT), [{"account_id": 2, "follower_count": 1, "following_count": 0}])
    store = SqlActivityStore(resources.database)
    for one in KEPT:
        await store.add(one)
    await SqlFollowStore(resources.database).add(Follow(7, 4, NOON))
    activities = Activities(store, resources.ids, resources.clock)
    requests = [
        PageQuestion(Viewer(7), PageRequest(2)),
        PageQuestion(GUEST, PageRequest(1)),
        PageQuestion(ADA, PageRequest(3)),
    ]
    of_seven, of_guest, of_ada = await activities.feeds(requests)
    public = [one for one in reversed(KEPT) if one.kind in {Kind.POST, Kind.VIDEO, Kind.LIKE, Kind.FOLLOW}]
    trending = [one for one in public if one.author_id in {2, 4} and one.kind in {Kind.POST, Kind.VIDEO}]
    assert [item.activity for item in of_seven.items] == [one for one in public if one.author_id == 4][:2]
    assert [item.activity for item in of_guest.items] == trending[:1]
    assert (of_ada.items, of_ada.has_next_page) == ((), False)
