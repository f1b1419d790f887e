"""Events are written where the change is written, in its transaction: told exactly when the change holds.

A relay (`services.runtime.relay`) reads them from here and publishes them.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter
from uuid import UUID

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
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession

from schema.errcode import InvalidArgument
from schema.generated.event.v1 import event_pb2 as pb
from services.runtime.clock import Clock
from services.runtime.database import Database, UtcDateTime, tell_after_commit
from services.runtime.lane import LANE_LENGTH, lane
from services.runtime.server import validate
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
LARGEST_EVENT = 500_000
"""How many bytes an event may have: servers of a bus refuse a million, and one refused would hold up all behind it."""
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


_LOCK_IN_ORDER = text(
    "SELECT pg_advisory_xact_lock(number)"
    " FROM unnest(CAST(:numbers AS bigint[])) WITH ORDINALITY AS turn(number, place) ORDER BY place"
)


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
        """Tells in the transaction of `session` what happened to the account; ValueError when the contract forbids it.

        Comes last in a transaction; events of several accounts come in the order of their ids. Until the transaction
        ends, any other that tells of the same account waits: the order of events is the order of changes.
        """
        await self.add_all(session, [(account_id, what)], actor_id=actor_id, reason=reason)

    async def add_all(
        self, session: AsyncSession, told: Iterable[tuple[int, What]], *, actor_id: int = 0, reason: str = ""
    ) -> None:
        """Tells what happened to which account, as `add` does one by one; two statements, however much is told.

        What happened to one account is told in the order given.
        """
        now = self._clock()
        events = [self._event(now, *each, actor_id, reason) for each in sorted(told, key=itemgetter(0))]
        if events:
            await self._wait_for_turn(session, dict.fromkeys(event.account_id for event in events))
            await session.execute(self._table.insert(), [self._row(event, now) for event in events])
            tell_after_commit(session)

    def _event(self, now: datetime, account_id: int, what: What, actor_id: int, reason: str) -> pb.Event:
        event = pb.Event(
            id=event_id(now), account_id=account_id, source=self._source, actor_id=actor_id, reason=reason, sequence=1
        )
        event.occurred_at.FromDatetime(now)
        getattr(event, KINDS[what.DESCRIPTOR.full_name]).CopyFrom(what)
        _check(event)
        event.ClearField("sequence")  # The store gives it out.
        return event

    async def _wait_for_turn(self, session: AsyncSession, account_ids: Iterable[int]) -> None:
        if session.get_bind().dialect.name == "sqlite":  # It has one writer at a time anyway.
            return
        await session.execute(_LOCK_IN_ORDER, {"numbers": [self._lock_number(each) for each in account_ids]})

    def _lock_number(self, account_id: int) -> int:
        key = hashlib.sha256(f"{self._table.name}/{account_id}".encode()).digest()[:8]
        return int.from_bytes(key, "big", signed=True)

    def _row(self, event: pb.Event, now: datetime) -> dict[str, object]:
        return {
            "event_id": event.id,
            "account_id": event.account_id,
            "payload": event.SerializeToString(),
            "traceparent": traceparent(),
            "lane": lane(),
            "created_at": now,
        }


def _check(event: pb.Event) -> None:
    try:
        validate(event)
    except InvalidArgument as error:
        raise ValueError(f"no event: {error.message}") from error
    if event.ByteSize() > LARGEST_EVENT:
        raise ValueError(f"an event has at most {LARGEST_EVENT} bytes")


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
