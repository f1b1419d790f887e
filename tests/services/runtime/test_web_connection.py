"""Clients that are slow, rude or greedy, each on a socket of its own, against a server with little patience."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, ClassVar

import pytest
from starlette.types import Receive, Scope, Send

from services.runtime.web import WebServer, listen
from services.runtime.web_connection import Connection, Patience
from tests.conftest import free_port

PIECE = b"x" * 1024 * 1024
PIECES = 64
"""More together than any socket holds back for a client that does not read."""
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], AbstractAsyncContextManager[Client]]


class Impatient(Connection):
    """Says when a connection is gone."""

    lost: ClassVar[asyncio.Event]

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost.set()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers `/read` with the length of the body, `/large` with a lot, anything else at once."""
    length = 0
    while scope["path"] == "/read":
        message = await receive()
        length += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    pieces = [PIECE] * PIECES if scope["path"] == "/large" else [str(length).encode()]
    size = str(sum(map(len, pieces))).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", size)]})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


@asynccontextmanager
async def serving(**patience: Any) -> AsyncIterator[Connect]:
    """A server with this patience; gives what connects to it."""
    port = free_port()
    Impatient.patience, Impatient.lost = Patience(**patience), asyncio.Event()
    server = WebServer(app, listen("127.0.0.1", port), lifespan="off", http=Impatient)

    @asynccontextmanager
    async def connect() -> AsyncIterator[Client]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        yield connect
        await server.stop(0.05)


async def answered(connect: Connect, *pieces: bytes) -> bytes:
    """What comes until the connection is closed; the first bytes of an answer that is kept open."""
    async with connect() as (reader, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        try:
            return await reader.read()
        except ConnectionResetError:
            return b"reset"


def status(answer: bytes) -> bytes:
    return answer.partition(b"\r\n")[0]


async def test_who_never_asks_is_let_go() -> None:
    async with serving(head_seconds=0.05) as connect:
        assert await answered(connect) == b""


async def test_who_tells_its_headers_too_slowly_is_let_go() -> None:
    async with serving(head_seconds=0.2) as connect, connect() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nx: ")
        async with asyncio.TaskGroup() as group:
            trickling = group.create_task(go_on_while_one_can(writer))
            answer = await first_line(reader)
            trickling.cancel()
        assert answer in (b"HTTP/1.1 408 Request Timeout\r\n", b"reset")


async def test_who_sends_its_body_too_slowly_is_let_go() -> None:
    async with serving(body_seconds=0.05) as connect:
        assert await answered(connect, b"POST /read HTTP/1.1\r\ncontent-length: 10\r\n\r\n123") in (b"", b"reset")


async def test_who_goes_on_with_a_body_that_was_answered_already_is_let_go() -> None:
    async with serving(body_seconds=0.2) as connect, connect() as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\ncontent-length: 1000000\r\n\r\n")
        assert status(await reader.readuntil(b"\r\n\r\n")) == b"HTTP/1.1 200 OK"
        with pytest.raises(ConnectionError):
            await go_on(writer)


async def go_on(writer: asyncio.StreamWriter) -> None:
    """Sends, slowly, until the connection is closed."""
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def first_line(reader: asyncio.StreamReader) -> bytes:
    """What the answer begins with, unless what is still being sent has cut it off."""
    try:
        return await reader.readuntil(b"\r\n")
    except ConnectionResetError:
        return b"reset"


async def go_on_while_one_can(writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        await go_on(writer)


async def test_who_does_not_read_is_let_go() -> None:
    async with serving(unread_seconds=0.2) as connect, connect() as (reader, writer):
        writer.write(b"GET /large HTTP/1.1\r\n\r\n")
        await Impatient.lost.wait()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(PIECES * len(PIECE))


async def test_who_reads_gets_all_of_a_large_answer() -> None:
    async with serving(unread_seconds=20) as connect, connect() as (reader, writer):
        writer.write(b"GET /large HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        assert len(await reader.readexactly(PIECES * len(PIECE))) == PIECES * len(PIECE)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nx: " + b"x" * 65_536 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: " + b"x" * 1_000_000,
        b"GET / HTTP/1.1\r\n" + b"x: 1\r\n" * 2000 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + b"x: 1\r\n" * 101 + b"\r\n",
        b"GET /" + b"x" * 65_536 + b" HTTP/1.1\r\n\r\n",
    ],
)
async def test_headers_that_are_too_many_or_too_large_are_refused(head: bytes) -> None:
    async with serving() as connect:
        assert status(await answered(connect, head)) in (b"HTTP/1.1 431 Request Header Fields Too Large", b"reset")


@pytest.mark.parametrize(
    "twice",
    [
        b"Host: a\r\nhost: b\r\n",
        b"authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
        b"content-type: application/json\r\ncontent-type: text/plain\r\n",
        b"content-encoding: identity\r\nx: 1\r\ncontent-encoding: gzip\r\n",
        b"content-length: 1\r\ncontent-length: 1\r\n",
        b"content-length: 1\r\ntransfer-encoding: chunked\r\n",
        b"transfer-encoding: chunked, identity\r\n",
        b"transfer-encoding : chunked\r\n",
        b"transfer-encoding:\r\n chunked\r\n",
    ],
)
async def test_headers_that_others_may_read_differently_are_refused(twice: bytes) -> None:
    async with serving() as connect:
        answer = await answered(connect, b"POST /read HTTP/1.1\r\n" + twice + b"\r\n1\r\na\r\n0\r\n\r\n")
        assert status(answer) == b"HTTP/1.1 400 Bad Request"
        assert answer.count(b"HTTP/1.1") == 1
        listed = (
            b"accept: a\r\naccept: b\r\nx-forwarded-for: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2\r\ncontent-length: 0\r\n"
        )
        answer = await answered(connect, b"POST /read HTTP/1.1\r\nconnection: close\r\n" + listed + b"\r\n")
        assert status(answer) == b"HTTP/1.1 200 OK"


async def test_a_connection_serves_many_requests_of_usual_size() -> None:
    head = b"POST /read HTTP/1.1\r\n" + b"x: 1\r\n" * 98 + b"y: " + b"y" * 30_000 + b"\r\ncontent-length: 70000\r\n\r\n"
    async with serving(head_seconds=20) as connect, connect() as (reader, writer):
        for _ in range(5):
            writer.write(head + b"z" * 70_000)
            assert status(await reader.readuntil(b"\r\n\r\n")) == b"HTTP/1.1 200 OK"
            assert await reader.readexactly(5) == b"70000"
        writer.write(b"nonsense\r\n\r\n")
        assert status(await reader.read()) == b"HTTP/1.1 400 Bad Request"


async def test_a_request_may_come_in_pieces() -> None:
    async with serving() as connect, connect() as (reader, writer):
        for byte in b"POST /read HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc":
            writer.write(bytes([byte]))
            await writer.drain()
        assert status(await reader.readuntil(b"\r\n\r\n")) == b"HTTP/1.1 200 OK"
        assert await reader.readexactly(1) == b"3"
