"""What a backend told of its changes."""

from typing import TypeAlias

from google.protobuf.message import Message
from sqlalchemy import Table, select

from schema.generated.event.v1 import event_pb2
from services.runtime.database import Database

Told: TypeAlias = tuple[int, Message, int, str]
"""Account, what happened, who acted, why."""


async def events_told(database: Database, outbox: Table) -> list[Told]:
    """Everything in the outbox, in the order in which it was told."""
    async with database.read() as session:
        payloads = list(await session.scalars(select(outbox.c.payload).order_by(outbox.c.sequence)))
    events = [event_pb2.Event.FromString(payload) for payload in payloads]
    return [(event.account_id, _what(event), event.actor_id, event.reason) for event in events]


def _what(event: event_pb2.Event) -> Message:
    kind = event.WhichOneof("what")
    assert kind is not None
    what: Message = getattr(event, kind)
    return what
