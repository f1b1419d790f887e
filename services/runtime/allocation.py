"""Where a process has its ids from: `identifier://` (the identifier backend) or `local://` (itself)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import grpc.aio

from schema.generated.identifier.v1 import identifier_pb2, identifier_pb2_grpc
from services.runtime.channels import Caller, open_channel
from services.runtime.clock import utc_now
from services.runtime.ids import AllocatedIds, FetchIds, IdSource, TimeOrderedIds
from services.runtime.settings import Settings
from services.runtime.telemetry import Metrics


@asynccontextmanager
async def open_ids(settings: Settings, metrics: Metrics, caller: Caller) -> AsyncIterator[IdSource]:
    """The source of ids that the settings name, for this caller; connects on first use."""
    if settings.worker is not None:
        yield TimeOrderedIds(utc_now, settings.worker)
        return
    async with open_channel("identifier", settings.addresses.identifier, metrics, caller) as channel:
        yield AllocatedIds(fetch_over(channel))


def fetch_over(channel: grpc.aio.Channel) -> FetchIds:
    """Fetches ids from the identifier backend at the other end."""
    stub: identifier_pb2_grpc.IdentifierServiceAsyncStub = identifier_pb2_grpc.IdentifierServiceStub(channel)

    async def fetch(count: int) -> Sequence[int]:
        reply = await stub.AllocateIds(identifier_pb2.AllocateIdsRequest(count=count))
        return reply.ids

    return fetch
