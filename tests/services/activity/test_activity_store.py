"""Activities come back as they were kept, and many lists at once as each alone would."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, insert, text
from sqlalchemy.exc import IntegrityError

from services.activity.biz import (
    ALL_KINDS,
    BEFORE_ALL,
    PUBLIC_KINDS,
    TRENDING_AUTHORS,
    TRENDING_KINDS,
    Activity,
    Follow,
    Kind,
    Slice,
    Source,
)
from services.activity.data import ACCOUNT, ACTIVITY, FOLLOW, METADATA, SqlActivityStore, SqlFollowStore
from services.activity.demo import load_demo
from services.runtime.backend import Demo, Resources
from services.runtime.database import Database
from tests.conftest import NOON, MakeResources
from tests.services.activity.fakes import activity
from tests.services.counting import statements_run

LAST = 2**63 - 1


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(METADATA)


@pytest.fixture
def store(resources: Resources) -> SqlActivityStore:
    return SqlActivityStore(resources.database)


async def keep(resources: Resources, kept: Sequence[Activity], follows: Sequence[tuple[int, int]] = ()) -> None:
    store, follow_store = SqlActivityStore(resources.database), SqlFollowStore(resources.database)
    for one in kept:
        await store.add(one)
    for follower_id, followee_id in follows:
        await follow_store.add(Follow(follower_id, followee_id, NOON))


def feed(account_id: int, most: int = 100, before: int = BEFORE_ALL, kinds: frozenset[Kind] = PUBLIC_KINDS) -> Slice:
    return Slice(Source.FOLLOWED, account_id, before, most, kinds)


def own(account_id: int, most: int = 100, before: int = BEFORE_ALL, kinds: frozenset[Kind] = ALL_KINDS) -> Slice:
    return Slice(Source.OWN, account_id, before, most, kinds)


def trending(most: int = 100, before: int = BEFORE_ALL, kinds: frozenset[Kind] = TRENDING_KINDS) -> Slice:
    return Slice(Source.TRENDING, 0, before, most, kinds)


async def ids(store: SqlActivityStore, *slices: Slice) -> list[list[int]]:
    return [[found.id for found in run] for run in await store.newest(slices)]


async def test_an_activity_comes_back_as_it_was_kept(resources: Resources, store: SqlActivityStore) -> None:
    kept = [Activity(LAST - 1, LAST, Kind.SIGN_IN, "é\n" * 1000, NOON.replace(microsecond=123456)), activity(1)]
    await keep(resources, kept)
    assert sorted(await store.by_ids({1, 2, LAST - 1}), key=lambda found: -found.id) == kept
    assert await store.newest([own(LAST), own(1)]) == [[kept[0]], [kept[1]]]


async def test_an_id_is_given_once(resources: Resources, store: SqlActivityStore) -> None:
    await keep(resources, [activity(1)])
    with pytest.raises(IntegrityError):
        await store.add(activity(1, author_id=2))
    assert await store.by_ids({1}) == [activity(1)]


async def test_a_feed_is_what_those_followed_did_newest_first(resources: Resources, store: SqlActivityStore) -> None:
    kept = [activity(1, 2), activity(2, 3), activity(3, 1), activity(4, 4), activity(5, 2)]
    await keep(resources, kept, [(1, 2), (1, 3), (4, 1)])
    assert await ids(store, feed(1), feed(4), feed(2), feed(9)) == [[5, 2, 1], [3], [], []]


async def test_a_run_begins_below_before_and_ends_at_most(resources: Resources, store: SqlActivityStore) -> None:
    await keep(resources, [activity(number, 2 + number % 2) for number in range(1, 11)], [(1, 2), (1, 3)])
    assert await ids(store, feed(1, 3), feed(1, 3, before=6), feed(1, before=3), feed(1, before=1)) == [
        [10, 9, 8],
        [5, 4, 3],
        [2, 1],
        [],
    ]


async def test_only_the_wanted_kinds_are_counted(resources: Resources, store: SqlActivityStore) -> None:
    await keep(resources, [activity(number, 2, Kind(1 + number % 6)) for number in range(1, 25)], [(1, 2)])
    videos = frozenset({Kind.VIDEO})
    assert await ids(store, feed(1, 3, kinds=videos), own(2, 3, kinds=videos), own(2, 3)) == [
        [19, 13, 7],
        [19, 13, 7],
        [24, 23, 22],
    ]


async def test_what_trends_is_of_the_fifty_most_followed(resources: Resources, store: SqlActivityStore) -> None:
    authors = range(1, TRENDING_AUTHORS + 3)
    counts = [{"account_id": id_, "follower_count": id_ - 1, "following_count": 0} for id_ in authors]
    async with resources.database.transaction() as session:
        await session.execute(insert(ACCOUNT), counts)
    await keep(resources, [activity(100 + author_id, author_id) for author_id in authors])
    await keep(resources, [activity(200, 52, Kind.LIKE), activity(201, 99)])
    assert await ids(store, trending(), trending(2, before=150)) == [list(range(152, 102, -1)), [149, 148]]


async def test_nothing_trends_where_nobody_is_followed(resources: Resources, store: SqlActivityStore) -> None:
    await keep(resources, [activity(1)], [(1, 2)])
    await SqlFollowStore(resources.database).remove(1, 2)
    assert await ids(store, trending()) == [[]]


def naive(wanted: Slice, kept: Sequence[Activity], follows: set[tuple[int, int]]) -> list[int]:
    """The slice as a plain search finds it; everybody followed trends, as there are few."""
    authors = {
        Source.OWN: {wanted.account_id},
        Source.FOLLOWED: {followee for follower, followee in follows if follower == wanted.account_id},
        Source.TRENDING: {followee for _, followee in follows},
    }[wanted.source]
    matching = [one for one in kept if one.author_id in authors and one.kind in wanted.kinds and one.id < wanted.before]
    return sorted((one.id for one in matching), reverse=True)[: wanted.most]


async def test_many_slices_at_once_are_what_a_plain_search_finds(resources: Resources, store: SqlActivityStore) -> None:
    random = Random(1)
    kept = [activity(id_, random.randint(1, 8), random.choice(list(Kind))) for id_ in range(1, 301)]
    follows = {(random.randint(1, 12), random.randint(1, 8)) for _ in range(40)}
    await _fill(resources, kept, follows)
    slices = [
        Slice(
            random.choice(list(Source)),
            random.randint(0, 12),
            random.choice([BEFORE_ALL, random.randint(1, 320)]),
            random.randint(1, 101),
            frozenset(random.sample(list(Kind), random.randint(1, 6))),
        )
        for _ in range(200)
    ]
    assert await ids(store, *slices) == [naive(wanted, kept, follows) for wanted in slices]


async def _fill(resources: Resources, kept: Sequence[Activity], follows: set[tuple[int, int]]) -> None:
    async with resources.database.transaction() as session:
        await session.execute(insert(ACTIVITY), [asdict(one) for one in kept])
        rows = [{"follower_id": one, "followee_id": other, "created_at": NOON} for one, other in follows]
        await session.execute(insert(FOLLOW), rows)
        followed = {followee for _, followee in follows}
        counts = [{"account_id": id_, "follower_count": 1, "following_count": 0} for id_ in followed]
        await session.execute(insert(ACCOUNT), counts)


@pytest.mark.parametrize("accounts", [1, 200])
@pytest.mark.parametrize("source", list(Source))
async def test_lists_of_any_number_of_accounts_are_one_statement(
    resources: Resources, store: SqlActivityStore, source: Source, accounts: int
) -> None:
    slices = [Slice(source, account_id, BEFORE_ALL, 21, PUBLIC_KINDS) for account_id in range(accounts)]
    with statements_run(resources.database) as statements:
        assert await store.newest(slices) == [()] * accounts
    assert len(statements) == 1


async def test_feeds_and_what_trends_are_two_statements_and_no_slice_is_none(
    resources: Resources, store: SqlActivityStore
) -> None:
    with statements_run(resources.database) as statements:
        await store.newest([feed(1), trending(), feed(2), trending()])
    assert len(statements) == 2
    with statements_run(resources.database) as statements:
        assert await store.newest([]) == []
    assert len(statements) == 0


@pytest.mark.parametrize("size", [1, 1000])
async def test_any_number_of_activities_by_id_are_one_statement(
    resources: Resources, store: SqlActivityStore, size: int
) -> None:
    with statements_run(resources.database) as statements:
        assert await store.by_ids(range(1, size + 1)) == []
    assert len(statements) == 1


@contextmanager
def _executed(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """A list that grows by each statement that runs within the block, with its parameters."""
    executed: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        executed.append((statement, parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield executed
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def plan(resources: Resources, store: SqlActivityStore, wanted: Slice) -> str:
    """How the database goes about the slice's statement, as it explains it."""
    with _executed(resources.database) as executed:
        await store.newest([wanted])
    ((statement, parameters),) = executed
    sqlite = resources.database.engine.dialect.name == "sqlite"
    async with resources.database.engine.connect() as connection:
        if not sqlite:
            await connection.execute(text("ANALYZE"))
        explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
        rows = await connection.exec_driver_sql(explain + statement, parameters)
        return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize("wanted", [feed(1, 21), own(1, 21), trending(21)])
async def test_a_list_is_chosen_by_the_authors_index_and_no_table_is_read_through(
    resources: Resources, store: SqlActivityStore, wanted: Slice
) -> None:
    await load_demo(resources, Demo(accounts=240, report=lambda _rows: None))
    explained = await plan(resources, store, wanted)
    assert "ix_activity_author_id_id" in explained
    for scan in ("Seq Scan on activity ", "Seq Scan on activity_follow", "SCAN activity", "SCAN listed", "SCAN newer"):
        assert scan not in explained
