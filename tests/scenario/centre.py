"""The whole account centre in this process, by a clock that a test moves: every backend, the bus, push and gateway."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc.aio
import httpx

from gateway.app import Among, create_app
from gateway.health import CONTRACTS, Health
from gateway.joint import open_joint
from gateway.process import UVICORN
from gateway.push.feeds import Feeds
from gateway.push.hub import Hub
from gateway.push.past import Past
from gateway.push.sessions import Sessions
from gateway.settings import Settings
from loaders import open_clients
from loaders.push import PushQuestions
from services.backends import BACKENDS
from services.runtime.backend import Resources
from services.runtime.cache import open_cache, shared_memory
from services.runtime.channels import open_channels
from services.runtime.demo import load_demo
from services.runtime.lifecycle import Readiness, Server
from services.runtime.migrate import migrate
from services.runtime.serving import open_all, serve_backends
from services.runtime.settings import Addresses, Schedules
from services.runtime.streams import open_streams
from services.runtime.telemetry import Metrics, instrument_asgi
from services.runtime.trust import Trust
from services.runtime.web import WebServer, listen
from services.task.biz import Origin, Result, last_period
from services.task.service import HandSteps
from services.task.wire import runs_of
from tests.conftest import HandClock
from tests.scenario.visitor import Visitor

ACCOUNTS = 60
PATIENT: Mapping[str, Any] = {"request_seconds": 60, "schedules": Schedules(enabled=False)}
"""However busy the machine, requests are answered in full; what happens by the hour is left to the test."""


@dataclass(frozen=True)
class Centre:
    """What a test does with it."""

    visitor: Visitor
    address: str
    """Of the gateway, for sockets."""
    clock: HandClock
    channels: Mapping[str, grpc.aio.Channel]
    """Of the gateway, to the backends that it asks."""
    desk: Mapping[str, grpc.aio.Channel]
    """To the same, and to what only it asks, of the admin backend."""
    trust: Trust
    sockets: Addresses
    _tasks: Resources

    async def run(self, task: str) -> Result:
        """What a task answers that is run for the last period that is over."""
        runs = runs_of(self._tasks)
        period = last_period(runs.tasks[task].title.span, self.clock())
        steps = HandSteps(task, lambda _told: None, runs.retried)
        return await runs.run(f"{task} at {self.clock()}", runs.tasks[task], period, Origin.HAND, steps)


@asynccontextmanager
async def open_centre(
    folder: Path, clock: HandClock, *, keeping: bool = False, **changed: Any
) -> AsyncIterator[Centre]:
    """A centre with demo data and these settings; nothing happens in it by the hour but what a test has happen.

    Its gateway keeps answers, and shares them between requests, when `keeping`.
    """
    metrics, readiness = Metrics(), Readiness()
    async with AsyncExitStack() as closing:
        # pytest's own folders have names too long for a socket.
        sockets = Addresses.sockets(closing.enter_context(TemporaryDirectory(prefix="atrium-")))
        settings = Settings(data=folder, addresses=sockets, **{**PATIENT, **changed})
        settings = settings.model_copy(update={"cache": shared_memory(settings.cache)})
        trust, named = Trust(settings), {name: sockets.of(name) for name in CONTRACTS}
        resources = await closing.enter_async_context(open_all(BACKENDS.values(), settings, metrics, clock, trust))
        for backend, lent in resources.items():
            await migrate(backend, lent.database)
        await load_demo(resources, ACCOUNTS)
        addresses = {backend: sockets.of(backend.name) for backend in resources}
        streams = await closing.enter_async_context(open_streams(resources, settings.bus, metrics, complete=True))
        backends = await closing.enter_async_context(serve_backends(addresses, resources, readiness, metrics, trust))
        channels = await closing.enter_async_context(open_channels(named, metrics, trust.caller("gateway")))
        desk = await closing.enter_async_context(
            open_channels(named | {"job": sockets.of("job")}, metrics, trust.caller("admin"))
        )
        health = Health(channels, readiness)
        cache = await closing.enter_async_context(open_cache(settings.cache))
        questions = PushQuestions(channels["account"], channels["activity"])
        kept = cache if keeping else None
        clients = await closing.enter_async_context(open_clients(channels, metrics, kept, settings.cache_sizes))
        joint = await closing.enter_async_context(open_joint(metrics, lambda: clients.changes_heard, sharing=keeping))
        hub, sessions = Hub(cache, questions.public, metrics, clients.caches), Sessions(questions.sessions)
        push = Feeds(hub, sessions, Past(questions))
        app = create_app(clients, push, settings, metrics, health, among=Among(joint=joint))
        listening = listen("127.0.0.1", 0)
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        await closing.enter_async_context(
            _running([*streams, backends, hub, sessions, WebServer(instrument_asgi(app), listening, **UVICORN)])
        )
        http = await closing.enter_async_context(httpx.AsyncClient(base_url=f"http://{address}", timeout=60))
        await _healthy(health)
        yield Centre(Visitor(http), address, clock, channels, desk, trust, sockets, resources[BACKENDS["task"]])


async def _healthy(health: Health) -> None:
    async with asyncio.timeout(60):
        while not all((await health.backends()).values()):
            continue


@asynccontextmanager
async def _running(servers: list[Server]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        for server in servers:
            group.create_task(server.serve())
        yield
        for server in reversed(servers):
            await server.stop(1)
