"""Errands are done step by step, and by anybody who comes next."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schema import errcode
from services.job.biz.errands import LONGEST_WAIT, Errand, ErrandKind, ErrandState, Progress, wait_before
from services.job.biz.worker import HOLD, ErrandWorker
from tests.conftest import NOON, HandClock
from tests.services.job.examples import ADA, BO, CY, DEE, MERGED, busy_world, erasure, merge
from tests.services.job.fakes import Crash, FakeStore, Interrupted, World

PORTION = 2


def worker(store: object, backends: object, clock: HandClock, holder: str = "me") -> ErrandWorker:
    return ErrandWorker(store, backends, clock, holder, PORTION)  # type: ignore[arg-type]


async def work(worker: ErrandWorker, limit: int = 10) -> int:
    """Works on everything that is due, one after the other; answers how many errands that were."""
    claimed = await worker.claim(limit)
    for errand in claimed:
        await worker.run(errand)
    return len(claimed)


def same(one: World, other: World) -> bool:
    """Whether they hold the same, whatever was asked of them."""
    return replace(one, calls=[]) == replace(other, calls=[])


async def test_a_merge_moves_everything_and_tells_how_much(clock: HandClock) -> None:
    store, backends = FakeStore(merge()), busy_world()
    assert await work(worker(store, backends, clock)) == 1
    assert same(backends, MERGED)
    assert store.only.steps == (
        Progress("follows", total=5, moved=5, done=True),
        Progress("activities", total=3, moved=3, done=True),
        Progress("grants", total=2, moved=2, done=True),
        Progress("sessions", total=0, moved=2, done=True),
        Progress("finish", done=True),
        Progress("verify", done=True),
    )
    assert (store.only.state, store.only.problem) == (ErrandState.DONE, "")
    assert (store.only.started_at, store.only.finished_at) == (NOON, NOON)
    assert store.held == {}


async def test_each_portion_is_kept_before_the_next(clock: HandClock) -> None:
    store = FakeStore(merge())
    await work(worker(store, busy_world(), clock))
    moved = [saved.steps[0].moved for saved in store.saves if not saved.steps[0].done]
    assert moved == [0, 2, 4, 5]
    assert {saved.state for saved in store.saves[:-1]} == {ErrandState.RUNNING}


async def test_a_merge_of_an_account_with_nothing_is_done_too(clock: HandClock) -> None:
    store, backends = FakeStore(merge()), World()
    await work(worker(store, backends, clock))
    assert store.only.state is ErrandState.DONE
    assert backends.merged == {ADA: (BO, 4, "they are one")}


async def test_what_is_done_is_not_claimed_again(clock: HandClock) -> None:
    store = FakeStore(merge())
    me = worker(store, busy_world(), clock)
    await work(me)
    assert await me.claim(10) == []


async def uninterrupted(errand: Errand, backends: World) -> tuple[Errand, int, int]:
    """The errand when nothing goes wrong, and how often backends and store are called for it."""
    clock, store = HandClock(), FakeStore(errand)
    counting = Interrupted(backends, 10_000, Crash, before=False)
    await work(worker(store, counting, clock))
    return store.only, counting.calls, len(store.saves)


@pytest.mark.parametrize("errand", [merge(), erasure()], ids=["merge", "erasure"])
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("part", ["backends", "store"])
async def test_whoever_goes_on_after_a_crash_comes_to_the_same_end(errand: Errand, before: bool, part: str) -> None:
    expected = busy_world()
    end, calls, saves = await uninterrupted(errand, expected)
    points = calls if part == "backends" else saves
    for point in range(points):
        clock, store, backends = HandClock(), FakeStore(errand), busy_world()
        interrupted = Interrupted(backends if part == "backends" else store, point, Crash, before)
        doomed = worker(store, interrupted, clock) if part == "backends" else worker(interrupted, backends, clock)
        (claimed,) = await worker(store, backends, clock).claim(1)
        with pytest.raises(Crash):
            await doomed.run(claimed)
        clock.advance(seconds=HOLD.total_seconds())
        await work(worker(store, backends, clock, "another"))
        assert same(backends, expected), point
        assert comparable(store.only) == comparable(end), point
    assert points > 5 * (errand.kind is ErrandKind.MERGE)


def comparable(errand: Errand) -> Errand:
    """The errand without its times, and without the moved sessions: those nobody can count afterwards."""
    steps = tuple(replace(step, moved=0) if step.name == "sessions" else step for step in errand.steps)
    return replace(errand, steps=steps, started_at=None, finished_at=None)


async def test_a_merge_survives_one_crash_after_the_other(clock: HandClock) -> None:
    store, backends = FakeStore(merge()), busy_world()
    crashes = 0
    while store.only.state is not ErrandState.DONE:
        claimed = await worker(store, backends, clock).claim(1)
        try:
            await worker(store, Interrupted(backends, 4, Crash, before=False), clock).run(claimed[0])
        except Crash:
            crashes += 1
        clock.advance(seconds=HOLD.total_seconds())
    assert same(backends, MERGED)
    assert crashes == 5


UNREACHABLE: list[Callable[[], errcode.AtriumError]] = [
    lambda: errcode.BackendUnavailable("activity"),
    errcode.DeadlineExceeded,
    errcode.Overloaded,
    errcode.Internal,
]


@pytest.mark.parametrize("error", UNREACHABLE)
async def test_a_backend_that_cannot_be_reached_is_tried_again_later(
    error: Callable[[], errcode.AtriumError], clock: HandClock
) -> None:
    store, backends = FakeStore(merge()), busy_world()
    await work(worker(store, Interrupted(backends, 3, error, before=True), clock))
    waiting = store.only
    assert (waiting.state, waiting.attempts) == (ErrandState.RUNNING, 1)
    assert waiting.problem == f"follows: {error().message}"
    assert waiting.due_at == NOON + timedelta(milliseconds=500)
    me = worker(store, backends, clock)
    assert await me.claim(1) == []
    clock.advance(milliseconds=500)
    assert await work(me) == 1
    assert (store.only.state, store.only.attempts, store.only.problem) == (ErrandState.DONE, 0, "")
    assert same(backends, MERGED)


async def test_a_backend_that_stays_away_is_asked_less_and_less_often(clock: HandClock) -> None:
    store, waits = FakeStore(merge()), []
    away = Interrupted(busy_world(), 0, lambda: errcode.BackendUnavailable("activity"), before=True)
    for _ in range(10):
        await work(worker(store, away, clock))
        waits.append((store.only.due_at - clock()).total_seconds())
        clock.now = store.only.due_at
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert store.only.state is ErrandState.RUNNING


async def test_a_backend_that_counts_but_never_moves_is_asked_less_often_too(clock: HandClock) -> None:
    store = FakeStore(merge())
    for attempt in range(1, 4):
        half = Interrupted(busy_world(), 1, lambda: errcode.BackendUnavailable("activity"), before=True)
        await work(worker(store, half, clock))
        assert store.only.attempts == attempt
        clock.now = store.only.due_at


async def test_a_portion_that_went_well_is_the_end_of_all_trouble(clock: HandClock) -> None:
    store = FakeStore(replace(merge(), attempts=9, problem="follows: the activity backend is unavailable"))
    await work(worker(store, Interrupted(busy_world(), 2, errcode.Internal, before=True), clock))
    assert [saved.attempts for saved in store.saves] == [9, 0, 1]
    assert [saved.problem == "" for saved in store.saves] == [False, True, False]


def test_waiting_has_an_end() -> None:
    assert wait_before(10_000) == LONGEST_WAIT


async def test_a_refusal_ends_a_merge_and_a_retry_goes_on_from_there(clock: HandClock) -> None:
    store, backends = FakeStore(merge()), busy_world()
    refusing = Interrupted(backends, 6, lambda: errcode.MergeRefused("not these two"), before=True)
    await work(worker(store, refusing, clock))
    failed = store.only
    assert (failed.state, failed.problem) == (ErrandState.FAILED, "activities: not these two")
    assert failed.finished_at == NOON
    clock.advance(days=1)
    me = worker(store, backends, clock)
    assert await me.claim(1) == []
    follows_moved = backends.calls.count("move_follows")
    store.errands[ErrandKind.MERGE, ADA] = replace(failed, state=ErrandState.QUEUED, finished_at=None)
    await work(me)
    assert (store.only.state, store.only.problem, store.only.started_at) == (ErrandState.DONE, "", NOON)
    assert same(backends, MERGED)
    assert backends.calls.count("move_follows") == follows_moved + 1  # The last step looks once more.


class Late:
    """Backends where somebody follows the source, and the source publishes, at the last moment."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Any:
        if name == "finish_merge":
            self._world.follows.add((13, ADA))
            self._world.activities[99] = ADA
        return getattr(self._world, name)


async def test_what_others_add_to_the_source_meanwhile_moves_too(clock: HandClock) -> None:
    store, backends = FakeStore(merge()), busy_world()
    await work(worker(store, Late(backends), clock))
    assert (13, BO) in backends.follows
    assert backends.activities[99] == BO
    assert store.only.steps[-1] == Progress("verify", moved=2, done=True)


async def test_counters_that_stay_wrong_are_told_but_hold_nothing_up(clock: HandClock) -> None:
    store, backends = FakeStore(merge()), busy_world()
    backends.miscounted[BO] = 1
    await work(worker(store, backends, clock))
    assert store.only.state is ErrandState.DONE
    assert store.only.problem == "account 2 counts 3 followers and 2 followed, but has 2 and 2"
    assert store.only.next_step is None


async def test_counters_that_somebody_changes_meanwhile_are_compared_again(clock: HandClock) -> None:
    store, backends = FakeStore(merge()), busy_world()
    backends.miscounted[BO] = 1

    class Settling:
        """Backends whose counters are right when they are asked for the second time."""

        def __getattr__(self, name: str) -> Any:
            if backends.calls.count("follow_counts"):
                backends.miscounted.clear()
            return getattr(backends, name)

    await work(worker(store, Settling(), clock))
    assert (store.only.state, store.only.problem) == (ErrandState.DONE, "")
    assert backends.calls.count("follow_counts") == 2


async def test_an_errand_in_other_hands_is_left_to_them(clock: HandClock) -> None:
    store, backends = FakeStore(merge()), busy_world()
    slow = worker(store, backends, clock, "slow")
    (claimed,) = await slow.claim(1)
    clock.advance(seconds=HOLD.total_seconds())
    await work(worker(store, backends, clock, "quick"))
    done, calls = store.only, len(backends.calls)
    await slow.run(claimed)
    assert store.only == done
    assert len(backends.calls) == calls + 1
    assert same(backends, MERGED)


async def test_an_errand_is_nobody_elses_while_it_is_held(clock: HandClock) -> None:
    store = FakeStore(merge())
    assert len(await worker(store, busy_world(), clock, "one").claim(1)) == 1
    clock.advance(seconds=HOLD.total_seconds() - 1)
    assert await worker(store, busy_world(), clock, "two").claim(1) == []


async def test_a_process_that_stops_leaves_an_errand_after_the_portion_in_hand(clock: HandClock) -> None:
    store, backends = FakeStore(merge()), busy_world()
    me = worker(store, backends, clock)
    (claimed,) = await me.claim(1)
    await me.run(claimed, lambda: len(store.saves) < 2)
    assert store.only.steps[0] == Progress("follows", total=5, moved=4)
    assert (store.only.state, store.held) == (ErrandState.RUNNING, {})
    await work(worker(store, backends, clock, "another"))
    assert same(backends, MERGED)


async def test_an_erasure_forgets_what_the_account_did(clock: HandClock) -> None:
    store, backends = FakeStore(erasure()), busy_world()
    await work(worker(store, backends, clock))
    assert backends.follows == {(BO, CY), (DEE, BO), (CY, DEE)}
    assert backends.activities == {11: BO, 13: CY}
    assert store.only.steps == (Progress("erase", total=8, moved=8, done=True),)
    assert store.only.state is ErrandState.DONE
