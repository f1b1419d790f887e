"""A client that leaves stops the work that was begun for it, down to the backend, however it was connected."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import grpc.aio
import pytest

from gateway.app import Among, create_app
from gateway.budget import HEADER
from gateway.health import CONTRACTS, Health
from gateway.joint import open_joint
from gateway.process import UVICORN
from gateway.settings import Settings
from loaders import open_clients
from schema.errcode import DeadlineExceeded
from schema.generated.account.v1 import account_pb2, account_pb2_grpc
from schema.generated.activity.v1 import activity_pb2
from schema.generated.banner.v1 import banner_pb2, banner_pb2_grpc
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.ports import Identity
from services.runtime.channels import open_channel
from services.runtime.lifecycle import Readiness
from services.runtime.telemetry import Metrics
from services.runtime.web import WebServer, listen
from tests.gateway.push.client import Subscriber, connected
from tests.gateway.push.fakes import activity
from tests.open_doors import Stranger

BANNERS = "{ viewer { home { banners { id } } } }"
FEED = "subscription { feedActivityAdded { author { handle } } }"
ACCEPT = {"json": "application/json", "events": "text/event-stream"}
SECONDS = 20.0
"""How long to wait for what must happen."""


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
    """Knows that every session is ada's, and knows no account."""

    def __init__(self, hanging: Hanging) -> None:
        self._hanging = hanging

    async def BatchVerifySessions(self, request: Any, context: Any) -> account_pb2.BatchVerifySessionsResponse:
        valid = account_pb2.VerifiedSession(
            question=1,
            state=account_pb2.VerifiedSession.STATE_VALID,
            viewer=identity_pb2.Viewer(account_id=1, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL),
            account_status=account_pb2.ACCOUNT_STATUS_ACTIVE,
        )
        return account_pb2.BatchVerifySessionsResponse(sessions=[valid])

    async def BatchGetAccounts(self, request: Any, context: Any) -> account_pb2.BatchGetAccountsResponse:
        await self._hanging.hang(context)
        return account_pb2.BatchGetAccountsResponse()


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


@pytest.fixture
def hanging() -> Hanging:
    return Hanging()


@pytest.fixture
async def backend(hanging: Hanging) -> AsyncIterator[str]:
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


@pytest.fixture
async def place(hanging: Hanging, backend: str) -> AsyncIterator[Place]:
    metrics, listening = Metrics(), listen("127.0.0.1", 0)
    async with AsyncExitStack() as closing:
        channel = await closing.enter_async_context(open_channel("banner", backend, metrics, Stranger()))
        channels = dict.fromkeys(CONTRACTS, channel)
        clients = await closing.enter_async_context(open_clients(channels, metrics))
        joint = await closing.enter_async_context(open_joint(metrics))
        settings, health = Settings(request_seconds=60), Health(channels, Readiness())
        app = create_app(clients, OneActivity(), settings, metrics, health, among=Among(joint=joint))
        server = WebServer(app, listening, **UVICORN)
        group = await closing.enter_async_context(asyncio.TaskGroup())
        group.create_task(server.serve())
        host, port = listening.getsockname()
        yield Place(f"{host}:{port}", hanging)
        await server.stop(0)


@asynccontextmanager
async def asking(place: Place, request: str, body: str = "", **headers: str) -> AsyncIterator[asyncio.StreamReader]:
    """A request over a connection of its own, which is closed at the end."""
    host, _, port = place.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = {"host": place.address, "content-type": "application/json", "content-length": str(len(body))} | headers
    lines = [f"{request} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", body]
    writer.write("\r\n".join(lines).encode())
    try:
        yield reader
    finally:
        writer.close()


async def left_in_the_middle(place: Place) -> None:
    """Returns once the backend was asked."""
    async with asyncio.timeout(SECONDS):
        await place.hanging.asked.wait()
    assert not place.hanging.given_up.is_set()


async def post(place: Place, accept: str, query: str) -> None:
    body = json.dumps({"query": query})
    async with asking(place, "POST /graphql", body, accept=ACCEPT[accept], authorization="Bearer x"):
        await left_in_the_middle(place)


async def get(place: Place, accept: str, query: str) -> None:
    headers = {"accept": ACCEPT[accept], "authorization": "Bearer x"}
    async with asking(place, f"GET /graphql?query={quote(query)}", **headers):
        await left_in_the_middle(place)


async def leave_socket(place: Place, query: str) -> None:
    async with connected(place.address) as subscriber:
        await begin(place, subscriber, query)


async def complete(place: Place, query: str) -> None:
    async with connected(place.address) as subscriber:
        await begin(place, subscriber, query)
        await subscriber.send({"type": "complete", "id": "1"})
        await stopped(place)


async def begin(place: Place, subscriber: Subscriber, query: str) -> None:
    await subscriber.introduce("x")
    await subscriber.subscribe("1", query)
    await left_in_the_middle(place)


async def stopped(place: Place) -> None:
    async with asyncio.timeout(SECONDS):
        await place.hanging.given_up.wait()


WAYS: dict[str, Callable[[Place], Any]] = {
    "POST": lambda place: post(place, "json", BANNERS),
    "GET": lambda place: get(place, "json", BANNERS),
    "POST for events": lambda place: post(place, "events", BANNERS),
    "GET for events": lambda place: get(place, "events", BANNERS),
    "subscribing by events": lambda place: post(place, "events", FEED),
    "WebSocket": lambda place: leave_socket(place, BANNERS),
    "subscribing by WebSocket": lambda place: leave_socket(place, FEED),
    "completing": lambda place: complete(place, BANNERS),
    "completing a subscription": lambda place: complete(place, FEED),
}


@pytest.mark.parametrize("way", WAYS)
async def test_the_call_in_flight_is_cancelled_in_the_backend(place: Place, way: str) -> None:
    await WAYS[way](place)
    await stopped(place)


async def answered(reader: asyncio.StreamReader) -> bytes:
    """What was answered until the gaps are told."""
    async with asyncio.timeout(SECONDS):
        return await reader.readuntil(b"ageMs")


@pytest.mark.parametrize("accept", ACCEPT)
async def test_the_time_of_a_client_is_the_time_of_its_calls_over_http(place: Place, accept: str) -> None:
    headers = {"accept": ACCEPT[accept], HEADER: "500"}
    async with asking(place, "POST /graphql", json.dumps({"query": BANNERS}), **headers) as reader:
        answer = await answered(reader)
    assert str(DeadlineExceeded.code).encode() in answer
    assert 0 < place.hanging.seconds <= 0.475
    await stopped(place)


async def test_the_time_of_a_client_is_the_time_of_each_operation_over_a_socket(place: Place) -> None:
    async with connected(place.address, headers={HEADER: "500"}) as subscriber:
        await subscriber.introduce()
        await subscriber.subscribe("1", BANNERS)
        message = await subscriber.receive()
    [gap] = message["payload"]["extensions"]["degraded"]
    assert gap["code"] == DeadlineExceeded.code
    assert 0 < place.hanging.seconds <= 0.475


async def test_a_malformed_time_is_told_and_nothing_runs(place: Place) -> None:
    async with connected(place.address, headers={HEADER: "soon"}) as subscriber:
        assert await subscriber.closed() == (4400, f"{HEADER}: must be a whole number of milliseconds, 1 or more")
    headers = {"accept": ACCEPT["events"], HEADER: "soon"}
    async with asking(place, "POST /graphql", json.dumps({"query": BANNERS}), **headers) as reader:
        assert (await reader.readline()).split()[1] == b"400"
    assert not place.hanging.asked.is_set()
