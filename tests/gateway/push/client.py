"""A subscriber as a browser is one: graphql-transport-ws over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

JSON = dict[str, Any]
SECONDS = 60.0
"""How long to wait for what must come."""


class Subscriber:
    """One connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, message: Any) -> None:
        """Sends a message; text as it is."""
        await self._socket.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def introduce(self, token: str | None = None) -> None:
        """Introduces itself, which is acknowledged."""
        payload = {"payload": {"authorization": f"Bearer {token}"}} if token else {}
        await self.send({"type": "connection_init", **payload})
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, number: str, query: str, **variables: Any) -> None:
        """Begins an operation."""
        await self.send({"type": "subscribe", "id": number, "payload": {"query": query, "variables": variables}})

    async def receive(self) -> JSON:
        """The next message."""
        async with asyncio.timeout(SECONDS):
            message: JSON = json.loads(await self._socket.recv())
        return message

    async def data(self) -> JSON:
        """The data of the next event, which has no errors."""
        message = await self.receive()
        assert (message["type"], list(message["payload"])) == ("next", ["data"]), message
        data: JSON = message["payload"]["data"]
        return data

    async def code(self) -> int:
        """The code of the only error with which an operation ends."""
        message = await self.receive()
        assert message["type"] == "error", message
        [error] = message["payload"]
        code: int = error["extensions"]["code"]
        return code

    async def closed(self) -> tuple[int, str]:
        """Code and reason with which the gateway closes the connection."""
        try:
            async with asyncio.timeout(SECONDS):
                while True:
                    await self._socket.recv()
        except ConnectionClosed as closed:
            received = closed.rcvd
            return (received.code, received.reason) if received else (1006, "")


@asynccontextmanager
async def connected(
    address: str,
    *,
    protocol: str | None = "graphql-transport-ws",
    origin: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[Subscriber]:
    """A connection to the gateway at `host:port`."""
    protocols = [Subprotocol(protocol)] if protocol else None
    from_page = Origin(origin) if origin else None
    url = f"ws://{address}/graphql"
    async with connect(url, subprotocols=protocols, origin=from_page, additional_headers=headers) as socket:
        yield Subscriber(socket)
