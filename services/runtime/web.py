"""HTTP in the group of a process: uvicorn without its own signal handling, and the pages that machines read."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.runtime.accepting import Acceptor
from services.runtime.lifecycle import Readiness, StartError
from services.runtime.tasks import task_group
from services.runtime.telemetry import Metrics
from services.runtime.web_connection import Connection

CLOSE = (b"connection", b"close")
KEEP_ALIVE_SECONDS = 75
"""How long an idle connection stays open: longer than balancers keep theirs, so that none closes under a request."""
BACKLOG = 2048
"""Connections that the system holds until they are accepted."""


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; StartError in one line when that cannot be."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise StartError.of(f"cannot listen on {host}:{port}", error) from error


class WebServer:
    """An ASGI app on a listening socket, as a `lifecycle.Server`; `options` are uvicorn's.

    Once `readiness` went down, each answer is the last of its connection: clients go elsewhere before nobody listens.
    """

    def __init__(
        self, app: ASGIApp, listening: socket.socket, readiness: Readiness | None = None, **options: Any
    ) -> None:
        usual = {"http": Connection, "log_config": None, "access_log": False, "server_header": False}
        options = {**usual, "timeout_keep_alive": KEEP_ALIVE_SECONDS, **options}
        config = uvicorn.Config(_ending_quietly(_sending_away(app, readiness) if readiness else app), **options)
        self._server = _Uvicorn(config)
        self._socket = listening
        self._began = False
        self._ended = asyncio.Event()

    async def serve(self) -> None:
        """Serves until stopped; StartError when the app's lifespan does not begin."""
        self._began = True
        try:
            async with task_group() as group:
                await self._server.take_in(self._socket, group)
        except SystemExit as error:  # uvicorn's way to say so; it has logged why.
            raise StartError("the application did not start") from error
        finally:
            self._socket.close()
            self._ended.set()

    async def stop(self, grace: float) -> None:
        """Closes idle connections, gives requests in flight `grace` seconds, then cancels them."""
        # Typed as whole seconds, used as a float.
        self._server.config.timeout_graceful_shutdown = grace  # type: ignore[assignment]
        for connection in tuple(self._server.server_state.connections):
            connection.shutdown()
        self._server.should_exit = True
        if self._began:
            await self._ended.wait()


def _ending_quietly(app: ASGIApp) -> ASGIApp:
    """The app, for which to be cancelled is no failure: uvicorn would log a traceback for each request it cuts off."""

    async def ending_quietly(scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await app(scope, receive, send)

    return ending_quietly


def _sending_away(app: ASGIApp, readiness: Readiness) -> ASGIApp:
    """The app, with `connection: close` in its answers while the process is on its way out."""

    async def sending_away(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), CLOSE]
            await send(message)

        leaving = readiness.stopping and scope["type"] == "http"
        await app(scope, receive, send_last if leaving else send)

    return sending_away


class _Uvicorn(uvicorn.Server):
    async def take_in(self, listening: socket.socket, group: asyncio.TaskGroup) -> None:
        """Serves all who knock, until it should exit."""
        self._group = group
        try:
            await self.serve(sockets=[listening])
        finally:
            for server in self.servers:
                server.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to take in connections, where uvicorn would have the loop do it."""
        self.servers = []
        await super().startup(sockets=[])

        def make() -> asyncio.Protocol:
            protocol: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state
            )
            return protocol

        self.servers = [Acceptor(each, make, self._group) for each in sockets or ()]  # type: ignore[misc]

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the lifecycle."""
        yield


def machine_routes(metrics: Metrics, readiness: Readiness) -> list[Route]:
    """`/livez`: this process runs. `/readyz`: it wants work. `/metrics`: its numbers, as Prometheus reads them."""

    async def livez(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_request: Request) -> Response:
        failing = await readiness.failing()
        return JSONResponse({"ready": not failing, "failing": failing}, status_code=503 if failing else 200)

    async def numbers(_request: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", numbers)]


def machine_app(metrics: Metrics, readiness: Readiness) -> Starlette:
    """An app of the machine pages alone, for a process that serves no other HTTP."""
    return Starlette(routes=machine_routes(metrics, readiness))


def machine_server(port: int, metrics: Metrics, readiness: Readiness) -> WebServer:
    """A server of the machine pages at a port of their own."""
    return WebServer(machine_app(metrics, readiness), listen("0.0.0.0", port), readiness)  # noqa: S104
