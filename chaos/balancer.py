"""A balancer of HTTP as one finds them before gateways: it asks who is ready, spreads requests, and never repeats one.

`python -m chaos.balancer 8000 8001 8002` listens on the first port and sends what comes to the others in turn, over
connections that it keeps. It asks each for `/readyz` every 0.4 seconds, and sends nothing to one that did not
answer 200 three times in a row. Asked for `/readyz` itself, it tells how many are ready.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop

from bench.load import answer_size

CHECK_SECONDS = 0.4
PATIENCE_SECONDS = 2.0
FAILURES = 3
"""So many checks in a row must fail: one may be late because the machine is busy."""
PROBE = b"GET /readyz HTTP/1.1\r\nhost: balancer\r\nconnection: close\r\n\r\n"
NOBODY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
BROKEN = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"
CHUNK = 65_536
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Upstream:
    """One gateway, and the connections to it that are idle."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Streams] = []
        self._failures = FAILURES

    @property
    def ready(self) -> bool:
        """Whether it gets requests."""
        return self._failures < FAILURES

    async def watch(self) -> None:
        """Asks again and again whether it is ready."""
        while True:
            await self.check()
            await asyncio.sleep(CHECK_SECONDS)

    async def check(self) -> None:
        """Asks once whether it is ready."""
        self._failures = 0 if await self._passes() else self._failures + 1
        if not self.ready:
            self.let_go()

    async def _passes(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    writer.write(PROBE)
                    return (await message_from(reader)).startswith(b"HTTP/1.1 200")
                finally:
                    writer.close()
        except (OSError, EOFError):  # A timeout is the former.
            return False

    def let_go(self) -> None:
        """Closes the connections that are idle."""
        while self._idle:
            self._idle.pop()[1].close()

    async def answer(self, request: bytes) -> bytes:
        """Its answer; raises OSError or EOFError when it breaks off."""
        async with self._connection() as (reader, writer):
            writer.write(request)
            answer = await message_from(reader)
            if b"\r\nconnection: close" in answer.partition(b"\r\n\r\n")[0].lower():
                writer.close()
        return answer

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Streams]:
        streams = self._taken() or await asyncio.open_connection("127.0.0.1", self._port)
        try:
            yield streams
        except BaseException:
            streams[1].close()
            raise
        if not streams[1].is_closing():
            self._idle.append(streams)

    def _taken(self) -> Streams | None:
        """A connection that is idle and not closed by the other side, as far as is known here."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return None


async def message_from(reader: asyncio.StreamReader) -> bytes:
    """A whole request or answer; raises EOFError when it breaks off, OSError when the connection does."""
    received = bytearray()
    while (size := answer_size(received)) is None or len(received) < size:
        if not (data := await reader.read(CHUNK)):
            raise EOFError
        received += data
    return bytes(received)


class Balancer:
    """Answers clients by whoever is ready."""

    def __init__(self, upstreams: list[Upstream]) -> None:
        self._upstreams = upstreams
        self._turn = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client, to its end."""
        try:
            while True:
                writer.write(await self._answer(await message_from(reader)))
        except (OSError, EOFError):
            writer.close()

    async def _answer(self, request: bytes) -> bytes:
        ready = [upstream for upstream in self._upstreams if upstream.ready]
        if request.startswith(b"GET /readyz "):
            return b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%d" % len(ready)
        if not ready:
            return NOBODY
        self._turn += 1
        try:
            return await ready[self._turn % len(ready)].answer(request)
        except (OSError, EOFError):
            return BROKEN


async def run(port: int, ports: list[int]) -> None:
    """Serves until it is ended."""
    upstreams = [Upstream(each) for each in ports]
    await asyncio.start_server(Balancer(upstreams).serve, "127.0.0.1", port)
    async with asyncio.TaskGroup() as group:
        for upstream in upstreams:
            group.create_task(upstream.watch())


if __name__ == "__main__":
    first, *others = map(int, sys.argv[1:])
    uvloop.run(run(first, others))
