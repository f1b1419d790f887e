"""A merge from the event to its end, through real backends in one process; also when somebody dies on the way."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.job.v1 import job_pb2 as pb
from services.job.biz.errands import Errand, ErrandState
from services.job.biz.worker import HOLD, ErrandWorker
from services.job.data import GrpcBackends, SqlErrandStore, SqlLedger, SqlRecords
from tests.conftest import HandClock, MakeResources
from tests.services.job.conftest import Until
from tests.services.job.examples import merge
from tests.services.job.fakes import Crash, Interrupted
from tests.services.job.town import STAFF, Town, open_town, pairs_of_accounts, viewer

PORTION = 2
MERGED = {
    "follows": [("bo", "target"), ("corp", "target"), ("target", "bo"), ("target", "corp")],
    "activities": ["target"] * 4,
    "counts": {"source": (0, 0), "target": (2, 2)},
    "grants": {"target": ["payouts.view", "studio.use"]},
    "sessions": ["target"] * 3,
    "answers": "target",
}
SOURCE, TARGET = pairs_of_accounts(1)[0]


@pytest.fixture
async def town(make_resources: MakeResources) -> AsyncIterator[Town]:
    """With a job service that does errands."""
    async with open_town(make_resources, with_job=True) as opened:
        yield opened


@pytest.fixture
async def listening_town(make_resources: MakeResources) -> AsyncIterator[Town]:
    """With a job service that only listens: its errands are left to the test."""
    async with open_town(make_resources, with_job=False) as opened:
        yield opened


async def test_a_merge_moves_everything_and_the_source_answers_as_the_target(town: Town, until: Until) -> None:
    tokens = await town.furnish(SOURCE, TARGET)
    await town.start_merge(SOURCE, TARGET)

    async def is_done() -> bool:
        return (await town.merge(SOURCE)).state == pb.MERGE_STATE_DONE

    await until(is_done)
    assert await town.told(SOURCE, TARGET, tokens) == MERGED
    done = await town.merge(SOURCE)
    assert (done.target_id, done.actor_id, done.reason, done.problem) == (TARGET, 4, "they are one", "")
    assert [(step.name, step.total, step.moved, step.done) for step in done.steps] == [
        ("follows", 5, 5, True),
        ("activities", 3, 3, True),
        ("grants", 2, 2, True),
        ("sessions", 0, 2, True),
        ("finish", 0, 0, True),
        ("verify", 0, 0, True),
    ]

    async def is_in_both_histories() -> bool:
        kinds = [change.kind for account_id in (SOURCE, TARGET) for change in await town.changes(account_id)]
        return {pb.CHANGE_KIND_MERGED, pb.CHANGE_KIND_TOOK_OVER} <= set(kinds)

    await until(is_in_both_histories)
    assert pb.CHANGE_KIND_MERGE_STARTED in [change.kind for change in await town.changes(SOURCE)]


async def test_a_merge_that_is_refused_says_why_and_goes_on_when_it_is_tried_again(town: Town, until: Until) -> None:
    tokens = await town.furnish(SOURCE, TARGET)
    async with town.stores.database.transaction() as session:  # As if it was heard of before it was.
        await SqlLedger(session).put_errand(merge(SOURCE, TARGET))

    async def is_over() -> bool:
        return (await town.merge(SOURCE)).state in (pb.MERGE_STATE_FAILED, pb.MERGE_STATE_DONE)

    await until(is_over)
    failed = await town.merge(SOURCE)
    assert failed.problem == f"sessions: account {SOURCE} is not being merged into account {TARGET}"
    assert [step.done for step in failed.steps] == [True, True, True, False, False, False]
    await town.start_merge(SOURCE, TARGET)
    await town.job.RetryMerge(pb.RetryMergeRequest(actor=STAFF, source_id=SOURCE))
    await until(is_over)
    assert (await town.merge(SOURCE)).state == pb.MERGE_STATE_DONE
    assert await town.told(SOURCE, TARGET, tokens) == MERGED


async def test_a_closed_account_is_forgotten_but_that_it_was(town: Town, until: Until, clock: HandClock) -> None:
    tokens = await town.furnish(SOURCE, TARGET)
    ask: dict[str, Any] = {"viewer": viewer(SOURCE), "version": 1, "bio": "a secret"}
    clock.advance(minutes=1)
    await town.account.UpdateProfile(account_pb2.UpdateProfileRequest(**ask))
    clock.advance(minutes=1)
    close = account_pb2.CloseAccountRequest(actor=viewer(SOURCE), account_id=SOURCE, reason="moving on")
    await town.account.CloseAccount(close)

    async def is_told() -> bool:
        return len(await town.changes(SOURCE)) == 4

    await until(is_told)
    assert (await town.changes(SOURCE))[0].reason == "moving on"
    clock.advance(days=7)
    await town.account.EndClosures(account_pb2.EndClosuresRequest(limit=10))

    async def is_forgotten() -> bool:
        rows = await town.activity.CountAccountData(activity_pb2.CountAccountDataRequest(account_id=SOURCE))
        return rows == activity_pb2.CountAccountDataResponse() and len(await town.changes(SOURCE)) == 5

    await until(is_forgotten)
    changes = await town.changes(SOURCE)
    assert [change.erased for change in changes] == [False, True, True, True, True]
    assert "secret" not in str(changes)
    assert "moving on" not in str(changes)
    assert [change.actor_id for change in changes] == [0, SOURCE, SOURCE, STAFF.account_id, STAFF.account_id]
    told = await town.told(SOURCE, TARGET, tokens)
    assert told["counts"] == {"source": (0, 0), "target": (1, 1)}
    assert told["activities"] == ["target"]
    assert told["follows"] == [("corp", "target"), ("target", "bo")]
    assert told["sessions"] == ["nobody", "nobody", "target"]


async def run(town: Town, source: int, clock: HandClock, backends: Any = None) -> None:
    """Claims the merge and works on it until it is over; something may stand in for the real backends."""
    resources = town.stores
    store, real = SqlErrandStore(resources.database), GrpcBackends(resources.channels)
    worker = ErrandWorker(store, backends or real, clock, "somebody", portion=PORTION)
    (errand,) = await worker.claim(1)
    assert errand.account_id == source
    await worker.run(errand)


async def begun(town: Town, until: Until, source: int, target: int) -> list[str]:
    """Two accounts whose merge waits to be worked on; their tokens."""
    tokens = await town.furnish(source, target)
    await town.start_merge(source, target)
    records = SqlRecords(town.stores.database)

    async def is_heard() -> bool:
        return await records.merge(source) is not None

    await until(is_heard)
    return tokens


async def end(town: Town, source: int) -> Errand:
    """The merge without what depends on its accounts and on time; sessions moved are those that somebody told of."""
    errand = await SqlRecords(town.stores.database).merge(source)
    assert errand is not None
    steps = tuple(replace(step, moved=0) if step.name == "sessions" else step for step in errand.steps)
    untimed: dict[str, Any] = dict.fromkeys(("requested_at", "due_at", "started_at", "finished_at"))
    return replace(errand, account_id=1, target_id=2, steps=steps, traceparent="", **untimed)


async def test_whoever_goes_on_after_a_crash_comes_to_the_same_end(
    listening_town: Town, until: Until, clock: HandClock
) -> None:
    town, pairs = listening_town, iter(pairs_of_accounts(40))
    real = GrpcBackends(town.stores.channels)
    source, target = next(pairs)
    tokens = await begun(town, until, source, target)
    smooth = Interrupted(real, 999, Crash, before=False)
    await run(town, source, clock, smooth)
    assert await town.told(source, target, tokens) == MERGED
    expected = await end(town, source)
    assert expected.state is ErrandState.DONE

    for point in range(smooth.calls):  # Each time the backend has done its part, and nobody has written that down.
        source, target = next(pairs)
        tokens = await begun(town, until, source, target)
        with pytest.raises(Crash):
            await run(town, source, clock, Interrupted(real, point, Crash, before=False))
        clock.advance(seconds=HOLD.total_seconds())
        await run(town, source, clock)
        assert await town.told(source, target, tokens) == MERGED, point
        assert await end(town, source) == expected, point
    assert smooth.calls == 19
    await until(town.is_quiet)
