"""The load generator against servers that answer well, badly, slowly or not at all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop

from bench import load
from bench.queries import request

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


def http(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@asynccontextmanager
async def serving(answer: Answer, seen: list[bytes] | None = None) -> AsyncIterator[int]:
    """The port of a server that reads whole requests and leaves the answer to `answer`."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                whole = await reader.readexactly(len(request("token")))
                if seen is not None:
                    seen.append(whole)
                await answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def well(writer: asyncio.StreamWriter) -> None:
    writer.write(http(b'{"data":{}}'))


async def test_answers_are_counted_and_timed() -> None:
    async with serving(well) as port:
        found = await load.send(port, [request("token")], connections=2, seconds=0.05)
    assert found.requests > 1
    assert found.errors == 0
    assert 0 < found.p50_ms <= found.p99_ms <= 1000 * found.seconds
    assert found.seconds >= 0.05


async def test_each_connection_has_one_request_under_way_and_the_tokens_take_turns() -> None:
    seen: list[bytes] = []
    async with serving(well, seen) as port:
        found = await load.send(port, [request("one.."), request("two..")], connections=1, seconds=0.05)
    assert len(seen) == found.requests
    assert seen[:3] == [request("one.."), request("two.."), request("one..")]


async def test_an_answer_in_pieces_is_one_answer() -> None:
    async def in_pieces(writer: asyncio.StreamWriter) -> None:
        for byte in http(b'{"data":{}}'):
            writer.write(bytes([byte]))
            await writer.drain()

    async with serving(in_pieces) as port:
        found = await load.send(port, [request("token")], connections=1, seconds=0.05)
    assert (found.requests > 0, found.errors) == (True, 0)


@pytest.mark.parametrize(
    "answer",
    [
        http(b'{"errors":[]}', status="401 Unauthorized"),
        http(b'{"data":{},"errors":[]}'),
        http(b'{"data":{},"extensions":{"degraded":[]}}'),
    ],
    ids=["refused", "with errors", "degraded"],
)
async def test_an_answer_that_is_not_whole_is_an_error(answer: bytes) -> None:
    async def badly(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    async with serving(badly) as port:
        found = await load.send(port, [request("token")], connections=1, seconds=0.05)
    assert found.requests == 0
    assert found.errors > 0
    assert (found.p50_ms, found.p99_ms) == (0, 0)


async def test_a_connection_that_is_cut_is_one_error() -> None:
    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with serving(cut) as port:
        found = await load.send(port, [request("token")], connections=3, seconds=0.05)
    assert (found.requests, found.errors) == (0, 3)


async def test_an_answer_that_never_comes_ends_the_run_as_an_error() -> None:
    async def never(_writer: asyncio.StreamWriter) -> None:
        return

    async with serving(never) as port:
        found = await load.send(port, [request("token")], connections=2, seconds=0.02, grace=0.05)
    assert (found.requests, found.errors) == (0, 2)
    assert found.seconds < 1


def test_it_runs_on_the_loop_that_it_is_run_on() -> None:
    async def run() -> load.Load:
        async with serving(well) as port:
            return await load.send(port, [request("token")], connections=1, seconds=0.02)

    assert uvloop.run(run()).requests > 0


def test_a_percentile_is_a_latency_that_was_seen() -> None:
    ordered = [number / 1000 for number in range(1, 201)]
    assert [load.percentile(ordered, percent) for percent in (1, 50, 99, 100)] == [2, 100, 198, 200]
    assert load.percentile([0.007], 99) == 7
