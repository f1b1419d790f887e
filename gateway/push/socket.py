"""The endpoint for WebSockets: who may connect, and what is noted at the end."""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import structlog
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from gateway.push import messages
from gateway.push.connections import Seat, TooManyConnections
from gateway.push.conversation import Bounds, Conversation, MakeContext
from gateway.push.noted import Stream
from services.runtime.telemetry import Metrics

FOREIGN = 403
TakeSeat = Callable[[Scope], Seat]
_log = structlog.get_logger(__name__)


class SocketView:
    """An ASGI application: operations over WebSockets, by the graphql-transport-ws protocol."""

    def __init__(
        self,
        stream: Stream,
        make_context: MakeContext,
        bounds: Bounds,
        metrics: Metrics,
        take: TakeSeat,
    ) -> None:
        """`take` gives a seat to a connection, or raises TooManyConnections."""
        self._stream = stream
        self._make_context = make_context
        self._bounds = bounds
        self._metrics = metrics
        self._take = take

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection to its end."""
        started = time.perf_counter()
        websocket = WebSocket(scope, receive, send)
        conversation = Conversation(websocket, self._stream, self._make_context, self._bounds)
        code = messages.GONE
        try:
            with self._metrics.sockets.track_inprogress():
                code = await self._hold(websocket, conversation)
        finally:
            self._note(conversation, code, time.perf_counter() - started)

    async def _hold(self, websocket: WebSocket, conversation: Conversation) -> int:
        """Accepts or refuses the connection; the code with which it ended."""
        if not same_origin(websocket):
            await websocket.close(1008)  # Before it is accepted, that is an answer of 403.
            return FOREIGN
        if messages.PROTOCOL not in websocket.scope.get("subprotocols", ()):
            await websocket.accept()
            return await conversation.close(messages.BAD_PROTOCOL, f"speak {messages.PROTOCOL}")
        await websocket.accept(messages.PROTOCOL)
        try:
            seat = conversation.seat = self._take(websocket.scope)
        except TooManyConnections as error:
            return await conversation.close(messages.TOO_MANY_CONNECTIONS, error.message)
        try:
            return await conversation.hold()
        finally:
            seat.leave()

    def _note(self, conversation: Conversation, code: int, seconds: float) -> None:
        if conversation.dropped:
            self._metrics.push_dropped.labels(str(code)).inc()
        _log.info("socket", code=code, operations=conversation.operations, seconds=round(seconds, 2))


def same_origin(websocket: WebSocket) -> bool:
    """Whether the page that connects is of this host; a client that is no browser names none."""
    origin = websocket.headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == websocket.headers.get("host", "").lower() != ""
    except ValueError:
        return False
