"""What stands between the house and its clients or stores does as it says: else the proof would prove nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from chaos.balancer import BROKEN, FAILURES, NOBODY, Balancer, Upstream, message_from
from chaos.proxy import Passage
from tests.conftest import free_port

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
REQUEST = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[int]:
    """The port that is served; nothing of it is left afterwards."""
    port, writers, over = free_port(), list[asyncio.StreamWriter](), list[asyncio.Event]()

    async def serve_and_tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = asyncio.Event()
        writers.append(writer)
        over.append(ended)
        try:
            await serve(reader, writer)
        finally:
            ended.set()

    server = await asyncio.start_server(serve_and_tell, "127.0.0.1", port)
    try:
        yield port
    finally:
        server.close()
        for writer in writers:
            writer.close()
        for ended in over:
            await ended.wait()
        await closed(*writers)


async def closed(*writers: asyncio.StreamWriter) -> None:
    """Closes all of them, and waits until they are."""
    for writer in writers:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


class Gateway:
    """Answers what it is asked, ready or not; breaks off when it is told to."""

    def __init__(self) -> None:
        self.ready = True
        self.breaks = False
        self.asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await message_from(reader)
                if request.startswith(b"GET /readyz"):
                    status = b"200 OK" if self.ready else b"503 Service Unavailable"
                    writer.write(b"HTTP/1.1 %s\r\ncontent-length: 0\r\n\r\n" % status)
                    continue
                self.asked += 1
                if self.breaks:
                    return
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        except (OSError, EOFError):
            pass
        finally:
            writer.close()


async def asked(port: int, sent: bytes) -> bytes:
    """The answer to one request over a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        return await message_from(reader)
    finally:
        await closed(writer)


class Town:
    """Two gateways behind a balancer."""

    def __init__(self, gateways: list[Gateway], upstreams: list[Upstream], port: int) -> None:
        self.gateways = gateways
        self._upstreams = upstreams
        self.port = port

    async def check(self, times: int = 1) -> None:
        """The balancer looks who is ready."""
        for _ in range(times):
            for upstream in self._upstreams:
                await upstream.check()


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    gateways = [Gateway(), Gateway()]
    async with serving(gateways[0].serve) as first, serving(gateways[1].serve) as second:
        upstreams = [Upstream(first), Upstream(second)]
        async with serving(Balancer(upstreams).serve) as port:
            yield Town(gateways, upstreams, port)
        for upstream in upstreams:
            upstream.let_go()


async def test_requests_are_spread_over_those_who_are_ready(town: Town) -> None:
    assert await asked(town.port, REQUEST) == NOBODY
    await town.check()
    assert (await asked(town.port, b"GET /readyz HTTP/1.1\r\n\r\n")).endswith(b"\r\n\r\n2")
    answers = [await asked(town.port, REQUEST) for _ in range(10)]
    assert all(answer.endswith(b"ok") for answer in answers)
    assert [gateway.asked for gateway in town.gateways] == [5, 5]


async def test_who_is_not_ready_a_few_times_in_a_row_is_sent_nothing(town: Town) -> None:
    await town.check()
    town.gateways[0].ready = False
    await town.check(FAILURES - 1)
    await asked(town.port, REQUEST)
    await asked(town.port, REQUEST)
    assert town.gateways[0].asked == 1
    await town.check()
    for _ in range(4):
        await asked(town.port, REQUEST)
    assert [gateway.asked for gateway in town.gateways] == [1, 5]


async def test_a_request_that_is_lost_is_not_repeated(town: Town) -> None:
    await town.check()
    for gateway in town.gateways:
        gateway.breaks = True
    assert await asked(town.port, REQUEST) == BROKEN
    assert sum(gateway.asked for gateway in town.gateways) == 1


async def test_a_passage_passes_refuses_and_passes_again() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async with serving(echo) as upstream:
        passage = Passage(upstream)
        async with serving(passage.serve) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for mood, seconds in (("pass", 0.0), ("slow", 0.01)):
                passage.become(mood, seconds)
                writer.write(b"there")
                assert await reader.readexactly(5) == b"there"
            passage.become("refuse", 0.0)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await reader.readexactly(1)
            await closed(writer)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await reader.readexactly(1)
            await closed(writer)
            passage.become("pass", 0.0)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"again")
            assert await reader.readexactly(5) == b"again"
            await closed(writer)
