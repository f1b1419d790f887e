"""However gateways interleave and whatever is lost: nobody reads what was before a change that is known here."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from loaders.caching.flight import Flight
from loaders.caching.heard import Heard
from loaders.caching.loading import Loading
from loaders.caching.local import Entry, Local
from loaders.caching.remote import Remote
from tests.loaders.caching.machine import BOUND, ID, KEYS, MERGED_ID, Fate, Making, Town, TownMachine

PROVING = settings(max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with asyncio.Runner() as runner:
        yield runner.get_loop()


def test_no_read_answers_what_was_before_a_change_it_had_to_know(loop: asyncio.AbstractEventLoop) -> None:
    # Any maker will do, though the signature asks for the class itself.
    machine = cast(type[TownMachine], lambda: TownMachine(lambda: Town(loop)))
    run_state_machine_as_test(machine, settings=PROVING)


class TrustsWhatIsShared(Heard):
    """Believes the shared cache at any time."""

    def is_settled(self, about: Iterable[str]) -> bool:
        return True


class KeepsAnything(Local[Any]):
    """Keeps what was asked for before a change."""

    def put(self, key: str, entry: Entry[Any]) -> None:
        entry.tick = self._heard.tick
        super().put(key, entry)


class ForgetsNothing(Local[Any]):
    """Answers what has changed."""

    def get(self, key: str, now: float) -> Entry[Any] | None:
        entry = self._present.get(key)
        return entry if entry and entry.ends_at > now else None


class JoinsAnything(Loading[int, Any]):
    """Waits for loads that began before a change."""

    def _joinable(self, place: str) -> Flight[int, Any] | None:
        return self._flights.get(place)


class KeepsForLong(Remote[int, Any]):
    """Does not end what it fills in."""

    def _milliseconds(self, value: Any, elapsed: float) -> int:
        return 1_000_000


def read_of_a_merged_id(town: Town) -> None:
    """What is kept of an account under another id is not taken out of the shared cache."""
    town.read(0, [MERGED_ID])
    town.finish()
    town.write(0)
    town.finish()


def change_during_a_read(town: Town) -> None:
    """A change is over while the reader that began before it still waits for what the backend read."""
    town.read(0, [ID])
    for _ in ("look", "lease", "read"):
        town.go_on(0, Fate.DONE)
    town.write(0)
    for _ in ("commit", "forget"):
        town.go_on(1, Fate.DONE)
    town.finish()


def read_during_a_read(town: Town) -> None:
    """The same, and somebody asks after the change, before the first has its answer."""
    town.read(0, [ID])
    for _ in ("look", "lease", "read"):
        town.go_on(0, Fate.DONE)
    town.write(0)
    for _ in ("commit", "forget"):
        town.go_on(1, Fate.DONE)
    town.read(0, [ID])
    town.finish()


def change_that_nobody_hears_of(town: Town) -> None:
    """A gateway does not hear of a change, and nothing is taken out of the shared cache."""
    town.read(1, KEYS)
    town.finish()
    town.write(0)
    town.go_on(0, Fate.DONE)
    town.go_on(0, Fate.LOST)
    town.lose(0)
    town.pass_time(BOUND + 0.001)


HOLES: list[tuple[Callable[[Town], None], Making]] = [
    (read_of_a_merged_id, Making(heard=TrustsWhatIsShared)),
    (read_of_a_merged_id, Making(local=ForgetsNothing)),
    (change_during_a_read, Making(local=KeepsAnything)),
    (read_during_a_read, Making(loading=JoinsAnything)),
    (change_that_nobody_hears_of, Making(remote=KeepsForLong)),
]


@pytest.mark.parametrize(("play", "making"), HOLES, ids=[hole[0].__name__ for hole in HOLES])
def test_each_rule_closes_a_hole(play: Callable[[Town], None], making: Making, loop: asyncio.AbstractEventLoop) -> None:
    sound = Town(loop)
    play(sound)
    sound.end()
    sound.abandon()
    broken = Town(loop, making)
    with pytest.raises(AssertionError, match="when it had to know"):
        play_to_the_end(play, broken)
    broken.abandon()


def play_to_the_end(play: Callable[[Town], None], town: Town) -> None:
    play(town)
    town.end()
