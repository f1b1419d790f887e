"""A backend that does not answer is hardly asked any more, and is trusted again soon after it returns."""

from hypothesis import given
from hypothesis import strategies as st

from services.runtime.channels.breaker import LEAST, PROBE_SECONDS, RECOVERED, WINDOW_SECONDS, Breaker
from tests.services.runtime.stopwatch import Stopwatch


def breaker(chance: float = 0.5) -> tuple[Breaker, Stopwatch]:
    """A breaker whose dice always fall the same way."""
    watch = Stopwatch()
    return Breaker(watch, lambda: chance), watch


def sent(each: Breaker, calls: int, *, fine: bool) -> int:
    """How many of so many calls, made in one moment, were sent to a backend that answers or does not."""
    count = 0
    for _ in range(calls):
        if each.allows():
            count += 1
            each.accepted() if fine else each.failed()
    return count


def test_a_backend_that_answers_gets_every_call() -> None:
    each, _ = breaker(chance=0.0)
    assert sent(each, 10_000, fine=True) == 10_000


def test_half_of_the_calls_may_fail() -> None:
    each, _ = breaker(chance=0.0)
    assert sum(sent(each, 1, fine=number % 2 == 0) for number in range(10_000)) == 10_000


def test_a_few_calls_say_nothing() -> None:
    each, _ = breaker(chance=0.0)
    assert sent(each, LEAST, fine=False) == LEAST


def test_a_backend_that_answers_nothing_is_left_alone_but_for_a_probe_at_times() -> None:
    each, watch = breaker()
    assert sent(each, 1000, fine=False) < 50
    for _ in range(10):
        watch.now += PROBE_SECONDS
        assert sent(each, 100, fine=False) == 1


def test_chance_decides_and_gets_rarer_the_more_fails() -> None:
    lucky, _ = breaker(chance=0.999)
    assert sent(lucky, 500, fine=False) == 500
    assert sent(lucky, 1000, fine=False) < 600


def test_a_few_answers_in_a_row_and_all_is_forgotten() -> None:
    each, watch = breaker()
    sent(each, 1000, fine=False)
    answered = []
    for _ in range(RECOVERED):
        watch.now += PROBE_SECONDS
        answered.append(sent(each, 100, fine=True))
    assert answered == [1, 1, 100]


def test_one_failure_among_the_first_answers_is_no_recovery() -> None:
    each, watch = breaker()
    sent(each, 1000, fine=False)
    for fine in (True, True, False, True, True):
        watch.now += PROBE_SECONDS
        assert sent(each, 100, fine=fine) == 1


def test_what_is_long_ago_is_forgotten() -> None:
    each, watch = breaker(chance=0.0)
    sent(each, 1000, fine=False)
    watch.now += WINDOW_SECONDS
    assert sent(each, LEAST, fine=False) == LEAST


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 2)), max_size=300))
def test_a_backend_is_never_left_alone_for_longer_than_between_two_probes(steps: list[tuple[bool, float]]) -> None:
    each, watch = breaker(chance=0.0)
    last_sent = watch.now
    for fine, seconds in steps:
        watch.now += seconds
        if sent(each, 1, fine=fine):
            last_sent = watch.now
        assert watch.now - last_sent <= max(PROBE_SECONDS, seconds)
