"""Ids of rows: 63 bits, unique over processes, and sorted by the time they were made."""

import secrets
from datetime import UTC, datetime
from typing import Protocol

from services.runtime.clock import Clock

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
WORKER_BITS = 10
SEQUENCE_BITS = 12


class IdSource(Protocol):
    """Makes ids."""

    async def next_id(self) -> int:
        """A new id: positive, below 2**63, greater than every one this source made before."""
        ...


class TimeOrderedIds:
    """41 bits of milliseconds since 2024, 10 bits of worker, 12 bits of sequence: the layout of Twitter's Snowflake.

    When the clock stands still or steps back, it counts on from the last id instead.
    """

    def __init__(self, clock: Clock, worker: int | None = None) -> None:
        self._clock = clock
        self._worker = secrets.randbelow(1 << WORKER_BITS) if worker is None else worker
        self._last_tick = 0

    async def next_id(self) -> int:
        """A new id, as `IdSource` promises."""
        milliseconds = (self._clock() - EPOCH).total_seconds() * 1000
        # Ticks are milliseconds and sequence in one number, so a full sequence flows over into the next millisecond.
        self._last_tick = max(int(milliseconds) << SEQUENCE_BITS, self._last_tick + 1)
        milliseconds_part, sequence = divmod(self._last_tick, 1 << SEQUENCE_BITS)
        return (milliseconds_part << (WORKER_BITS + SEQUENCE_BITS)) | (self._worker << SEQUENCE_BITS) | sequence
