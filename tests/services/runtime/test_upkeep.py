"""What a process does to its own stores when it is asked to."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import grpc.aio
import pytest
from sqlalchemy import select

from schema.errcode import InvalidArgument
from schema.generated.event.v1 import event_pb2
from schema.generated.upkeep.v1 import upkeep_pb2, upkeep_pb2_grpc
from services.runtime.backend import Backend, Resources
from services.runtime.channels import open_channel
from services.runtime.database import metadata
from services.runtime.inbox import inbox_tables
from services.runtime.outbox import Outbox, outbox_table
from services.runtime.server import create_server
from services.runtime.telemetry import Metrics
from services.runtime.upkeep import add_upkeep
from tests.conftest import NOON, MakeResources
from tests.open_doors import Anybody, Stranger

Stub: TypeAlias = "upkeep_pb2_grpc.UpkeepServiceAsyncStub"
METADATA = metadata()
OUTBOX = outbox_table(METADATA, "teller")
INBOX = inbox_tables(METADATA, "teller")


def no_service(server: grpc.aio.Server, resources: Resources) -> None:
    """Nothing of its own."""


TELLER = Backend("teller", "teller.v1.Teller", METADATA, no_service, outbox=OUTBOX, inbox=INBOX)
QUIET = Backend("quiet", "quiet.v1.Quiet", metadata(), no_service)


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(METADATA)


@pytest.fixture
async def upkeep(resources: Resources) -> AsyncIterator[Stub]:
    server = create_server(Metrics(), Anybody())
    add_upkeep(server, {TELLER: resources, QUIET: replace(resources)})
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with open_channel("activity", f"127.0.0.1:{port}", Metrics(), Stranger()) as channel:
        yield upkeep_pb2_grpc.UpkeepServiceStub(channel)
    await server.stop(None)


def request(backend: str, before: datetime) -> upkeep_pb2.PurgeEventsRequest:
    made = upkeep_pb2.PurgeEventsRequest(backend=backend)
    made.before.FromDatetime(before)
    return made


async def column(resources: Resources, wanted: Any) -> list[Any]:
    async with resources.database.read() as session:
        return list(await session.scalars(select(wanted).order_by(wanted)))


async def test_what_was_sent_or_taken_before_the_moment_goes(resources: Resources, upkeep: Stub) -> None:
    outbox = Outbox(OUTBOX, "teller", resources.clock)
    hours = [NOON - timedelta(hours=ago) for ago in (3, 2, 1)]
    async with resources.database.transaction() as session:
        for _ in range(4):
            await outbox.add(session, 1, event_pb2.AccountOpened(handle="ada"))
        for number, sent_at in enumerate(hours, start=1):
            await session.execute(OUTBOX.update().where(OUTBOX.c.sequence == number).values(sent_at=sent_at))
        taken = [{"consumer": "teller.ear", "event_id": f"e{at.hour}", "received_at": at} for at in hours]
        await session.execute(INBOX.taken.insert(), taken)
    reply = await upkeep.PurgeEvents(request("teller", NOON - timedelta(hours=1)))
    assert (reply.sent, reply.taken) == (2, 2)
    assert await column(resources, OUTBOX.c.sequence) == [3, 4]
    assert await column(resources, INBOX.taken.c.event_id) == ["e11"]
    again = await upkeep.PurgeEvents(request("teller", NOON - timedelta(hours=1)))
    assert (again.sent, again.taken) == (0, 0)


async def test_a_backend_without_events_has_none_to_purge(upkeep: Stub) -> None:
    reply = await upkeep.PurgeEvents(request("quiet", NOON))
    assert (reply.sent, reply.taken) == (0, 0)


async def test_the_store_of_another_process_is_refused(upkeep: Stub) -> None:
    with pytest.raises(InvalidArgument, match="backend: is not served here"):
        await upkeep.PurgeEvents(request("account", NOON))
