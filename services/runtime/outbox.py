"""Events are written where the change is written, in its transaction: told exactly when the change holds.

A relay (`services.runtime.relay`) reads them from here and publishes them.
"""

import hashlib
import secrets
from datetime import datetime
from uuid import UUID

import protovalidate
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from schema.generated.event.v1 import event_pb2 as pb
from services.runtime.clock import Clock
from services.runtime.database import Database, UtcDateTime, tell_after_commit
from services.runtime.lane import LANE_LENGTH, lane
from services.runtime.telemetry import traceparent

What = (
    pb.AccountOpened
    | pb.AccountChanged
    | pb.AccountStatusChanged
    | pb.AccountMergeStarted
    | pb.AccountMerged
    | pb.Followed
    | pb.Unfollowed
    | pb.ActivityPublished
    | pb.PermissionGranted
    | pb.PermissionRevoked
)
"""What can happen to an account."""
KINDS: dict[str, str] = {
    field.message_type.full_name: field.name
    for field in pb.Event.DESCRIPTOR.oneofs_by_name["what"].fields
    if field.message_type
}
"""The field of an event that holds a message of this name."""


def outbox_table(metadata: MetaData, backend: str) -> Table:
    """The table `<backend>_outbox`, added to the metadata of the backend; its migration is the backend's own."""
    name = f"{backend}_outbox"
    table = Table(
        name,
        metadata,
        Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("event_id", String(36), nullable=False, unique=True),
        Column("account_id", BigInteger, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("traceparent", String(64), nullable=False),
        Column("lane", String(LANE_LENGTH), nullable=False),
        Column("created_at", UtcDateTime(), nullable=False),
        Column("sent_at", UtcDateTime(), nullable=True),
    )
    unsent = table.c.sent_at.is_(None)
    Index(f"ix_{name}_unsent", table.c.sequence, sqlite_where=unsent, postgresql_where=unsent)
    Index(f"ix_{name}_sent_at", table.c.sent_at)
    return table


class Outbox:
    """Writes the events of one backend."""

    def __init__(self, table: Table, source: str, clock: Clock) -> None:
        """`source` is the name of the backend."""
        self._table = table
        self._source = source
        self._clock = clock

    async def add(
        self, session: AsyncSession, account_id: int, what: What, *, actor_id: int = 0, reason: str = ""
    ) -> None:
        """Tells in the transaction of `session` what happened to the account.

        Comes last in a transaction; events of several accounts come in the order of their ids. Until the transaction
        ends, any other that tells of the same account waits: the order of events is the order of changes.
        """
        now = self._clock()
        event = pb.Event(
            id=event_id(now), account_id=account_id, source=self._source, actor_id=actor_id, reason=reason, sequence=1
        )
        event.occurred_at.FromDatetime(now)
        getattr(event, KINDS[what.DESCRIPTOR.full_name]).CopyFrom(what)
        protovalidate.validate(event, fail_fast=True)
        event.ClearField("sequence")  # The store gives it out.
        await self._wait_for_turn(session, account_id)
        await session.execute(self._table.insert(), self._row(event, now))
        tell_after_commit(session)

    async def _wait_for_turn(self, session: AsyncSession, account_id: int) -> None:
        if session.get_bind().dialect.name == "sqlite":  # It has one writer at a time anyway.
            return
        key = hashlib.sha256(f"{self._table.name}/{account_id}".encode()).digest()[:8]
        number = int.from_bytes(key, "big", signed=True)
        await session.execute(select(func.pg_advisory_xact_lock(number)))

    def _row(self, event: pb.Event, now: datetime) -> dict[str, object]:
        return {
            "event_id": event.id,
            "account_id": event.account_id,
            "payload": event.SerializeToString(),
            "traceparent": traceparent(),
            "lane": lane(),
            "created_at": now,
        }


def event_id(now: datetime) -> str:
    """A new UUID of version 7 (RFC 9562, section 5.7), made at this moment."""
    milliseconds = int(now.timestamp() * 1000)
    number = (milliseconds << 80) | secrets.randbits(80)
    version_and_variant = (0xF << 76) | (0x3 << 62)
    return str(UUID(int=(number & ~version_and_variant) | (0x7 << 76) | (0x2 << 62)))


async def purge_outbox(database: Database, table: Table, before: datetime) -> int:
    """Deletes what was sent before this moment; how many events that were. Unsent ones stay, and so does the last."""
    # SQLite counts on from the greatest number that is there: without it, numbers would come again.
    last = select(func.max(table.c.sequence)).scalar_subquery()
    async with database.transaction() as session:
        gone = await session.execute(delete(table).where(table.c.sent_at < before, table.c.sequence < last))
    return int(gone.rowcount)  # type: ignore[attr-defined]
