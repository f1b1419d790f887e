"""Publishes what the outbox of a backend holds: in the order written, at least once."""

import hashlib
from typing import Any

from sqlalchemy import Row, Select, Table, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from schema.generated.event.v1 import event_pb2 as pb
from services.runtime.bus import Bus, BusUnavailable, Message
from services.runtime.clock import Clock
from services.runtime.database import Database
from services.runtime.telemetry import Metrics

BATCH = 500
"""How many events are published at once."""
POLL_SECONDS = 1.0
"""How soon an event is seen that another process wrote; one of this process is seen at once."""
BUSY_SECONDS = 0.05
"""How soon to look again when another process publishes at this moment."""


class Relay:
    """Publishes the events of one backend; several of them in several processes take turns.

    An event counts as sent only when the bus has it. Whatever happens between that and the mark in the outbox has it
    published again, which listeners expect. Two that publish at once for a moment only repeat each other: each begins
    with the oldest unsent event, so none appears for the first time before an older one of its account.
    """

    def __init__(
        self, backend: str, outbox: Table, database: Database, bus: Bus, clock: Clock, metrics: Metrics
    ) -> None:
        self._outbox = outbox
        self._database = database
        self._bus = bus
        self._clock = clock
        self._unsent = metrics.outbox_unsent.labels(backend)
        self._lag = metrics.outbox_lag.labels(backend)
        waiting = outbox.c.sent_at.is_(None)
        self._oldest: Select[Any] = select(outbox).where(waiting).order_by(outbox.c.sequence).limit(BATCH)
        self._backlog = select(func.count(), func.min(outbox.c.created_at)).where(waiting)
        published = outbox.c.sequence.in_(bindparam("sequences", expanding=True))
        self._mark = update(outbox).where(published).values(sent_at=bindparam("now"))

    async def work(self) -> float:
        """Publishes the next events; after how many seconds to look again."""
        try:
            pause = await self._publish()
        except BusUnavailable:
            await self._measure()
            raise
        if pause == POLL_SECONDS:
            await self._measure()
        return pause

    async def _publish(self) -> float:
        # SQLite begins the transaction only with the mark: it is not locked while the bus takes its time.
        async with self._database.transaction() as session:
            if not await self._has_turn(session):
                return BUSY_SECONDS
            rows = (await session.execute(self._oldest)).all()
            if rows:
                await self._bus.publish([_message(row) for row in rows])
                await session.execute(self._mark, {"now": self._clock(), "sequences": [row.sequence for row in rows]})
        return 0 if len(rows) == BATCH else POLL_SECONDS

    async def _has_turn(self, session: AsyncSession) -> bool:
        """Whether no other process publishes for this backend; it cannot begin before the transaction ends."""
        if session.get_bind().dialect.name == "sqlite":
            return True
        name = f"{self._outbox.name}/relay".encode()
        number = int.from_bytes(hashlib.sha256(name).digest()[:8], "big", signed=True)
        return bool(await session.scalar(select(func.pg_try_advisory_xact_lock(number))))

    async def _measure(self) -> None:
        async with self._database.read() as session:
            count, oldest = (await session.execute(self._backlog)).one()
        self._unsent.set(count)
        self._lag.set(max(0.0, (self._clock() - oldest).total_seconds()) if oldest else 0)


def _message(row: Row[Any]) -> Message:
    # Two encoded messages after one another are one with the fields of both.
    value = row.payload + pb.Event(sequence=row.sequence).SerializeToString()
    return Message(row.event_id, row.account_id, value, row.traceparent, row.lane)
