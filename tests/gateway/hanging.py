"""A gateway on a real port, before backends that never answer."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc.aio

from gateway.app import Among, create_app
from gateway.health import CONTRACTS, Health
from gateway.joint import open_joint
from gateway.process import UVICORN
from gateway.settings import Settings
from loaders import open_clients
from schema.generated.account.v1 import account_pb2, account_pb2_grpc
from schema.generated.activity.v1 import activity_pb2
from schema.generated.banner.v1 import banner_pb2, banner_pb2_grpc
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.ports import Identity
from services.runtime.channels import open_channel
from services.runtime.lifecycle import Readiness
from services.runtime.telemetry import Metrics
from services.runtime.web import WebServer, listen
from tests.gateway.push.fakes import activity
from tests.open_doors import Stranger


@dataclass
class Hanging:
    """Tells when a backend that never answers was asked, and when the asker gave up."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    given_up: asyncio.Event = field(default_factory=asyncio.Event)
    seconds: float = 0.0
    """How long the last call was to take at most."""

    async def hang(self, context: Any) -> None:
        self.seconds = context.time_remaining()
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.given_up.set()


class Banners(banner_pb2_grpc.BannerServiceServicer):
    def __init__(self, hanging: Hanging) -> None:
        self._hanging = hanging

    async def BatchListBanners(self, request: Any, context: Any) -> banner_pb2.BatchListBannersResponse:
        await self._hanging.hang(context)
        return banner_pb2.BatchListBannersResponse()


class Accounts(account_pb2_grpc.AccountServiceServicer):
    """Knows that a session is that of the account with the number of its token."""

    def __init__(self, hanging: Hanging) -> None:
        self._hanging = hanging

    async def BatchVerifySessions(self, request: Any, context: Any) -> account_pb2.BatchVerifySessionsResponse:
        sessions = [session(place, token) for place, token in enumerate(request.tokens, start=1)]
        return account_pb2.BatchVerifySessionsResponse(sessions=sessions)

    async def BatchGetAccounts(self, request: Any, context: Any) -> account_pb2.BatchGetAccountsResponse:
        await self._hanging.hang(context)
        return account_pb2.BatchGetAccountsResponse()


def session(place: int, token: str) -> account_pb2.VerifiedSession:
    return account_pb2.VerifiedSession(
        question=place,
        state=account_pb2.VerifiedSession.STATE_VALID,
        viewer=identity_pb2.Viewer(account_id=int(token), account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL),
        account_status=account_pb2.ACCOUNT_STATUS_ACTIVE,
    )


class OneActivity:
    """Push that tells of one activity, and then waits."""

    async def activities(
        self, viewer: Identity, token: str, last_seen: int
    ) -> AsyncGenerator[activity_pb2.Activity, None]:
        yield activity(1)
        await asyncio.Event().wait()

    async def account_changes(self, viewer: Identity, token: str) -> AsyncGenerator[None, None]:
        await asyncio.Event().wait()
        yield None


@dataclass
class Place:
    """A gateway on a real port, and the backends that never answer."""

    address: str
    hanging: Hanging
    metrics: Metrics


@asynccontextmanager
async def serving(hanging: Hanging) -> AsyncIterator[str]:
    """Where all backends listen."""
    server = grpc.aio.server()
    banner_pb2_grpc.add_BannerServiceServicer_to_server(Banners(hanging), server)
    account_pb2_grpc.add_AccountServiceServicer_to_server(Accounts(hanging), server)  # type: ignore[abstract]
    with TemporaryDirectory(prefix="atrium-") as folder:
        address = f"unix:{Path(folder)}/backend"
        server.add_insecure_port(address)
        await server.start()
        yield address
        await server.stop(0)


@asynccontextmanager
async def open_place(**settings: Any) -> AsyncIterator[Place]:
    """The gateway, with settings of the test's own."""
    metrics, listening, hanging = Metrics(), listen("127.0.0.1", 0), Hanging()
    async with AsyncExitStack() as closing:
        backend = await closing.enter_async_context(serving(hanging))
        channel = await closing.enter_async_context(open_channel("banner", backend, metrics, Stranger()))
        channels = dict.fromkeys(CONTRACTS, channel)
        clients = await closing.enter_async_context(open_clients(channels, metrics))
        joint = await closing.enter_async_context(open_joint(metrics))
        chosen, health = Settings(request_seconds=60, **settings), Health(channels, Readiness())
        app = create_app(clients, OneActivity(), chosen, metrics, health, among=Among(joint=joint))
        server = WebServer(app, listening, **UVICORN)
        group = await closing.enter_async_context(asyncio.TaskGroup())
        group.create_task(server.serve())
        host, port = listening.getsockname()
        yield Place(f"{host}:{port}", hanging, metrics)
        await server.stop(0)
