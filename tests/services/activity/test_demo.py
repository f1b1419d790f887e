"""The demo is large enough to look at, the same every time, and all or nothing."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, func, insert, select
from sqlalchemy.exc import IntegrityError

from services.activity.biz import Activities, Follows, Kind, Page, PageQuestion, PageRequest, SuggestionQuestion, Viewer
from services.activity.data import ACCOUNT, ACTIVITY, FOLLOW, METADATA, SqlActivityStore, SqlFollowStore
from services.activity.demo import count_demo, load_demo
from services.runtime.backend import Demo, Resources
from tests.conftest import NOON, MakeResources

MIDNIGHT = NOON.replace(hour=0)
NAMED = (1, 2, 3, 4)
CLOSING = {50, 51, 52}


def quiet(_rows: int) -> None:
    """A report that nobody reads."""


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    loaded = await make_resources(METADATA)
    await load_demo(loaded, Demo(accounts=240, report=quiet))
    return loaded


async def rows(resources: Resources, table: Table) -> list[tuple[Any, ...]]:
    async with resources.database.read() as session:
        found = await session.execute(select(table).order_by(*table.primary_key.columns))
    return [tuple(row) for row in found]


async def test_it_loads_what_it_counted_and_reports_each_row(make_resources: MakeResources) -> None:
    resources, reported = await make_resources(METADATA), Counter[str]()
    demo = Demo(accounts=240, report=lambda rows: reported.update(rows=rows))
    await load_demo(resources, demo)
    sizes = {table.name: len(await rows(resources, table)) for table in (ACTIVITY, FOLLOW, ACCOUNT)}
    assert sizes == {"activity": 6000, "activity_follow": 2880, "activity_account": 240}
    assert reported["rows"] == count_demo(demo) == 9120


async def test_the_same_size_on_the_same_day_makes_the_same_rows(
    resources: Resources, make_resources: MakeResources
) -> None:
    first = [await rows(resources, table) for table in (ACTIVITY, FOLLOW, ACCOUNT)]
    async with resources.database.transaction() as session:
        for table in (ACTIVITY, FOLLOW, ACCOUNT):
            await session.execute(table.delete())
    await load_demo(resources, Demo(accounts=240, report=quiet))
    assert [await rows(resources, table) for table in (ACTIVITY, FOLLOW, ACCOUNT)] == first


async def test_ids_and_times_rise_together_through_the_last_month(resources: Resources) -> None:
    activities = await rows(resources, ACTIVITY)
    times = [created_at for *_, created_at in activities]
    assert [id_ for id_, *_ in activities] == list(range(1, 6001))
    assert times == sorted(times)
    assert MIDNIGHT - timedelta(days=30) <= times[0] < MIDNIGHT - timedelta(days=29)
    assert MIDNIGHT - timedelta(hours=1) < times[-1] <= MIDNIGHT


async def test_texts_vary_and_are_short(resources: Resources) -> None:
    texts = Counter(text for _, _, _, text, _ in await rows(resources, ACTIVITY))
    assert len(texts) > 250
    assert max(map(len, texts)) <= 100
    assert not any("{" in text for text in texts)


async def test_counters_agree_with_the_follows(resources: Resources) -> None:
    follows = await rows(resources, FOLLOW)
    followers, following = Counter(pair[1] for pair in follows), Counter(pair[0] for pair in follows)
    assert all(follower_id != followee_id for follower_id, followee_id, _ in follows)
    assert await rows(resources, ACCOUNT) == [(id_, followers[id_], following[id_]) for id_ in range(1, 241)]


async def test_each_named_account_follows_and_is_followed_enough(resources: Resources) -> None:
    follows = await rows(resources, FOLLOW)
    for account_id in NAMED:
        assert len({pair[1] for pair in follows if pair[0] == account_id} - CLOSING) >= 10
        assert len({pair[0] for pair in follows if pair[1] == account_id}) >= 20


async def test_each_named_account_has_own_activities_of_every_kind(resources: Resources) -> None:
    kinds = Counter((author_id, kind) for _, author_id, kind, _, _ in await rows(resources, ACTIVITY))
    assert all(kinds[account_id, kind] > 0 for account_id in NAMED for kind in Kind)


async def test_the_feeds_of_the_named_accounts_and_of_a_guest_have_several_pages(resources: Resources) -> None:
    activities = Activities(SqlActivityStore(resources.database), resources.ids, resources.clock)
    pages: list[Page] = await activities.feeds(
        [PageQuestion(Viewer(account_id), PageRequest(100)) for account_id in (0, *NAMED)]
    )
    assert [(len(page.items), page.has_next_page) for page in pages] == [(100, True)] * 5


async def test_the_named_accounts_have_an_audience_and_suggestions(resources: Resources) -> None:
    follows = Follows(SqlFollowStore(resources.database), resources.clock)
    for audience in await follows.audiences(NAMED):
        assert audience.followers >= 20
        assert audience.new_this_week > 0
        assert audience.activities_this_week > 0
    suggestions = await follows.suggestions([SuggestionQuestion(account_id, 5) for account_id in NAMED])
    assert [len(suggested) for suggested in suggestions] == [5] * 4


@pytest.mark.parametrize(("accounts", "follows"), [(1, 0), (4, 12), (13, 156)])
async def test_a_small_demo_has_what_fits(make_resources: MakeResources, accounts: int, follows: int) -> None:
    resources = await make_resources(METADATA)
    demo = Demo(accounts=accounts, report=quiet)
    await load_demo(resources, demo)
    assert len(await rows(resources, FOLLOW)) == follows
    assert count_demo(demo) == 26 * accounts + follows


async def test_what_is_there_already_leaves_the_tables_as_they_were(make_resources: MakeResources) -> None:
    resources = await make_resources(METADATA)
    async with resources.database.transaction() as session:
        row = {"account_id": 240, "follower_count": 7, "following_count": 0}
        await session.execute(insert(ACCOUNT), [row])
    with pytest.raises(IntegrityError):
        await load_demo(resources, Demo(accounts=240, report=quiet))
    async with resources.database.read() as session:
        sizes = [await session.scalar(select(func.count()).select_from(table)) for table in (ACTIVITY, FOLLOW, ACCOUNT)]
    assert sizes == [0, 0, 1]
