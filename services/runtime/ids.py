"""Ids of rows: 63 bits, unique over processes, and sorted by the time they were made.

41 bits of milliseconds since 2024, 10 bits of worker, 12 bits of sequence: the layout of Twitter's Snowflake. A *tick*
is milliseconds and sequence in one number, so that a full sequence flows over into the next millisecond.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from schema.errcode import AtriumError
from services.runtime.clock import Clock

_log = structlog.get_logger(__name__)

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
WORKER_BITS = 10
SEQUENCE_BITS = 12
WORKERS = 1 << WORKER_BITS
"""How many worker numbers there are; the first is 0."""
TICKS_PER_MS = 1 << SEQUENCE_BITS
LAST_TICK = (1 << 63 - WORKER_BITS) - 1
"""The greatest tick that an id can hold: a moment in the year 2093."""
BLOCK = 1000
"""How many ids a process asks for at once, at most."""
GROWTH = 4
"""How many times as large the next block is when one was used up in time; half of the last one when it was not."""
FRESH_SECONDS = 0.2
"""How long ids may wait for their use: a row must not sort far below those that others made meanwhile."""

FetchIds = Callable[[int], Awaitable[Sequence[int]]]
"""Answers so many fresh ids, growing."""


def tick_at(moment: datetime) -> int:
    """The first tick of the moment's millisecond."""
    return int((moment - EPOCH).total_seconds() * 1000) * TICKS_PER_MS


def id_of(tick: int, worker: int) -> int:
    """The id that the worker makes in the tick."""
    milliseconds, sequence = divmod(tick, TICKS_PER_MS)
    return (milliseconds << (WORKER_BITS + SEQUENCE_BITS)) | (worker << SEQUENCE_BITS) | sequence


@dataclass(frozen=True, slots=True)
class Made:
    """What an id tells of itself."""

    at: datetime
    worker: int
    sequence: int


def made(id_: int) -> Made | None:
    """When and by whom the id was made; None for a number too small for that, such as those of demo data."""
    milliseconds, rest = divmod(id_, 1 << (WORKER_BITS + SEQUENCE_BITS))
    if not milliseconds:
        return None
    return Made(EPOCH + timedelta(milliseconds=milliseconds), *divmod(rest, TICKS_PER_MS))


class IdSource(Protocol):
    """Makes ids."""

    async def next_id(self) -> int:
        """A new id: positive, below 2**63, and greater than those made earlier, as far as clocks can tell."""
        ...


class TimeOrderedIds:
    """Ids of one worker, by this process alone: whoever runs it sees to it that no two have the same number.

    When the clock stands still or steps back, it counts on from the last id instead.
    """

    def __init__(self, clock: Clock, worker: int | None = None) -> None:
        """`worker` is from 0 to 1023, random when it is None."""
        self._clock = clock
        self._worker = secrets.randbelow(WORKERS) if worker is None else worker
        self._last_tick = 0

    async def next_id(self) -> int:
        """As `IdSource` promises; greater than every one that this source made before."""
        self._last_tick = max(tick_at(self._clock()), self._last_tick + 1)
        return id_of(self._last_tick, self._worker)


class AllocatedIds:
    """Ids that the identifier backend hands out, fetched in blocks as large as the process needs them.

    A block that outlives its freshness was too large, and its rest is thrown away; one that is used up sooner was too
    small. When three quarters are used, one of those who ask fetches the next, while the others go on.
    """

    def __init__(self, fetch: FetchIds, stopwatch: Callable[[], float] = time.monotonic) -> None:
        """`stopwatch` answers seconds since any moment."""
        self._fetch = fetch
        self._stopwatch = stopwatch
        self._next_size = 1
        self._left: deque[int] = deque()
        self._low = 0
        self._fresh_until = 0.0
        self._last = 0
        self._waiting = 0
        self._fetching = asyncio.Lock()

    async def next_id(self) -> int:
        """As `IdSource` promises; raises what the backend raises when it cannot be asked."""
        self._throw_stale_away()
        if not self._left:
            await self._wait_for_block()
        self._last = made = self._left.popleft()
        if len(self._left) < self._low and not self._fetching.locked():
            await self._fetch_ahead()
        return made

    def _throw_stale_away(self) -> None:
        if self._left and self._stopwatch() >= self._fresh_until:
            self._left.clear()
            self._next_size = max(1, self._next_size // (2 * GROWTH))

    async def _wait_for_block(self) -> None:
        self._waiting += 1
        try:
            while not self._left:
                async with self._fetching:
                    if not self._left:
                        await self._refill()
        finally:
            self._waiting -= 1

    async def _fetch_ahead(self) -> None:
        try:
            async with self._fetching:
                if len(self._left) < self._low:
                    await self._refill()
        except AtriumError as error:
            # The caller has its id. Whoever finds no more will ask again, and be told.
            _log.warning("ids could not be fetched ahead", reason=error.message)

    async def _refill(self) -> None:
        count = min(max(self._next_size, self._waiting), BLOCK)
        # Ids age from the moment they are asked for: they may be as old as that.
        fresh_until = self._stopwatch() + FRESH_SECONDS
        block = await self._fetch(count)
        # Another identifier's clock may be behind that of the one before.
        later = [id_ for id_ in block if id_ > self._last]
        self._left = deque(later or block)
        self._low = len(self._left) // 4
        self._fresh_until = fresh_until
        self._next_size = count * GROWTH
