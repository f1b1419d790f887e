"""The gateway as a process: what it opens, in which order, and what it tells whoever started it."""

import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import grpc.aio
import structlog
from redis.asyncio import Redis

from gateway.announcement import DEMO_HANDLES, DEMO_PASSWORD, demo_progress
from gateway.app import Among, create_app
from gateway.context import type_name
from gateway.documents.manifest import ManifestError
from gateway.documents.watch import ManifestWatch
from gateway.graphiql import Persona
from gateway.health import CONTRACTS, Health
from gateway.joint import open_joint
from gateway.place import Alone, Place
from gateway.push.feeds import Feeds
from gateway.push.hub import Hub
from gateway.push.past import Past
from gateway.push.protocols import Requests, Sockets
from gateway.push.sessions import Sessions
from gateway.rates.ledger import Ledger
from gateway.settings import Settings
from loaders import Clients, open_clients
from loaders.push import PushQuestions
from schema import errcode
from services.runtime import lifecycle
from services.runtime.cache import MEMORY, open_cache, shared_memory
from services.runtime.channels import open_channel
from services.runtime.lifecycle import Readiness, Server, StartError
from services.runtime.sealing import Secret
from services.runtime.telemetry import Metrics, configure_logging, configure_tracing, instrument_asgi
from services.runtime.trust import Trust
from services.runtime.web import WebServer

_log = structlog.get_logger(__name__)

UVICORN: dict[str, Any] = {
    "http": Requests,
    "ws": Sockets,
    "ws_max_size": 65_536,
    "ws_per_message_deflate": False,
    "lifespan": "off",
    "proxy_headers": False,
}
"""Compression of WebSockets would cost each connection a quarter of a megabyte."""

LIVING = 20_000
"""So many new objects may live before a collection looks for garbage: more than belong to requests under way."""


async def serve(settings: Settings, started: float, place: Place | None = None) -> int:
    """Serves until a signal; the exit code. `started` is when the process began, by `time.perf_counter`."""
    place = place or Alone()
    configure_logging("warning", **place.words)
    with configure_tracing(settings, "atrium-gateway"):
        return await _serve(settings, started, place)


async def _serve(settings: Settings, started: float, place: Place) -> int:
    metrics, readiness, personas = Metrics(), Readiness(), list[Persona]()
    listening = place.listen(settings)
    if settings.embedded:  # Its backends and its push talk over one cache of this process.
        settings = settings.model_copy(update={"cache": shared_memory(settings.cache)})
    elif settings.cache == MEMORY:
        _log.warning("subscriptions are told nothing: ATRIUM_CACHE must be one that the job service shares")
    async with (
        open_cache(settings.cache) as cache,
        open_backends(settings, readiness, metrics) as (channels, backends, secret),
        _clients(settings, channels, metrics, cache, secret) as clients,
        open_joint(metrics, lambda: clients.changes_heard, sharing=settings.share_answers) as joint,
    ):
        questions = PushQuestions(channels["account"], channels["activity"])
        hub, sessions = Hub(cache, questions.public, metrics, clients.caches), Sessions(questions.sessions)
        push = Feeds(hub, sessions, Past(questions))

        async def prepare() -> None:
            if settings.embedded:
                await channels["account"].channel_ready()
                personas.extend(await sign_in_demo(clients))
            place.tell(settings, time.perf_counter() - started, personas)
            configure_logging(settings.log_level, **place.words)
            gc.collect()
            gc.freeze()  # What start-up made lives as long as the process: no collection need look at it.
            gc.set_threshold(LIVING)

        shared = [] if settings.cache.startswith(MEMORY) else [Ledger(cache)]
        tell = shared[0].tell if shared else None
        try:
            app = create_app(
                clients, push, settings, metrics, Health(channels, readiness), personas, Among(tell, joint)
            )
        except ManifestError as error:
            raise StartError(str(error)) from error
        watches = [ManifestWatch(settings.documents, app.state.registry)] if settings.documents else []
        web = WebServer(instrument_asgi(app), listening, readiness, **UVICORN)
        servers = [
            *place.servers(settings, metrics, readiness),
            *backends,
            hub,
            sessions,
            *shared,
            *watches,
            FrontDoor(web, prepare),
        ]
        times = {"drain_seconds": settings.drain_seconds, "notice_seconds": settings.notice_seconds}
        return await lifecycle.run(*servers, readiness=readiness, metrics=metrics, **times)


def _clients(
    settings: Settings, channels: Mapping[str, grpc.aio.Channel], metrics: Metrics, cache: Redis, secret: Secret
) -> AbstractAsyncContextManager[Clients]:
    """The backends behind the channels, asked as the settings say."""
    sizes, room = settings.cache_sizes, settings.room
    return open_clients(channels, metrics, cache, sizes, room, sharing=settings.share_calls, secret=secret)


class FrontDoor:
    """A server that opens when everything behind it is prepared; until then the system lets clients wait."""

    def __init__(self, server: Server, prepare: Callable[[], Awaitable[None]]) -> None:
        self._server = server
        self._prepare = prepare

    async def serve(self) -> None:
        """Prepares, then serves until stopped."""
        await self._prepare()
        await self._server.serve()

    async def stop(self, grace: float) -> None:
        """Stops the server."""
        await self._server.stop(grace)


@asynccontextmanager
async def open_backends(
    settings: Settings, readiness: Readiness, metrics: Metrics
) -> AsyncIterator[tuple[Mapping[str, grpc.aio.Channel], list[Server], Secret]]:
    """Channels to the backends, the servers of those that run in this process, and what only gateways know."""
    async with AsyncExitStack() as closing:
        addresses: Mapping[str, str] = {name: settings.addresses.of(name) for name in CONTRACTS}
        servers: list[Server] = []
        trust = Trust(settings)
        if settings.embedded:
            from gateway.embedded import open_embedded

            with demo_progress() as on_progress:
                embedded = await closing.enter_async_context(open_embedded(settings, readiness, metrics, on_progress))
            addresses, servers = {name: embedded.addresses[name] for name in CONTRACTS}, [*embedded.servers]
            trust = embedded.trust
        trust.check("gateway")
        channels = {
            backend: await closing.enter_async_context(open_channel(backend, address, metrics, trust.caller("gateway")))
            for backend, address in addresses.items()
        }
        yield channels, servers, partial(trust.secret, "gateway")


async def sign_in_demo(clients: Clients) -> list[Persona]:
    """The demo accounts, signed in; one that was renamed or closed since is left out."""
    personas = []
    for handle in DEMO_HANDLES:
        try:
            session = await clients.commands().sign_in(handle, DEMO_PASSWORD)
        except (errcode.BadCredentials, errcode.AccountClosed):
            continue
        personas.append(Persona(handle, type_name(session.account.type), session.token))
    return personas
