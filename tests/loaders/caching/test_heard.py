"""What a process knows of changes, and what it must not use any more because of it."""

import pytest

from loaders.caching.heard import Heard


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heard(clock: Clock) -> Heard:
    return Heard(30.0, most=3, monotonic=clock)


def test_what_was_begun_before_a_change_of_its_subject_is_not_current(heard: Heard) -> None:
    before = heard.tick
    heard.note(["account/1", "handle/ada"])
    assert not heard.is_current(("account/1",), before)
    assert not heard.is_current(("account/2", "handle/ada"), before)
    assert heard.is_current(("account/2",), before)
    assert heard.is_current((), before)
    assert heard.is_current(("account/1",), heard.tick)


def test_a_later_change_of_something_else_leaves_it_current(heard: Heard) -> None:
    heard.note(["account/1"])
    begun = heard.tick
    heard.note(["account/2"])
    assert heard.is_current(("account/1",), begun)


def test_behind_a_gap_nothing_is_current_that_was_begun_before(heard: Heard) -> None:
    begun = heard.tick
    heard.note_gap()
    assert not heard.is_current((), begun)
    assert heard.is_current(("account/1",), heard.tick)


def test_the_shared_cache_is_not_asked_of_what_changed_lately(heard: Heard, clock: Clock) -> None:
    assert heard.is_settled(("account/1",))
    heard.note(["account/1"])
    clock.now += 30
    assert not heard.is_settled(("account/2", "account/1"))
    assert heard.is_settled(("account/2",))
    clock.now += 0.001
    assert heard.is_settled(("account/1",))


def test_what_is_long_past_is_forgotten_and_nothing_older_is_current(heard: Heard, clock: Clock) -> None:
    begun = heard.tick
    heard.note(["account/1"])
    clock.now += 31
    heard.note(["account/2"])
    assert heard.remembered == 1
    assert not heard.is_current(("account/3",), begun)
    assert heard.is_current(("account/3",), begun + 1)


def test_more_subjects_than_it_remembers_make_it_trust_nothing_for_a_while(heard: Heard, clock: Clock) -> None:
    begun = heard.tick
    for number in range(5):
        heard.note([f"account/{number}"])
    assert heard.remembered == 3
    assert not heard.is_current(("account/0",), begun)
    assert not heard.is_current(("account/9",), begun)
    assert not heard.is_settled(("account/0",))
    assert not heard.is_settled(("account/9",))
    clock.now += 30.001
    assert heard.is_settled(("account/0",))


def test_many_subjects_at_once_are_one_change(heard: Heard) -> None:
    begun = heard.tick
    heard.note([f"account/{number}" for number in range(5)])
    assert (heard.tick, heard.remembered) == (begun + 1, 3)
    assert not any(heard.is_current((f"account/{number}",), begun) for number in range(5))
