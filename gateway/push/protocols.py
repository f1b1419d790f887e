"""uvicorn's protocols, able to drop a client that does not read: theirs wait for it, even to close the connection."""

from collections.abc import MutableMapping
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from services.runtime.web_connection import Connection

ABORT = "atrium.abort"
"""Extension of the ASGI scope: call it, and the connection is gone."""
CLOSE_SECONDS = 5.0
"""How long a client may take to answer that it is to close."""


def abort(scope: MutableMapping[str, Any]) -> None:
    """Drops the connection with what was not sent yet, where the server can."""
    if drop := scope.get("extensions", {}).get(ABORT):
        drop()


class Requests(Connection):
    """HTTP whose connections can be aborted."""

    def on_message_begin(self) -> None:
        """Offers the extension."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: self.transport.abort}  # type: ignore[dict-item]


class Sockets(WebSocketsSansIOProtocol):
    """WebSockets that close without waiting until the client reads, and soon after without its answer."""

    async def send(self, message: ASGISendEvent) -> None:
        """Sends to the client; waits until it reads, except for the last message."""
        last = message["type"] == "websocket.close"
        if last:
            self.writable.set()
        await super().send(message)
        if last and self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """Drops a client that does not answer pings; it may be one that does not read either."""
        super().keepalive_timeout()
        self.transport.abort()
