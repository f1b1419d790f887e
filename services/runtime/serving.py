"""Backends behind gRPC servers: the same for one process per backend and for all of them inside the gateway."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import grpc.aio
import structlog
from sqlalchemy import text

from services.runtime.addresses import claimed, release
from services.runtime.allocation import open_ids
from services.runtime.backend import Attached, Backend, Resources
from services.runtime.cache import open_cache
from services.runtime.channels import open_channels
from services.runtime.clock import Clock, utc_now
from services.runtime.database import open_database
from services.runtime.lifecycle import Check, Readiness, Server, StartError, passes
from services.runtime.migrate import is_current
from services.runtime.pulse import Pulse
from services.runtime.server import Admission, add_health_and_reflection, create_server
from services.runtime.settings import Settings
from services.runtime.shedding import Limiter
from services.runtime.telemetry import Metrics
from services.runtime.telemetry.tracing import instrument_cache, instrument_engine
from services.runtime.trust import Trust
from services.runtime.upkeep import add_upkeep

_log = structlog.get_logger(__name__)

STORE = "store"
REMEDY = {STORE: ": start it, or run `python -m services migrate`"}
"""What to do about a check that does not pass."""
PROBE_SECONDS = 0.5
"""How often whatever is not ready yet is asked again."""


@asynccontextmanager
async def open_resources(
    backend: Backend,
    settings: Settings,
    metrics: Metrics | None = None,
    clock: Clock = utc_now,
    trust: Trust | None = None,
) -> AsyncIterator[Resources]:
    """What `backend` needs, as the settings say, closed at the end; connects on first use."""
    url = settings.database_url(backend.name)
    if url.startswith("sqlite"):
        _make_file(Path(url.partition(":///")[2].partition("?")[0]))
    metrics, trust = metrics or Metrics(), trust or Trust(settings)
    caller, addresses = trust.caller(backend.name), {name: settings.addresses.of(name) for name in backend.asks}
    async with (
        open_database(url) as database,
        open_cache(settings.cache) as cache,
        open_ids(settings, metrics, caller) as ids,
        open_channels(addresses, metrics, caller) as channels,
    ):
        instrument_engine(database.engine)
        instrument_cache(cache)
        yield Resources(database, cache, ids, clock, trust, settings, metrics, channels)


@asynccontextmanager
async def open_all(
    backends: Iterable[Backend],
    settings: Settings,
    metrics: Metrics | None = None,
    clock: Clock = utc_now,
    trust: Trust | None = None,
) -> AsyncIterator[dict[Backend, Resources]]:
    """The resources of each backend, closed at the end."""
    metrics, trust = metrics or Metrics(), trust or Trust(settings)
    async with AsyncExitStack() as closing:
        yield {
            backend: await closing.enter_async_context(open_resources(backend, settings, metrics, clock, trust))
            for backend in backends
        }


def _make_file(path: Path) -> None:
    """The file of a store can be written from now on; StartError in one line when that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError.of(f"cannot make the folder {path.parent}", error) from error
    try:
        # A connection that cannot open its file leaves a thread behind, which may die with a traceback at the end.
        path.open("ab").close()
    except OSError as error:
        raise StartError.of(f"cannot write {path}", error) from error


class Door(Protocol):
    """How calls come to a server."""

    def admission(self, backends: Collection[str]) -> Admission:
        """Who gets in, where these backends are served."""
        ...

    def listen(self, server: grpc.aio.Server, address: str) -> None:
        """Has the server listen at the address."""
        ...


@asynccontextmanager
async def serve_backends(
    addresses: Mapping[Backend, str],
    resources: Mapping[Backend, Resources],
    readiness: Readiness,
    metrics: Metrics,
    door: Door,
    pulse: Pulse | None = None,
) -> AsyncIterator["BackendServers"]:
    """Servers that hold the addresses, to be run by `lifecycle.run`; StartError when an address is not free.

    Backends with the same address share a server. They refuse calls, and are not healthy, by `pulse`: that of the
    process unless another is given. Afterwards nothing listens any more, and no socket file is left.
    """
    pulse = pulse or readiness.pulse
    async with AsyncExitStack() as closing:
        servers = []
        for address in dict.fromkeys(addresses.values()):
            here = {backend: resources[backend] for backend, at in addresses.items() if at == address}
            servers.append(BackendServer(address, here, readiness, metrics, door, pulse))
            closing.push_async_callback(servers[-1].stop, 0)
        yield BackendServers(servers)


class BackendServers:
    """Several gRPC servers that start and stop together, as one `lifecycle.Server`."""

    def __init__(self, servers: Sequence["BackendServer"]) -> None:
        self._servers = servers

    async def serve(self) -> None:
        """Serves until stopped; the first that fails ends the others."""
        async with asyncio.TaskGroup() as group:
            for server in self._servers:
                group.create_task(server.serve())

    async def stop(self, grace: float) -> None:
        """Stops all at once."""
        async with asyncio.TaskGroup() as group:
            for server in self._servers:
                group.create_task(server.stop(grace))


class BackendServer:
    """One gRPC server with the backends at its address; healthy once their stores are ready, until it stops.

    It is not while its pulse, that of the event loop, stands still.
    """

    def __init__(
        self,
        address: str,
        backends: Mapping[Backend, Resources],
        readiness: Readiness,
        metrics: Metrics,
        door: Door,
        pulse: Pulse,
    ) -> None:
        self._address = address
        self._stopping = False
        self._pulse = pulse
        admission = door.admission([backend.name for backend in backends])
        self._server = create_server(metrics, admission, Limiter(pulse))
        self._beside: list[Server] = []
        self._checks: dict[Backend, dict[str, Check]] = {}
        for backend, resources in backends.items():
            attached = backend.attach(self._server, resources) or Attached()
            self._beside += attached.servers
            self._checks[backend] = {STORE: store_check(backend, resources), **attached.checks}
            for name, check in self._checks[backend].items():
                readiness.add(f"{backend.name} {name}", check)
        add_upkeep(self._server, backends)
        self._health = add_health_and_reflection(self._server, [backend.service for backend in backends])
        for backend in backends:
            readiness.add(f"{backend.name} health", partial(self._health.serves, backend.service))
        with claimed(address):
            door.listen(self._server, address)

    async def serve(self) -> None:
        """Serves until stopped."""
        if self._stopping:  # A server that was shut down would never end once it is started.
            return
        await self._server.start()
        _log.info("serving", address=self._address, backends=[backend.name for backend in self._checks])
        async with asyncio.TaskGroup() as group:
            watches = [group.create_task(self._become_healthy()), group.create_task(self._follow_the_pulse())]
            for server in self._beside:
                group.create_task(server.serve())
            await self._server.wait_for_termination()
            for watch in watches:
                watch.cancel()

    async def stop(self, grace: float) -> None:
        """Tells clients to go elsewhere, lets calls in flight end for `grace` seconds, then cancels them."""
        self._stopping = True
        ends_at = time.monotonic() + grace
        await self._health.close()
        await self._server.stop(grace)
        release(self._address)
        # Calls may need what runs beside the server as long as they last.
        async with asyncio.TaskGroup() as group:
            for server in self._beside:
                group.create_task(server.stop(max(0.0, ends_at - time.monotonic())))

    async def _follow_the_pulse(self) -> None:
        """While the event loop stands still, gRPC itself goes on answering pings: callers must be told."""
        while True:
            await self._health.pause(self._pulse.stuck)
            await self._pulse.beaten()

    async def _become_healthy(self) -> None:
        async with asyncio.TaskGroup() as group:
            for backend, checks in self._checks.items():
                group.create_task(self._serve_once_ready(backend, checks))
        await self._health.serving("")

    async def _serve_once_ready(self, backend: Backend, checks: Mapping[str, Check]) -> None:
        for name, check in checks.items():
            waited = False
            while not await passes(check):
                if not waited:
                    _log.warning(f"{name} is not ready{REMEDY.get(name, '')}", backend=backend.name)
                waited = True
                await asyncio.sleep(PROBE_SECONDS)
        await self._health.serving(backend.service)


def store_check(backend: Backend, resources: Resources) -> Check:
    """Asks whether the store answers; until it first did so, also whether its migrations are those of this program."""
    migrated = False

    async def check() -> bool:
        nonlocal migrated
        if not migrated:
            migrated = await is_current(backend, resources.database)
            return migrated
        async with resources.database.read() as session:
            await session.execute(text("SELECT 1"))
        return True

    return check
