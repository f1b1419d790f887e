"""An overloaded process takes on what it can answer in time, and tells the others at once."""

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.pulse import LATE_SECONDS, Pulse
from services.runtime.shedding import (
    BUCKET_SECONDS,
    GAP_SECONDS,
    LEAST,
    MOST_WAITING,
    PATIENCE_SECONDS,
    SUSTAINED_SECONDS,
    Limiter,
)
from tests.services.runtime.stopwatch import Stopwatch


class FakePulse(Pulse):
    """Late or not, as the test says."""

    is_late = True

    @property
    def late(self) -> bool:
        return self.is_late


def limiter(*, late: bool = True) -> tuple[Limiter, Stopwatch, FakePulse]:
    watch, pulse = Stopwatch(), FakePulse()
    pulse.is_late = late
    return Limiter(pulse, watch), watch, pulse


def answer(each: Limiter, watch: Stopwatch, requests: int, rate: float) -> None:
    """So many requests, answered one after the other at this rate."""
    for _ in range(requests):
        entered = each.enter()
        assert entered is not None
        watch.now += 1 / rate
        each.leave(entered, answered=True)


def test_a_process_that_keeps_up_refuses_nobody() -> None:
    each, watch, _ = limiter(late=False)
    waiting = [each.enter() for _ in range(MOST_WAITING - 1)]
    answer(each, watch, 10_000, rate=1000)
    assert None not in waiting
    assert (each.pressure, each.exhausted) == (0.0, False)


@pytest.mark.parametrize(("rate", "taken_on"), [(100, MOST_WAITING), (10_000, 10_000 * PATIENCE_SECONDS)])
def test_of_a_burst_no_more_is_taken_on_before_overload_shows(rate: int, taken_on: float) -> None:
    each, watch, _ = limiter(late=False)
    answer(each, watch, rate, rate)
    watch.now += BUCKET_SECONDS
    assert sum(each.enter() is not None for _ in range(10_000)) == pytest.approx(taken_on, rel=0.01)
    assert not each.overloaded


def test_an_overloaded_one_takes_on_as_many_as_it_always_does_while_it_knows_no_better() -> None:
    each, _, _ = limiter()
    taken = [each.enter() for _ in range(LEAST + 50)]
    assert [one is None for one in taken] == [False] * LEAST + [True] * 50
    assert (each.in_flight, each.pressure) == (LEAST, 1.0)


def test_what_it_answered_at_best_says_how_many_it_can_answer_in_time() -> None:
    each, watch, _ = limiter()
    answer(each, watch, 4000, rate=1000)
    answer(each, watch, 400, rate=100)
    assert each.limit == pytest.approx(1000 * PATIENCE_SECONDS, rel=0.01)


def slow_answers(each: Limiter, watch: Stopwatch, count: int) -> None:
    """So many requests at once, each of which takes longer than it should."""
    entered = [each.enter() for _ in range(count)]
    watch.now += PATIENCE_SECONDS * 1.1
    for one in entered:
        assert one is not None
        each.leave(one, answered=True)
    watch.now += BUCKET_SECONDS


def test_answers_that_take_long_are_overload_however_well_the_loop_turns() -> None:
    each, watch, _ = limiter(late=False)
    slow_answers(each, watch, 150)
    assert each.enter() is not None
    assert each.overloaded
    taken = [each.enter() is not None for _ in range(200)]
    assert taken == [True] * (each.limit - 1) + [False] * (201 - each.limit)


def test_a_late_process_whose_work_has_become_heavier_takes_on_less_until_it_answers_in_time() -> None:
    each, watch, _ = limiter()
    answer(each, watch, 4000, rate=1000)
    most = each.limit
    slow_answers(each, watch, 150)
    answer(each, watch, 1, rate=1000)
    assert each.limit == pytest.approx(most / 1.1, rel=0.01)
    limits = [each.limit]
    for _ in range(2):
        answer(each, watch, 200, rate=400)
        limits.append(each.limit)
    assert limits == sorted(limits)
    assert limits[-1] == most


def test_one_whose_loop_keeps_up_waits_for_others_and_takes_on_as_many() -> None:
    each, watch, _ = limiter(late=False)
    answer(each, watch, 4000, rate=1000)
    most = each.limit
    slow_answers(each, watch, 150)
    answer(each, watch, 1, rate=1000)
    assert each.limit == most


def test_what_is_answered_quickly_again_is_none() -> None:
    each, watch, _ = limiter(late=False)
    slow_answers(each, watch, 150)
    answer(each, watch, 600, rate=1000)
    assert not each.overloaded


@pytest.mark.parametrize(("waiting", "taken_on"), [(MOST_WAITING - 2, True), (MOST_WAITING, False)])
def test_when_nothing_is_answered_at_all_many_may_wait_but_not_any_number(waiting: int, taken_on: bool) -> None:
    each, watch, _ = limiter(late=False)
    assert all(each.enter() is not None for _ in range(waiting))
    watch.now += 2 * BUCKET_SECONDS
    assert (each.enter() is not None) == taken_on


def test_what_is_long_ago_counts_no_more() -> None:
    each, watch, _ = limiter()
    answer(each, watch, 4000, rate=1000)
    watch.now += 3600
    assert each.enter() is not None
    assert each.limit == LEAST


def test_requests_that_were_given_up_say_nothing_of_the_capacity() -> None:
    each, watch, _ = limiter()
    for _ in range(5000):
        entered = each.enter()
        assert entered is not None
        watch.now += 0.001
        each.leave(entered, answered=False)
    assert (each.limit, each.in_flight) == (LEAST, 0)


def test_it_is_exhausted_once_it_has_refused_for_a_while_and_until_it_does_no_more() -> None:
    each, watch, _ = limiter()
    for _ in range(LEAST):
        each.enter()
    seconds = 0.0
    while not each.exhausted:
        assert each.enter() is None
        watch.now += GAP_SECONDS / 2
        seconds += GAP_SECONDS / 2
        assert seconds <= 2 * SUSTAINED_SECONDS
    assert seconds >= SUSTAINED_SECONDS
    watch.now += GAP_SECONDS
    assert not each.exhausted
    assert each.enter() is None
    assert not each.exhausted


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.floats(0, 1)), max_size=200))
def test_who_was_taken_on_is_counted_until_it_leaves(steps: list[tuple[int, bool, float]]) -> None:
    each, watch, pulse = limiter()
    inside: list[float] = []
    for what, flag, seconds in steps:
        watch.now += seconds
        pulse.is_late = flag
        if what and (entered := each.enter()) is not None:
            inside.append(entered)
        elif inside and not what:
            each.leave(inside.pop(0), answered=flag)
        assert each.in_flight == len(inside)
        assert each.limit >= LEAST


@pytest.mark.parametrize("times", [2, 5])
def test_under_overload_nearly_all_of_the_work_is_for_answers_in_time(times: int) -> None:
    """A server that works on one request at a time, and spends a twentieth of that on each refusal."""
    each, watch, pulse = limiter()
    capacity, in_time, seconds = 200, 0, 30
    arrivals = [watch.now + number / (capacity * times) for number in range(capacity * times * seconds)]
    started, free_at, inside = watch.now, watch.now, list[tuple[float, float]]()
    for at in arrivals:
        while inside and inside[0][0] <= at:
            watch.now, entered = heapq.heappop(inside)
            each.leave(entered, answered=True)
            in_time += watch.now - entered <= 1.0
        watch.now = at
        pulse.is_late = free_at - at > LATE_SECONDS
        entered_at = each.enter()
        free_at = max(free_at, at) + 1 / capacity * (0.05 if entered_at is None else 1)
        if entered_at is not None:
            heapq.heappush(inside, (free_at, entered_at))
    assert watch.now - started == pytest.approx(seconds, rel=0.01)
    assert in_time >= 0.75 * capacity * seconds
