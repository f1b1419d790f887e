"""Histories and errands in SQL, on both stacks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from services.job.biz.changes import Change, without_values
from services.job.biz.errands import Errand, ErrandKind, ErrandState, Progress
from services.job.biz.happenings import Difference
from services.job.biz.ports import ErrandLost, Place, Placed
from services.job.data import METADATA, SqlErrandStore, SqlLedger, SqlRecords
from services.runtime.database import Database
from tests.conftest import NOON, MakeResources
from tests.services.counting import statements_run
from tests.services.job.examples import ADA, BO, change, erasure, event_id, merge

CY = 3
LATER = NOON + timedelta(seconds=30)
FULL = replace(
    merge(),
    steps=(Progress("follows", total=5, moved=5, done=True), Progress("grants", total=1)),
    state=ErrandState.RUNNING,
    attempts=3,
    problem="grants: the permission backend is unavailable",
    started_at=NOON + timedelta(microseconds=1),
    due_at=NOON + timedelta(seconds=4),
    traceparent="00-aa-bb-01",
    lane="blue",
)
"""An errand of which nothing is as it is by itself."""


@pytest.fixture
async def database(make_resources: MakeResources) -> Database:
    return (await make_resources(METADATA)).database


async def add(database: Database, *changes: Change) -> None:
    async with database.transaction() as session:
        await SqlLedger(session).add_changes(changes)


async def put(database: Database, *errands: Errand) -> None:
    async with database.transaction() as session:
        for errand in errands:
            await SqlLedger(session).put_errand(errand)


async def history(database: Database, account_id: int = ADA, before: Place | None = None) -> Sequence[Placed]:
    return await SqlRecords(database).changes(account_id, before, 100)


async def test_a_change_is_kept_with_all_that_it_says(database: Database) -> None:
    differences = (Difference("avatar_url", "https://a", None), Difference("bio", None, "é"), Difference("birthday"))
    whole = replace(change(1), differences=differences, erased=True)
    await add(database, whole)
    assert [placed.change for placed in await history(database)] == [whole]


async def test_a_history_comes_newest_first_whatever_came_first(database: Database) -> None:
    await add(database, change(2), change(1, BO))
    await add(database, change(3), change(1))
    assert [placed.change for placed in await history(database)] == [change(3), change(2), change(1)]


async def test_changes_of_one_moment_come_in_the_order_in_which_they_were_added(database: Database) -> None:
    await add(database, *(replace(change(number), occurred_at=NOON) for number in (1, 2, 3)))
    assert [placed.change.event_id for placed in await history(database)] == [event_id(n) for n in (3, 2, 1)]


async def test_pages_of_a_history_leave_nothing_out_and_repeat_nothing(database: Database) -> None:
    await add(database, *(replace(change(n), occurred_at=NOON + timedelta(microseconds=n // 3)) for n in range(20)))
    records, seen, place = SqlRecords(database), [], None
    while page := await records.changes(ADA, place, 3):
        seen += [placed.change.event_id for placed in page]
        place = page[-1].place
    assert seen == [event_id(number) for number in reversed(range(20))]


async def test_a_change_that_is_there_stays_as_it_is(database: Database) -> None:
    await add(database, change(1))
    await add(database, replace(change(1), reason="other"), change(1, BO))
    assert [placed.change for placed in await history(database)] == [change(1)]
    assert [placed.change for placed in await history(database, BO)] == [change(1, BO)]


async def test_replaced_changes_keep_their_places_and_others_stay(database: Database) -> None:
    await add(database, change(1), change(2), change(1, BO))
    before = await history(database)
    async with database.transaction() as session:
        ledger = SqlLedger(session)
        await ledger.replace_changes([without_values(each) for each in await ledger.changes_of(ADA)])
        await ledger.replace_changes([])
    after = await history(database)
    assert [placed.place for placed in after] == [placed.place for placed in before]
    assert [placed.change for placed in after] == [without_values(change(2)), without_values(change(1))]
    assert [placed.change for placed in await history(database, BO)] == [change(1, BO)]


async def test_accounts_with_an_errand_are_those_of_its_kind(database: Database) -> None:
    await put(database, merge(ADA), erasure(BO))
    async with database.transaction() as session:
        ledger = SqlLedger(session)
        assert await ledger.accounts_with(ErrandKind.MERGE, {ADA, BO, CY}) == {ADA}
        assert await ledger.accounts_with(ErrandKind.ERASURE, {ADA, BO, CY}) == {BO}


async def test_the_reason_of_one_errand_can_be_forgotten(database: Database) -> None:
    await put(database, merge(ADA), erasure(ADA), merge(CY))
    async with database.transaction() as session:
        await SqlLedger(session).forget_reason(ErrandKind.MERGE, ADA)
    merges = await SqlRecords(database).merges([], None, 10)
    assert [(errand.account_id, errand.reason) for errand in merges] == [(CY, "they are one"), (ADA, "")]


async def test_an_errand_is_kept_with_all_that_it_says(database: Database) -> None:
    await put(database, FULL)
    assert await SqlRecords(database).merge(ADA) == FULL
    assert await SqlRecords(database).merge(BO) is None


async def test_news_of_an_errand_come_with_its_commit(database: Database) -> None:
    async with database.transaction() as session:
        await SqlLedger(session).put_errand(merge())
        assert not database.news.is_set()
    assert database.news.is_set()


async def test_what_is_due_is_claimed_once_the_first_due_first(database: Database) -> None:
    soon, sooner = replace(merge(ADA), due_at=NOON), replace(merge(BO), due_at=NOON - timedelta(hours=1))
    future = replace(merge(CY), due_at=NOON + timedelta(seconds=1))
    await put(database, soon, sooner, future, erasure(ADA))
    store = SqlErrandStore(database)
    assert await store.claim("me", NOON, LATER, 1) == [sooner]
    assert {(errand.kind, errand.account_id) for errand in await store.claim("me", NOON, LATER, 10)} == {
        (ErrandKind.MERGE, ADA),
        (ErrandKind.ERASURE, ADA),
    }
    assert await store.claim("me", NOON, LATER, 10) == []
    assert await store.claim("other", future.due_at, LATER, 10) == [future]


async def test_what_is_held_is_free_when_its_time_is_over(database: Database) -> None:
    await put(database, merge())
    store = SqlErrandStore(database)
    await store.claim("me", NOON, LATER, 1)
    assert await store.claim("other", LATER - timedelta(microseconds=1), LATER, 1) == []
    assert await store.claim("other", LATER, LATER + timedelta(seconds=30), 1) == [merge()]
    with pytest.raises(ErrandLost):
        await store.save(FULL, "me", None)
    assert await SqlRecords(database).merge(ADA) == merge()


async def test_saving_keeps_how_far_it_is_and_who_holds_it(database: Database) -> None:
    await put(database, merge())
    store = SqlErrandStore(database)
    await store.claim("me", NOON, LATER, 1)
    await store.save(FULL, "me", LATER + timedelta(seconds=30))
    assert await SqlRecords(database).merge(ADA) == FULL
    assert await store.next_due() == LATER + timedelta(seconds=30)
    await store.save(FULL, "me", None)
    assert await store.next_due() == FULL.due_at
    with pytest.raises(ErrandLost):
        await store.save(FULL, "me", None)


@pytest.mark.parametrize("over", [merge().finished(NOON), merge().refused(NOON, "no")], ids=["done", "failed"])
async def test_what_is_over_is_due_no_more(over: Errand, database: Database) -> None:
    await put(database, over)
    store = SqlErrandStore(database)
    assert await store.next_due() is None
    assert await store.claim("me", LATER, LATER, 10) == []


async def test_a_failed_merge_is_queued_again_and_no_other(database: Database) -> None:
    failed, running = FULL.refused(LATER, "no"), replace(merge(BO), state=ErrandState.RUNNING)
    await put(database, failed, running, erasure(CY).refused(LATER, "no"))
    database.news.clear()
    records = SqlRecords(database)
    queued = await records.retry(ADA, LATER)
    assert queued == replace(failed, state=ErrandState.QUEUED, due_at=LATER, problem="", attempts=0, finished_at=None)
    assert database.news.is_set()
    assert [await records.retry(account_id, LATER) for account_id in (ADA, BO, CY)] == [None, None, None]
    assert await records.merge(BO) == running
    assert await SqlErrandStore(database).claim("me", LATER, LATER, 1) == [running]
    assert (await records.merge(ADA)) == queued


async def test_merges_come_by_state_and_the_last_asked_for_first(database: Database) -> None:
    errands = [replace(merge(n), requested_at=NOON + timedelta(seconds=n // 2)) for n in (10, 11, 12, 13)]
    errands[1] = errands[1].finished(LATER)
    await put(database, *errands, erasure(14))
    records = SqlRecords(database)
    assert [errand.account_id for errand in await records.merges([], None, 10)] == [13, 12, 11, 10]
    assert [errand.account_id for errand in await records.merges([ErrandState.QUEUED], None, 2)] == [13, 12]
    assert [errand.account_id for errand in await records.merges([ErrandState.DONE], None, 2)] == [11]
    place = Place(errands[2].requested_at, 12)
    assert [errand.account_id for errand in await records.merges([], place, 10)] == [11, 10]


async def test_a_page_costs_one_statement(database: Database) -> None:
    await add(database, change(1))
    with statements_run(database) as statements:
        await history(database)
    assert len(statements) == 1
