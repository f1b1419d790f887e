"""What a service remembers of the events it listens to: which it has taken, and which it had to set aside."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    delete,
    exists,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from services.runtime.database import Database, UtcDateTime

REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Inbox:
    """The tables of one service."""

    taken: Table
    """The events for which a consumer has taken responsibility: applied, or set aside."""
    letters: Table
    """The events that were set aside: dead letters, those that are tried again, and those held behind them."""


def inbox_tables(metadata: MetaData, service: str) -> Inbox:
    """The tables `<service>_inbox` and `<service>_dead_letter`, added to the metadata of the service."""
    return Inbox(_taken(metadata, f"{service}_inbox"), _letters(metadata, f"{service}_dead_letter"))


def _taken(metadata: MetaData, name: str) -> Table:
    table = Table(
        name,
        metadata,
        Column("consumer", String(60), nullable=False),
        Column("event_id", String(100), nullable=False),
        Column("received_at", UtcDateTime(), nullable=False),
        PrimaryKeyConstraint("consumer", "event_id"),
    )
    Index(f"ix_{name}_received_at", table.c.received_at)
    return table


def _letters(metadata: MetaData, name: str) -> Table:
    table = Table(
        name,
        metadata,
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("consumer", String(60), nullable=False),
        Column("event_id", String(100), nullable=False),
        Column("account_id", BigInteger, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("traceparent", String(100), nullable=False),
        Column("lane", String(100), nullable=False),
        Column("reason", String(REASON_LENGTH), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("received_at", UtcDateTime(), nullable=False),
        # When to try again; nothing for a letter that waits for a person.
        Column("next_at", UtcDateTime(), nullable=True),
        UniqueConstraint("consumer", "event_id"),
    )
    Index(f"ix_{name}_account_id", table.c.consumer, table.c.account_id, table.c.id)
    return table


async def new_ones(
    session: AsyncSession, taken: Table, consumer: str, event_ids: Iterable[str], now: datetime
) -> set[str]:
    """Takes the events that this consumer has not taken yet, in this transaction; answers which those are."""
    rows = [{"consumer": consumer, "event_id": event_id, "received_at": now} for event_id in dict.fromkeys(event_ids)]
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(taken).values(rows).on_conflict_do_nothing().returning(taken.c.event_id)
    return set(await session.scalars(statement))


async def purge_inbox(database: Database, inbox: Inbox, before: datetime) -> int:
    """Forgets events taken before this moment, which the bus must not deliver again; how many those were.

    Those that are set aside stay.
    """
    taken, letters = inbox.taken, inbox.letters
    same = (letters.c.consumer == taken.c.consumer, letters.c.event_id == taken.c.event_id)
    aside = exists(select(letters.c.id).where(*same))
    async with database.transaction() as session:
        gone = await session.execute(delete(taken).where(taken.c.received_at < before, ~aside))
    return int(gone.rowcount)  # type: ignore[attr-defined]
