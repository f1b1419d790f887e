"""What a bus does for those who publish and those who listen."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


class BusUnavailable(Exception):
    """The bus does not answer now; trying again later is right."""


@dataclass(frozen=True, slots=True)
class Message:
    """An event on its way."""

    event_id: str
    """What distinguishes it from all others; the same each time it is delivered."""
    key: int
    """Whose event it is: messages of the same key keep their order. 0 when it has none."""
    value: bytes
    """An `event.v1.Event`, if all is well."""
    traceparent: str = ""
    """The trace that caused it; empty for none."""
    lane: str = ""
    """The lane of the work that caused it; empty for the usual one."""


class Subscription(Protocol):
    """What one listener reads. Several with the same group share the keys among them; other groups have their own."""

    async def take(self, most: int) -> Sequence[Message]:
        """The next messages, at most so many, each key in order; waits a moment, and answers none when none came.

        They come again, here or in another subscription of the group, unless they are `done`.
        """
        ...

    async def done(self) -> None:
        """All messages taken so far have had their effect and need not come again."""
        ...


class Bus(Protocol):
    """Takes messages and delivers each to every group, at least once."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Returns once all of them are safe; those of one key are delivered in the order given.

        Raises BusUnavailable when that is not certain: publish the same again, in the same order, before any later one.
        """
        ...

    def expect(self, group: str) -> None:
        """From now on nothing counts as published that this group has no chance to read, even before it subscribes."""
        ...

    def subscribe(self, group: str) -> AbstractAsyncContextManager[Subscription]:
        """A place in the group, given up at the end of the block; entering raises BusUnavailable.

        A group that is new is delivered everything that the bus still has.
        """
        ...
