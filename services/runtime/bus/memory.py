"""A bus within one process. Nothing is kept: what is published is safe once every group is done with it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from services.runtime.bus.port import BusUnavailable, Message

PATIENCE_SECONDS = 0.5
"""How long `take` waits for a message."""
PUBLISH_SECONDS = 10.0
"""How long `publish` waits for the listeners; what they have not finished by then is to be published again."""


class MemoryBus:
    """A Bus for listeners in this process; each group has one place at a time."""

    def __init__(self, publish_seconds: float = PUBLISH_SECONDS) -> None:
        self._groups: dict[str, _Group] = {}
        self._publish_seconds = publish_seconds

    async def publish(self, messages: Sequence[Message]) -> None:
        """As `Bus` says: waits until every group is done."""
        try:
            async with asyncio.timeout(self._publish_seconds), asyncio.TaskGroup() as waiting:
                for group in self._groups.values():
                    waiting.create_task(group.finish(messages))
        except TimeoutError as error:
            raise BusUnavailable("a listener takes too long") from error

    def expect(self, group: str) -> None:
        """As `Bus` says."""
        self._groups.setdefault(group, _Group())

    @asynccontextmanager
    async def subscribe(self, group: str) -> AsyncIterator["MemorySubscription"]:
        """As `Bus` says."""
        self.expect(group)
        waiting = self._groups[group]
        async with waiting.place:
            waiting.taken = 0
            yield MemorySubscription(waiting)


class _Batch:
    """Messages published together."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.finished = asyncio.Event()

    def one_is_done(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.finished.set()


class _Group:
    """What one group has not finished."""

    def __init__(self) -> None:
        self.messages: deque[tuple[Message, _Batch]] = deque()
        self.taken = 0
        """How many of them, from the left, the subscription has."""
        self.arrived = asyncio.Event()
        self.place = asyncio.Lock()

    async def finish(self, messages: Sequence[Message]) -> None:
        """Returns when the group is done with all of them; when nobody waits any more, those not taken are gone."""
        if not messages:
            return
        batch = _Batch(len(messages))
        self.messages.extend((message, batch) for message in messages)
        self.arrived.set()
        try:
            await batch.finished.wait()
        finally:
            kept = (item for place, item in enumerate(self.messages) if place < self.taken or item[1] is not batch)
            self.messages = deque(kept)


class MemorySubscription:
    """A Subscription to the messages of one group."""

    def __init__(self, group: _Group) -> None:
        self._group = group

    async def take(self, most: int) -> Sequence[Message]:
        """As `Subscription` says."""
        group = self._group
        if group.taken == len(group.messages):
            group.arrived.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(group.arrived.wait(), PATIENCE_SECONDS)
        ahead = range(group.taken, min(group.taken + most, len(group.messages)))
        group.taken += len(ahead)
        return [group.messages[place][0] for place in ahead]

    async def done(self) -> None:
        """As `Subscription` says."""
        for _ in range(self._group.taken):
            self._group.messages.popleft()[1].one_is_done()
        self._group.taken = 0
