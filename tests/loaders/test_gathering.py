import asyncio
from typing import Self

import pytest

from loaders.sharing import Shared
from services.runtime.deadline import deadline_in
from services.runtime.tasks import task_group
from services.runtime.telemetry import Metrics
from tests.loaders.sharing_machine import HandLoop
from tests.loaders.squares import Squares, turns

HOUR = 3600.0


class ByHand:
    """A backend, operations that ask it, and a loop whose time moves only by hand."""

    def __init__(self) -> None:
        self.squares = Squares()
        self._loop, self._stopping = HandLoop(), asyncio.Event()

    def __enter__(self) -> Self:
        self._application = self._loop.create_task(self._live())
        self.pass_time(0)
        return self

    def __exit__(self, *problem: object) -> None:
        self.squares.gate.set()
        self._stopping.set()
        self._loop.run_until_complete(self._application)
        self._loop.close()

    async def _live(self) -> None:
        async with task_group() as self._group:
            self._shared = Shared(self.squares.question(), Metrics(), self._group)
            await self._stopping.wait()

    def ask(self, key: int) -> None:
        """One more operation asks."""
        self._loop.run_until_complete(self._asked(key))
        self.pass_time(0)

    async def _asked(self, key: int) -> None:
        with deadline_in(2 * HOUR):
            self._shared.answers([key])

    def take(self, key: int, seconds: float) -> None:
        """A call takes so long."""
        self.squares.gate.clear()
        self.ask(key)
        self.pass_time(seconds)
        self.squares.gate.set()
        self.pass_time(0)

    def pass_time(self, seconds: float) -> None:
        """Lets everything happen that takes no longer."""
        self._loop.now += seconds
        self._loop.run_until_complete(turns())


@pytest.mark.parametrize(
    ("usual", "patience"),
    [(0.0, 0.001), (0.0003, 0.001), (0.004, 0.008), (3.0, 0.020)],
    ids=["unknown", "fast", "usual", "slow"],
)
def test_a_question_waits_for_a_call_twice_as_long_as_calls_take_within_bounds(usual: float, patience: float) -> None:
    with ByHand() as house:
        for number in range(100 if usual else 0):
            house.take(number, usual)
        house.squares.gate.clear()
        house.ask(1)
        house.ask(2)
        house.pass_time(patience * 0.99)
        assert house.squares.batches[-1] == [1]
        house.pass_time(patience * 0.02)
        assert house.squares.batches[-1] == [2]


def test_one_call_that_hangs_hardly_changes_how_long_calls_are_known_to_take() -> None:
    with ByHand() as house:
        for number in range(100):
            house.take(number, 0.001)
        house.take(100, HOUR)
        house.squares.gate.clear()
        house.ask(1)
        house.ask(2)
        house.pass_time(0.007)
        assert house.squares.batches[-1] == [2]
