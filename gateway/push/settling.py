"""Brings what comes nearly in order into order."""

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")
MOST_AT_ONCE = 500
"""How many items are handed on together."""


class Settling(Generic[T]):
    """Holds each item for some seconds, and hands it on with all that have smaller numbers. Numbers are above 0.

    Whatever comes later than its successor by less than that is in its place.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._held: dict[int, tuple[float, T]] = {}
        self._arrived = asyncio.Event()

    def put(self, number: int, item: T, now: float) -> None:
        """Holds an item; one with a number that is held already is the same."""
        self._held.setdefault(number, (now, item))
        self._arrived.set()

    async def settled(self) -> list[T]:
        """The items that were held long enough, in the order of their numbers; waits until there are some."""
        clock = asyncio.get_running_loop().time
        while not (settled := self.take(clock())):
            if not self._held:
                self._arrived.clear()
                await self._arrived.wait()
            first, _ = next(iter(self._held.values()))
            await asyncio.sleep(first + self._seconds - clock())
        return settled

    def take(self, now: float) -> list[T]:
        """The items to hand on at this moment."""
        ripe = max((number for number, (came, _) in self._held.items() if came <= now - self._seconds), default=0)
        numbers = sorted(number for number in self._held if number <= ripe)
        return [self._held.pop(number)[1] for number in numbers[:MOST_AT_ONCE]]
