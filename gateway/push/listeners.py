"""Who waits for what, within one process."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Generic, TypeVar

from schema import errcode

T = TypeVar("T")
MOST_WAITING = 500
"""How many messages a listener may leave lying before it counts as too slow."""


class Gap(Enum):
    """What stands between messages where some may be missing."""

    GAP = "gap"


class SlowReader(errcode.Overloaded):
    """A listener left too many messages lying, or its client does not read; it is to come back and resume."""

    def __init__(self) -> None:
        super().__init__("too slow a reader: connect again and resume after the last seen id")


class Listener(Generic[T]):
    """The messages for one subscriber, in order."""

    def __init__(self) -> None:
        self._waiting: deque[T | Gap] = deque()
        self._arrived: asyncio.Event | None = None
        self._end: errcode.AtriumError | None = None
        self._catching_up = False
        self.channels: set[str] = set()

    def put(self, message: T | Gap) -> None:
        """Adds a message; where too many lie there are none any more, and the listener is told so."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.clear()
            message = Gap.GAP
            if not self._catching_up:
                self._end = self._end or SlowReader()
        self._waiting.append(message)
        self._wake()

    def end(self, error: errcode.AtriumError) -> None:
        """Whoever listens gets this error instead of the next message; the first one counts."""
        self._end = self._end or error
        self._wake()

    async def get(self) -> T | Gap:
        """The next message; raises SlowReader once too many were left lying, or what else ended it."""
        while not self._waiting and self._end is None:
            self._arrived = asyncio.Event()
            await self._arrived.wait()
            self._arrived = None
        if self._end is not None:
            raise self._end
        return self._waiting.popleft()

    @contextmanager
    def catching_up(self) -> Iterator[None]:
        """Messages that are too many leave a gap inside: the listener reads the past, and will read that too."""
        self._catching_up = True
        try:
            yield
        finally:
            self._catching_up = False

    def _wake(self) -> None:
        if self._arrived is not None:
            self._arrived.set()


class Listeners(Generic[T]):
    """The listeners of a process by channel."""

    def __init__(self) -> None:
        self._by_channel: dict[str, set[Listener[T]]] = defaultdict(set)

    def add(self, listener: Listener[T], channels: Iterable[str]) -> None:
        """Adds the listener to channels."""
        for channel in channels:
            self._by_channel[channel].add(listener)
            listener.channels.add(channel)

    def remove(self, listener: Listener[T], channels: Iterable[str]) -> None:
        """Takes the listener from channels."""
        for channel in listener.channels.intersection(channels):
            listener.channels.discard(channel)
            self._by_channel[channel].discard(listener)
            if not self._by_channel[channel]:
                del self._by_channel[channel]

    def of(self, channel: str) -> Iterable[Listener[T]]:
        """Those who listen to a channel now."""
        return tuple(self._by_channel.get(channel, ()))

    def everybody(self) -> set[Listener[T]]:
        """All listeners, each once."""
        return {listener for listeners in self._by_channel.values() for listener in listeners}

    def anybody(self, channel: str) -> bool:
        """Whether somebody listens to the channel."""
        return channel in self._by_channel
