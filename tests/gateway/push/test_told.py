from datetime import timedelta

from gateway.push.told import REMEMBERED, Told
from services.runtime.ids import TICKS_PER_MS, id_of

SECOND = id_of(1000 * TICKS_PER_MS, 0)


def test_each_is_new_once_in_whatever_order_they_come() -> None:
    told = Told(2)
    assert [told.is_new(number) for number in (5, 5, 3, 3, 4)] == [True, False, True, False, True]


def test_what_is_not_newer_than_the_last_seen_is_old() -> None:
    told = Told(7)
    assert [told.is_new(number) for number in (6, 7, 8)] == [False, False, True]


def test_ids_are_remembered_within_a_bound_and_what_is_forgotten_is_old() -> None:
    told = Told(0)
    assert [told.is_new(number) for number in range(10, 11 + REMEMBERED)] == [True] * (REMEMBERED + 1)
    assert [told.is_new(number) for number in (9, 10)] == [False, False]
    assert told.back(timedelta(days=1)) == 10


def test_looking_back_goes_no_further_than_the_span_and_the_last_seen() -> None:
    told = Told(100 * SECOND)
    assert told.back(timedelta(seconds=30)) == 100 * SECOND
    told.is_new(110 * SECOND)
    assert told.back(timedelta(seconds=3)) == 107 * SECOND
    assert told.back(timedelta(seconds=30)) == 100 * SECOND


def test_what_is_known_from_the_start_is_old_and_what_lies_between_is_new() -> None:
    told = Told(2, [9, 5])
    assert told.back(timedelta(0)) == 9
    assert [told.is_new(number) for number in (2, 5, 7, 9, 8)] == [False, False, True, False, True]
