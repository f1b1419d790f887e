"""What somebody missed, what staff looks for, and how much was done: each in one statement."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import insert, text

from services.activity.biz import (
    ALL_KINDS,
    BEFORE_ALL,
    PUBLIC_KINDS,
    Activity,
    ActivityFilter,
    Follow,
    Kind,
    KindCount,
    Period,
)
from services.activity.data import ACTIVITY, METADATA, SqlActivityStore
from services.activity.data.scans import counts, missed
from services.activity.demo import load_demo
from services.runtime.backend import Demo, Resources
from tests.conftest import NOON, MakeResources
from tests.services.activity.fakes import activity
from tests.services.activity.stores import activity_store, follow_store
from tests.services.counting import statements_run

HOUR = timedelta(hours=1)


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(METADATA)


@pytest.fixture
def store(resources: Resources) -> SqlActivityStore:
    return activity_store(resources)


async def fill(resources: Resources, kept: Sequence[Activity], follows: Sequence[tuple[int, int]] = ()) -> None:
    async with resources.database.transaction() as session:
        await session.execute(insert(ACTIVITY), [asdict(one) for one in kept])
    for follower_id, followee_id in follows:
        await follow_store(resources).add(Follow(follower_id, followee_id, NOON))


async def missed_ids(store: SqlActivityStore, account_id: int, after: int, most: int = 100) -> list[int]:
    return [found.id for found in await store.since(account_id, after, most, PUBLIC_KINDS)]


async def test_what_was_missed_is_of_those_followed_oldest_first(resources: Resources, store: SqlActivityStore) -> None:
    kept = [activity(number, 2 + number % 3) for number in range(1, 13)]
    await fill(resources, [*kept, activity(13, 2, Kind.SIGN_IN)], [(1, 2), (1, 3), (5, 4)])
    assert await missed_ids(store, 1, 4) == [6, 7, 9, 10, 12]
    assert await missed_ids(store, 1, 0, most=3) == [1, 3, 4]
    assert await missed_ids(store, 1, 12) == []
    assert await missed_ids(store, 5, 0) == [2, 5, 8, 11]
    assert await missed_ids(store, 9, 0) == []
    assert await store.since(1, 11, 5, PUBLIC_KINDS) == [kept[11]]


async def found_ids(store: SqlActivityStore, **wanted: Any) -> list[int]:
    return [found.id for found in await store.search(ActivityFilter(**{"most": 100} | wanted))]


async def test_a_search_finds_what_matches_everything_that_is_said(
    resources: Resources, store: SqlActivityStore
) -> None:
    random = Random(1)
    kept = [activity(number, random.randint(1, 5), random.choice(list(Kind))) for number in range(1, 101)]
    await fill(resources, kept)
    for _ in range(60):
        authors = frozenset(random.sample(range(1, 7), random.randint(0, 3)))
        kinds = frozenset(random.sample(list(Kind), random.randint(0, 3)))
        since, until = (random.choice([None, NOON + timedelta(seconds=each)]) for each in (30, 70))
        before, most = random.choice([BEFORE_ALL, random.randint(1, 100)]), random.randint(1, 30)
        matching = [
            one.id
            for one in reversed(kept)
            if (not authors or one.author_id in authors)
            and (not kinds or one.kind in kinds)
            and (since is None or one.created_at >= since)
            and (until is None or one.created_at < until)
            and one.id < before
        ]
        period = Period(since, until)
        found = await found_ids(store, most=most, before=before, author_ids=authors, kinds=kinds, period=period)
        assert found == matching[:most]


async def test_what_was_done_in_a_period_is_counted_by_account_and_kind(
    resources: Resources, store: SqlActivityStore
) -> None:
    random = Random(2)
    kept = [activity(number, random.randint(1, 30), random.choice(list(Kind))) for number in range(1, 401)]
    await fill(resources, kept)
    period = Period(NOON + timedelta(seconds=100), NOON + timedelta(seconds=300))
    within = Counter((one.author_id, one.kind) for one in kept if 100 <= one.id < 300)
    paged, after = list[KindCount](), 0
    while page := await store.count(period, after, 7):
        assert len({count.account_id for count in page}) <= 7
        paged += page
        after = page[-1].account_id
    assert paged == [KindCount(*key, count) for key, count in sorted(within.items())]


async def test_each_costs_one_statement(resources: Resources, store: SqlActivityStore) -> None:
    await fill(resources, [activity(number, number % 50) for number in range(1, 501)], [(1, 2), (1, 3)])
    period = Period(NOON, NOON + HOUR)
    for most in (1, 1000):
        with statements_run(resources.database) as statements:
            await store.since(1, 0, most, PUBLIC_KINDS)
            await store.search(
                ActivityFilter(most, author_ids=frozenset(range(1, 200)), kinds=ALL_KINDS, period=period)
            )
            await store.count(period, 0, most)
        assert len(statements) == 3


@pytest.mark.parametrize("accounts", [1, 200])
async def test_followees_of_any_number_of_accounts_are_one_statement(resources: Resources, accounts: int) -> None:
    store = follow_store(resources)
    for follower_id, followee_id in ((1, 3), (1, 2), (2, 1), (300, 1)):
        await store.add(Follow(follower_id, followee_id, NOON))
    with statements_run(resources.database) as statements:
        found = await store.followees(range(1, accounts + 1))
    assert len(statements) == 1
    assert found == ({1: [2, 3]} if accounts == 1 else {1: [2, 3], 2: [1]})


async def plan(resources: Resources, query: Any, parameters: dict[str, Any]) -> str:
    """How the database goes about it, as it explains it."""
    engine = resources.database.engine
    sqlite = engine.dialect.name == "sqlite"
    statement = query.params(**parameters).compile(engine, compile_kwargs={"literal_binds": True})
    async with engine.connect() as connection:
        if not sqlite:
            await connection.execute(text("ANALYZE"))
        explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
        rows = await connection.exec_driver_sql(explain + str(statement))
        return "\n".join(str(row[-1]) for row in rows)


async def test_what_was_missed_is_chosen_by_the_authors_index_and_counts_by_the_moment(resources: Resources) -> None:
    await load_demo(resources, Demo(accounts=240, report=lambda _rows: None))
    dialect = resources.database.engine.dialect.name
    asked = {"account_id": 1, "after": 5000, "most": 101, "kinds": sorted(PUBLIC_KINDS)}
    explained = await plan(resources, missed(dialect), asked)
    assert "ix_activity_author_id_id" in explained
    period = Period(NOON - timedelta(days=1), NOON - timedelta(days=1) + HOUR)
    counted = await plan(resources, counts(period, 0, 1000), {})
    assert "ix_activity_created_at" in counted
    for scan in ("Seq Scan on activity_follow", "Seq Scan on activity  (", "SCAN activity\n", "SCAN activity_follow"):
        assert scan not in explained + counted
