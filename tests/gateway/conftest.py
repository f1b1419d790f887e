"""A gateway in front of the real backends, each on its own unix socket; every test gets its own copy of the stores."""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc.aio
import httpx
import pytest
from starlette.applications import Starlette

from gateway.announcement import DEMO_HANDLES
from gateway.app import Among, create_app
from gateway.health import CONTRACTS, Health
from gateway.joint import open_joint
from gateway.process import sign_in_demo
from gateway.settings import Settings
from loaders import open_clients
from schema.graphql.ports import Push
from services.backends import BACKENDS
from services.runtime.channels import open_channel
from services.runtime.demo import load_demo
from services.runtime.lifecycle import Readiness
from services.runtime.migrate import migrate
from services.runtime.serving import BackendServers, open_all, serve_backends
from services.runtime.settings import Addresses
from services.runtime.telemetry import Metrics
from services.runtime.trust import Trust
from tests.gateway.push.fakes import Silent

Interceptors = Sequence[grpc.aio.UnaryUnaryClientInterceptor]
JSON = dict[str, Any]
MOMENT_SECONDS = PATIENCE = 60.0
"""However busy the machine, what a test asks at once is of one moment, and all of it is answered."""


@dataclass(frozen=True)
class Stores:
    """A folder with the demo data of every backend, and the session tokens of the demo accounts."""

    folder: Path
    tokens: Mapping[str, str]


class Backends:
    """The real backends, serving; each can be stopped."""

    def __init__(
        self, addresses: Mapping[str, str], servers: Mapping[str, BackendServers], ready: Readiness, trust: Trust
    ) -> None:
        self.trust = trust
        self.addresses = addresses
        self.readiness = ready
        self._servers = servers

    async def healthy(self) -> None:
        """Returns when every backend says that it serves, which it does once its store answered."""
        async with asyncio.timeout(60), channels_to(self, Metrics()) as channels:
            health = Health(channels, self.readiness)
            while not all((await health.backends()).values()):
                continue

    async def stop(self, name: str) -> None:
        await self._servers[name].stop(0)

    async def stop_all(self) -> None:
        for name in self._servers:
            await self.stop(name)


@dataclass
class House:
    """The gateway, asked over HTTP without a network."""

    app: Starlette
    backends: Backends
    metrics: Metrics
    http: httpx.AsyncClient
    tokens: Mapping[str, str]

    async def post(self, query: str, who: str | None = None, **body: Any) -> httpx.Response:
        """The response to an operation of a demo account; of a guest when `who` is None."""
        headers = {"authorization": f"Bearer {self.tokens[who]}"} if who else {}
        return await self.http.post("/graphql", json={"query": query, **body}, headers=headers)

    async def ask(self, query: str, who: str | None = None, **body: Any) -> JSON:
        """The whole answer to an operation."""
        answer: JSON = (await self.post(query, who, **body)).json()
        return answer

    async def data(self, query: str, who: str | None = None, **variables: Any) -> JSON:
        """The data of an operation that has no errors and is answered in full."""
        answer = await self.ask(query, who, variables=variables)
        assert list(answer) == ["data"], answer
        data: JSON = answer["data"]
        return data

    async def error(self, query: str, who: str | None = None, **variables: Any) -> tuple[int, str]:
        """Code and message of the only error of an operation."""
        [error] = (await self.ask(query, who, variables=variables))["errors"]
        return error["extensions"]["code"], error["message"]

    def rpcs(self) -> Counter[str]:
        """How often each RPC was sent so far."""
        return Counter(
            {
                f"{sample.labels['backend']}.{sample.labels['method']}": int(sample.value)
                for metric in self.metrics.registry.collect()
                for sample in metric.samples
                if sample.name == "atrium_rpc_client_seconds_count" and sample.labels["method"] != "Check"
            }
        )


def settings_of(folder: Path, **changed: Any) -> Settings:
    return Settings(data=folder, **{"request_seconds": PATIENCE, **changed})


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Backends]:
    """The backends on the stores in the folder."""
    readiness, metrics = Readiness(), Metrics()
    async with AsyncExitStack() as closing:
        # pytest's own folders have names too long for a socket.
        sockets = closing.enter_context(TemporaryDirectory(prefix="atrium-"))
        settings = settings_of(folder, addresses=Addresses.sockets(sockets))
        trust = Trust(settings)
        resources = await closing.enter_async_context(open_all(BACKENDS.values(), settings, trust=trust))
        group = await closing.enter_async_context(asyncio.TaskGroup())
        addresses = {backend: settings.addresses.of(backend.name) for backend in resources}
        servers = {}
        for backend, address in addresses.items():
            lent = {backend: resources[backend]}
            servers[backend.name] = await closing.enter_async_context(
                serve_backends({backend: address}, lent, readiness, metrics, trust)
            )
            group.create_task(servers[backend.name].serve())
        backends = Backends(
            {backend.name: address for backend, address in addresses.items()}, servers, readiness, trust
        )
        await backends.healthy()
        yield backends
        await backends.stop_all()


@asynccontextmanager
async def channels_to(
    backends: Backends, metrics: Metrics, interceptors: Interceptors = ()
) -> AsyncIterator[dict[str, grpc.aio.Channel]]:
    """A channel to each backend that the gateway asks."""
    gateway = backends.trust.caller("gateway")
    async with AsyncExitStack() as closing:
        yield {
            name: await closing.enter_async_context(open_channel(name, address, metrics, gateway, interceptors))
            for name, address in backends.addresses.items()
            if name in CONTRACTS
        }


@asynccontextmanager
async def open_house(
    stores: Stores, folder: Path, interceptors: Interceptors = (), push: Push | None = None, **changed: Any
) -> AsyncIterator[House]:
    """A gateway with these settings, on a copy of the stores; nothing is pushed unless `push` does."""
    shutil.copytree(stores.folder, folder, dirs_exist_ok=True)
    metrics, settings = Metrics(), settings_of(folder, **changed)
    async with (
        serving(folder) as backends,
        channels_to(backends, metrics, interceptors) as channels,
        open_clients(channels, metrics, sharing=settings.share_calls) as clients,
        open_joint(metrics, sharing=settings.share_answers, moment_seconds=MOMENT_SECONDS) as joint,
    ):
        health = Health(channels, backends.readiness)
        app = create_app(clients, push or Silent(), settings, metrics, health, among=Among(joint=joint))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield House(app, backends, metrics, http, stores.tokens)


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Stores:
    """Made once; nobody writes here."""
    folder = tmp_path_factory.mktemp("stores")

    async def make() -> dict[str, str]:
        async with open_all(BACKENDS.values(), settings_of(folder)) as resources:
            for backend, lent in resources.items():
                await migrate(backend, lent.database)
            await load_demo(resources)
        async with (
            serving(folder) as backends,
            channels_to(backends, Metrics()) as channels,
            open_clients(channels, Metrics()) as clients,
        ):
            personas = await sign_in_demo(clients)
        return {persona.handle: persona.token for persona in personas}

    tokens = asyncio.run(make())
    assert tuple(tokens) == DEMO_HANDLES
    return Stores(folder, tokens)


@pytest.fixture
async def house(stores: Stores, tmp_path: Path) -> AsyncIterator[House]:
    """A gateway with usual settings."""
    async with open_house(stores, tmp_path / "stores") as opened:
        yield opened


@pytest.fixture
def house_with(stores: Stores, tmp_path: Path) -> Callable[..., Any]:
    """Opens a gateway with other settings or interceptors: `async with house_with(production=True) as house`."""

    def open_with(interceptors: Interceptors = (), **changed: Any) -> Any:
        return open_house(stores, tmp_path / "stores", interceptors, **changed)

    return open_with
