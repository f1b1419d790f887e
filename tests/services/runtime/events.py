"""A backend that tells events and one that listens, as small as can be."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import grpc.aio
from sqlalchemy import BigInteger, Column, Integer, Table, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from schema.generated.event.v1 import event_pb2 as pb
from services.runtime.backend import Backend, Resources
from services.runtime.bus import BusUnavailable, Message, Subscription
from services.runtime.consumer import Consumer
from services.runtime.database import Database, metadata
from services.runtime.inbox import inbox_tables
from services.runtime.outbox import outbox_table
from services.runtime.telemetry import Metrics
from tests.conftest import NOON

METADATA = metadata()
OUTBOX = outbox_table(METADATA, "account")
INBOX = inbox_tables(METADATA, "job")
APPLIED = Table(
    "job_applied",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("account_id", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
)
"""What took effect, in order."""


def event(account_id: int, number: int, **changes: object) -> pb.Event:
    """The account published the activity with this number."""
    made = pb.Event(
        id=f"00000000-0000-7000-8000-{account_id:06}{number:06}",
        account_id=account_id,
        source="activity",
        sequence=1,
        activity_published=pb.ActivityPublished(activity_id=number, kind="POST"),
    )
    made.occurred_at.FromDatetime(NOON + timedelta(seconds=number))
    made.MergeFrom(pb.Event(**changes))  # type: ignore[arg-type]
    return made


def message(account_id: int, number: int, **changes: object) -> Message:
    """The message with that event."""
    made = event(account_id, number, **changes)
    return Message(made.id, account_id, made.SerializeToString(), *headers(number))


def headers(number: int) -> tuple[str, str]:
    """Its trace, and its lane."""
    return f"00-{number:032x}-00000000000000ff-01", "blue"


class Effects:
    """A handler that writes down what it is told, except for what it cannot stand."""

    def __init__(self) -> None:
        self.refuses: dict[tuple[int, int], Exception] = {}
        """Raised for the account and number, after the effect."""

    async def __call__(self, told: pb.Event, session: AsyncSession) -> None:
        number = told.activity_published.activity_id
        await session.execute(APPLIED.insert(), {"account_id": told.account_id, "number": number})
        if problem := self.refuses.get((told.account_id, number)):
            raise problem


async def applied(database: Database) -> list[tuple[int, int]]:
    """Account and number of each event, in the order in which they took effect."""
    async with database.read() as session:
        rows = await session.execute(select(APPLIED.c.account_id, APPLIED.c.number).order_by(APPLIED.c.id))
        return [(account, number) for account, number in rows]


async def count(database: Database, table: Table) -> int:
    """How many rows the table has."""
    async with database.read() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


def consumed(metrics: Metrics) -> dict[str, float]:
    """How many events were consumed, by outcome."""
    [family] = metrics.events_consumed.collect()
    totals = [sample for sample in family.samples if sample.name.endswith("_total")]
    return {sample.labels["outcome"]: sample.value for sample in totals}


class Paper:
    """A bus that writes down what is published, unless it is out."""

    def __init__(self) -> None:
        self.published: list[list[Message]] = []
        self.printed = asyncio.Event()
        self.out = False

    async def publish(self, messages: Sequence[Message]) -> None:
        if self.out:
            raise BusUnavailable("out of paper")
        self.published.append(list(messages))
        self.printed.set()

    def expect(self, group: str) -> None:
        pass

    @asynccontextmanager
    async def subscribe(self, group: str) -> AsyncIterator[Subscription]:
        raise BusUnavailable("nobody reads paper")
        yield


def nothing(_server: grpc.aio.Server, _resources: Resources) -> None:
    """A backend that answers no calls."""


TELLER = Backend(name="account", service="account.v1.AccountService", metadata=METADATA, attach=nothing, outbox=OUTBOX)
"""It tells of whatever is written into its outbox."""


def listening(*consumers: Consumer) -> Backend:
    """A backend with these consumers."""
    return Backend(
        name="job",
        service="job.v1.JobService",
        metadata=METADATA,
        attach=nothing,
        inbox=INBOX,
        consumers=lambda _resources: consumers,
    )
