"""The desk and every backend that it asks, in one process, on the stack of the test."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import grpc.aio
from sqlalchemy import select

from schema.generated.account.v1.account_pb2_grpc import AccountServiceStub
from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.admin.v1.admin_pb2_grpc import AdminServiceStub
from schema.generated.identity.v1 import identity_pb2
from services.admin.data import audit_table
from services.backends import BACKENDS
from services.runtime.backend import Backend, Demo, Resources
from services.runtime.channels import open_channels
from services.runtime.lifecycle import Readiness
from services.runtime.serving import BackendServers, serve_backends
from services.runtime.streams import open_streams
from services.runtime.telemetry import Metrics
from tests.conftest import MakeResources
from tests.open_doors import OpenDoor, Stranger
from tests.services.stamping import stamped

NAMES = ("account", "permission", "activity", "job", "admin")
ADA, BO, CORP, SAM, NO_GRANTS = 1, 2, 3, 4, 33
"""NO_GRANTS is staff that the demo denies admin.permissions.grant."""
STAFF = identity_pb2.Viewer(account_id=SAM, account_type=identity_pb2.ACCOUNT_TYPE_STAFF)
PERSON = identity_pb2.Viewer(account_id=ADA, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL)
GUEST = identity_pb2.Viewer(account_type=identity_pb2.ACCOUNT_TYPE_GUEST)


@dataclass
class Town:
    """Real backends with demo data."""

    resources: Mapping[Backend, Resources]
    channels: Mapping[str, grpc.aio.Channel]
    servers: dict[str, BackendServers] = field(default_factory=dict)

    @property
    def desk(self) -> Any:
        """The stub of the admin backend."""
        return AdminServiceStub(self.channels["admin"])

    @property
    def account(self) -> Any:
        """The stub of the account backend."""
        return AccountServiceStub(self.channels["account"])

    async def stop(self, name: str) -> None:
        """Ends one backend."""
        await self.servers[name].stop(0)

    async def audits(self) -> list[Any]:
        """The rows of the audit, oldest first."""
        async with self.resources[BACKENDS["admin"]].database.read() as session:
            return list((await session.execute(select(audit_table).order_by(audit_table.c.id))).all())

    async def rows(self) -> dict[str, list[Any]]:
        """Everything that the other backends keep, but sessions and what carries events."""
        found = {}
        for name in NAMES[:3]:
            backend = BACKENDS[name]
            async with self.resources[backend].database.read() as session:
                for table in backend.metadata.sorted_tables:
                    found[table.name] = sorted(map(repr, (await session.execute(select(table))).all()))
        return found

    async def show(self, account_id: int) -> pb.GetAccountResponse:
        """What the desk shows of an account."""
        request = pb.GetAccountRequest(actor=STAFF, account_id=account_id)
        reply: pb.GetAccountResponse = await self.desk.GetAccount(request)
        return reply


@asynccontextmanager
async def open_town(make_resources: MakeResources) -> AsyncIterator[Town]:
    """The town, serving."""
    async with AsyncExitStack() as closing:
        folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="atrium-"))
        metrics, backends = Metrics(), [BACKENDS[name] for name in NAMES]
        addresses = {name: f"unix:{folder}/{name}" for name in NAMES}
        channels = await closing.enter_async_context(open_channels(addresses, metrics, Stranger()))
        lent = {backend: replace(await make_resources(backend.metadata), channels=channels) for backend in backends}
        await closing.enter_async_context(stamped(lent))
        for backend in backends:
            await backend.load_demo(lent[backend], Demo(60, lambda _rows: None))
        town = Town(lent, channels)
        streams = await closing.enter_async_context(open_streams(lent, "memory://", metrics, complete=True))
        for backend in backends:
            place = {backend: addresses[backend.name]}
            serving = serve_backends(place, {backend: lent[backend]}, Readiness(), metrics, OpenDoor())
            town.servers[backend.name] = await closing.enter_async_context(serving)
        async with asyncio.TaskGroup() as group:
            for server in (*streams, *town.servers.values()):
                group.create_task(server.serve())
            for channel in channels.values():
                await channel.channel_ready()
            yield town
            for server in (*town.servers.values(), *streams):
                await server.stop(5)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Returns once something holds."""
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110 - it may be any row of a store.
            await asyncio.sleep(0.01)
