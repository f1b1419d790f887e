"""Ids are made while a worker number is held, and no clock, however wrong, makes one twice."""

from collections.abc import Callable, Coroutine

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from schema.errcode import Overloaded
from services.identifier.biz import LEASE_SECONDS, SET_ASIDE, TRUST, Identifiers
from services.runtime.ids import LAST_TICK, TICKS_PER_MS
from tests.services.identifier.fakes import (
    DictLeaseStore,
    Row,
    Stopwatch,
    Unreachable,
    done,
    millisecond_of,
    tick_of,
    worker_of,
)

NOBODY = r"^no worker number is held just now$"
ALL_TAKEN = r"^every worker number is taken$"


@pytest.fixture
def store() -> DictLeaseStore:
    return DictLeaseStore()


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def identifiers(store: DictLeaseStore, stopwatch: Stopwatch) -> Identifiers:
    return Identifiers(store, "one", stopwatch)


async def test_ids_tell_the_moment_of_the_store_and_the_worker(
    identifiers: Identifiers, store: DictLeaseStore, stopwatch: Stopwatch
) -> None:
    await identifiers.keep()
    stopwatch.seconds += 2.5
    ids = await identifiers.allocate(3)
    assert [worker_of(id_) for id_ in ids] == [identifiers.worker] * 3 == [0, 0, 0]
    assert {millisecond_of(id_) for id_ in ids} == {int(store.now * 1000) + 2500}
    assert ids == list(range(ids[0], ids[0] + 3))


async def test_a_full_millisecond_flows_over_into_the_next(identifiers: Identifiers) -> None:
    await identifiers.keep()
    ids = await identifiers.allocate(10_000)
    assert len(set(ids)) == 10_000
    assert ids == sorted(ids)
    assert [millisecond_of(id_) - millisecond_of(ids[0]) for id_ in (ids[4094], ids[4095], ids[-1])] == [0, 1, 2]


async def test_without_a_worker_number_there_are_no_ids(identifiers: Identifiers) -> None:
    with pytest.raises(Overloaded, match=NOBODY):
        await identifiers.allocate(1)


async def test_a_lease_that_is_over_stops_the_ids_at_once(identifiers: Identifiers, stopwatch: Stopwatch) -> None:
    await identifiers.keep()
    started = stopwatch.seconds
    stopwatch.seconds = started + LEASE_SECONDS * TRUST - 0.001
    assert len(await identifiers.allocate(5)) == 5
    stopwatch.seconds = started + LEASE_SECONDS * TRUST
    with pytest.raises(Overloaded, match=NOBODY):
        await identifiers.allocate(1)
    assert identifiers.worker is None


async def test_a_lease_counts_from_when_it_was_asked_for(stopwatch: Stopwatch) -> None:
    class SlowStore(DictLeaseStore):
        async def acquire(self, holder: str):  # type: ignore[no-untyped-def]
            lease = await super().acquire(holder)
            stopwatch.seconds += LEASE_SECONDS
            return lease

    identifiers = Identifiers(SlowStore(), "one", stopwatch)
    await identifiers.keep()
    with pytest.raises(Overloaded, match=NOBODY):
        await identifiers.allocate(1)


async def test_renewal_goes_on_with_the_same_number(
    identifiers: Identifiers, store: DictLeaseStore, stopwatch: Stopwatch
) -> None:
    await identifiers.keep()
    before = await identifiers.allocate(2)
    for _ in range(5):
        stopwatch.seconds += LEASE_SECONDS / 2
        store.now += LEASE_SECONDS / 2
        await identifiers.keep()
    after = await identifiers.allocate(2)
    assert [worker_of(id_) for id_ in before + after] == [0] * 4
    assert store.rows == {0: Row("one", store.now + LEASE_SECONDS, int(store.now * 1000) * TICKS_PER_MS + SET_ASIDE)}


async def test_a_lease_that_is_over_but_nobody_elses_is_renewed(
    identifiers: Identifiers, store: DictLeaseStore, stopwatch: Stopwatch
) -> None:
    await identifiers.keep()
    stopwatch.seconds += 3600
    store.now += 3600
    await identifiers.keep()
    assert identifiers.worker == 0


async def test_a_lost_number_is_replaced_by_another_and_ids_go_on_growing(
    identifiers: Identifiers, store: DictLeaseStore
) -> None:
    await identifiers.keep()
    before = await identifiers.allocate(1)
    store.rows[0].holder = "two"
    store.rows[1] = Row("three", store.now - 1, 0)
    await identifiers.keep()
    after = await identifiers.allocate(1)
    assert (worker_of(after[0]), after > before) == (1, True)
    assert store.rows[0].holder == "two"


async def test_a_smaller_number_makes_greater_ids_too(store: DictLeaseStore, identifiers: Identifiers) -> None:
    store.rows[0] = Row("two", store.now + 1, 0)
    await identifiers.keep()
    before = await identifiers.allocate(1)
    store.rows[0].expires_at = store.now
    store.rows[1].holder = "three"
    await identifiers.keep()
    after = await identifiers.allocate(1)
    assert ([worker_of(id_) for id_ in before + after], after > before) == ([1, 0], True)


async def test_a_new_holder_begins_above_all_that_the_old_one_could_have_made(
    identifiers: Identifiers, store: DictLeaseStore
) -> None:
    await identifiers.keep()
    set_aside = store.rows[0].last_tick
    store.rows[0].expires_at = store.now
    other = Identifiers(store, "two", Stopwatch())
    await other.keep()
    (made,) = await other.allocate(1)
    assert worker_of(made) == 0
    assert millisecond_of(made) == set_aside // TICKS_PER_MS
    assert store.rows[0].last_tick == set_aside + SET_ASIDE


async def test_ids_beyond_what_was_set_aside_are_set_aside_first(
    identifiers: Identifiers, store: DictLeaseStore
) -> None:
    await identifiers.keep()
    made = await identifiers.allocate(1)
    store.now -= 3600
    store.rows[0].holder = "two"
    await identifiers.keep()
    for _ in range(3):
        made += await identifiers.allocate(10_000)
        assert worker_of(made[-1]) == 1
        assert store.rows[1].last_tick >= tick_of(made[-1])
    assert made == sorted(set(made))


async def test_every_number_taken_is_said_so(store: DictLeaseStore) -> None:
    store.rows = {number: Row("other", store.now + 1, 0) for number in range(1024)}
    identifiers = Identifiers(store, "one", Stopwatch())
    await identifiers.keep()
    assert identifiers.worker is None
    with pytest.raises(Overloaded, match=ALL_TAKEN):
        await identifiers.allocate(1)
    store.now += 1
    await identifiers.keep()
    assert len(await identifiers.allocate(1)) == 1


async def test_a_store_that_does_not_answer_leaves_the_lease_as_it_is(
    identifiers: Identifiers, store: DictLeaseStore
) -> None:
    await identifiers.keep()
    store.fails = True
    with pytest.raises(Unreachable):
        await identifiers.keep()
    assert len(await identifiers.allocate(1)) == 1


async def test_who_gives_the_number_back_makes_no_more_ids_and_the_next_begins_where_it_ended(
    identifiers: Identifiers, store: DictLeaseStore
) -> None:
    await identifiers.keep()
    made = await identifiers.allocate(3)
    await identifiers.release()
    with pytest.raises(Overloaded, match=NOBODY):
        await identifiers.allocate(1)
    other = Identifiers(store, "two", Stopwatch())
    await other.keep()
    assert await other.allocate(1) == [made[-1] + 1]
    await identifiers.release()
    assert store.rows[0].holder == "two"


async def test_ids_end_with_the_last_moment_that_they_can_hold(store: DictLeaseStore) -> None:
    store.now = LAST_TICK / TICKS_PER_MS / 1000 + 1
    identifiers = Identifiers(store, "one", Stopwatch())
    await identifiers.keep()
    with pytest.raises(Overloaded, match=r"^the store's clock is past the last moment that ids can hold$"):
        await identifiers.allocate(1)


class Process:
    """One after the other, the processes at one place: each knows what its own ids were."""

    def __init__(self, store: DictLeaseStore, place: int) -> None:
        self.stopwatch = Stopwatch()
        self.life = 0
        self._store = store
        self._place = place
        self.start()

    def start(self) -> None:
        self.life += 1
        self.last = 0
        self.identifiers = Identifiers(self._store, f"{self._place}.{self.life}", self.stopwatch)


PLACES = 3
places = st.integers(0, PLACES - 1)
steps = st.sampled_from([0.0, 0.001, 1.0, 5.0, LEASE_SECONDS * TRUST, LEASE_SECONDS, 25.0])


class Disorder(RuleBasedStateMachine):
    """Three processes, two worker numbers; clocks that run as they like, failures, lost answers, crashes."""

    made: set[int]

    @initialize()
    def begin(self) -> None:
        self.store = DictLeaseStore(range(2))
        self.processes = [Process(self.store, place) for place in range(PLACES)]
        self.made = set()

    @rule(place=places, count=st.sampled_from([1, 2, 4095, 4096, 10_000]))
    def allocate(self, place: int, count: int) -> None:
        process = self.processes[place]
        try:
            ids = done(process.identifiers.allocate(count))
        except (Overloaded, Unreachable):
            return
        assert len(ids) == count
        assert ids == sorted(set(ids))
        assert process.last < ids[0]
        assert ids[-1] < 2**63
        assert self.made.isdisjoint(ids)
        assert tick_of(ids[-1]) <= self.store.rows[worker_of(ids[-1])].last_tick
        process.last = ids[-1]
        self.made.update(ids)

    @rule(place=places)
    def keep(self, place: int) -> None:
        self._act(self.processes[place].identifiers.keep)

    @rule(place=places)
    def stop(self, place: int) -> None:
        self._act(self.processes[place].identifiers.release)
        self.processes[place].start()

    @rule(place=places)
    def crash(self, place: int) -> None:
        self.processes[place].start()

    @rule(place=places, seconds=steps)
    def stopwatch_runs(self, place: int, seconds: float) -> None:
        self.processes[place].stopwatch.seconds += seconds

    @rule(seconds=st.sampled_from([-3600.0, -30.0, -LEASE_SECONDS, LEASE_SECONDS, 30.0, 3600.0]))
    def store_clock_jumps(self, seconds: float) -> None:
        self.store.now += seconds

    @rule(seconds=steps)
    def time_passes(self, seconds: float) -> None:
        self.store.now += seconds
        for process in self.processes:
            process.stopwatch.seconds += seconds

    @rule(lost=st.booleans())
    def store_falters(self, lost: bool) -> None:
        self.store.loses_answer, self.store.fails = lost, not lost

    def _act(self, act: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            done(act())
        except Unreachable:
            return


class Order(RuleBasedStateMachine):
    """Time passes for all, for some a twentieth faster or slower: no two ever hold the same number."""

    @initialize()
    def begin(self) -> None:
        self.store = DictLeaseStore(range(2))
        self.processes = [Process(self.store, place) for place in range(PLACES)]

    @rule(place=places)
    def keep(self, place: int) -> None:
        try:
            done(self.processes[place].identifiers.keep())
        except Unreachable:
            return

    @rule(seconds=steps, speeds=st.lists(st.floats(0.95, 1.05), min_size=PLACES, max_size=PLACES))
    def time_passes(self, seconds: float, speeds: list[float]) -> None:
        self.store.now += seconds
        for process, speed in zip(self.processes, speeds, strict=True):
            process.stopwatch.seconds += seconds * speed

    @rule(lost=st.booleans())
    def store_falters(self, lost: bool) -> None:
        self.store.loses_answer, self.store.fails = lost, not lost

    @rule(place=places)
    def crash(self, place: int) -> None:
        self.processes[place].start()

    @invariant()
    def each_number_has_one_holder(self) -> None:
        held = [process.identifiers.worker for process in self.processes]
        numbers = [number for number in held if number is not None]
        assert len(numbers) == len(set(numbers))


TestDisorder = Disorder.TestCase
TestDisorder.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestOrder = Order.TestCase
TestOrder.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
