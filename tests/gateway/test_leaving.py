"""A client that leaves stops the work that was begun for it, down to the backend, however it was connected."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest

from gateway.budget import HEADER
from schema.errcode import DeadlineExceeded
from tests.gateway.hanging import Place, open_place
from tests.gateway.push.client import Subscriber, connected

BANNERS = "{ viewer { home { banners { id } } } }"
FEED = "subscription { feedActivityAdded { author { handle } } }"
ACCEPT = {"json": "application/json", "events": "text/event-stream"}
SECONDS = 60.0
"""How long to wait for what must happen."""


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with open_place() as opened:
        yield opened


@asynccontextmanager
async def asking(place: Place, request: str, body: str = "", **headers: str) -> AsyncIterator[asyncio.StreamReader]:
    """A request over a connection of its own, which is closed at the end."""
    host, _, port = place.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = {"host": place.address, "content-type": "application/json", "content-length": str(len(body))} | headers
    lines = [f"{request} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", body]
    writer.write("\r\n".join(lines).encode())
    try:
        yield reader
    finally:
        writer.close()


async def left_in_the_middle(place: Place) -> None:
    """Returns once the backend was asked."""
    async with asyncio.timeout(SECONDS):
        await place.hanging.asked.wait()
    assert not place.hanging.given_up.is_set()


async def post(place: Place, accept: str, query: str) -> None:
    body = json.dumps({"query": query})
    async with asking(place, "POST /graphql", body, accept=ACCEPT[accept], authorization="Bearer 1"):
        await left_in_the_middle(place)


async def get(place: Place, accept: str, query: str) -> None:
    headers = {"accept": ACCEPT[accept], "authorization": "Bearer 1"}
    async with asking(place, f"GET /graphql?query={quote(query)}", **headers):
        await left_in_the_middle(place)


async def leave_socket(place: Place, query: str) -> None:
    async with connected(place.address) as subscriber:
        await begin(place, subscriber, query)


async def complete(place: Place, query: str) -> None:
    async with connected(place.address) as subscriber:
        await begin(place, subscriber, query)
        await subscriber.send({"type": "complete", "id": "1"})
        await stopped(place)


async def begin(place: Place, subscriber: Subscriber, query: str) -> None:
    await subscriber.introduce("1")
    await subscriber.subscribe("1", query)
    await left_in_the_middle(place)


async def stopped(place: Place) -> None:
    async with asyncio.timeout(SECONDS):
        await place.hanging.given_up.wait()


WAYS: dict[str, Callable[[Place], Any]] = {
    "POST": lambda place: post(place, "json", BANNERS),
    "GET": lambda place: get(place, "json", BANNERS),
    "POST for events": lambda place: post(place, "events", BANNERS),
    "GET for events": lambda place: get(place, "events", BANNERS),
    "subscribing by events": lambda place: post(place, "events", FEED),
    "WebSocket": lambda place: leave_socket(place, BANNERS),
    "subscribing by WebSocket": lambda place: leave_socket(place, FEED),
    "completing": lambda place: complete(place, BANNERS),
    "completing a subscription": lambda place: complete(place, FEED),
}


@pytest.mark.parametrize("way", WAYS)
async def test_the_call_in_flight_is_cancelled_in_the_backend(place: Place, way: str) -> None:
    await WAYS[way](place)
    await stopped(place)


async def answered(reader: asyncio.StreamReader) -> bytes:
    """What was answered until the gaps are told."""
    async with asyncio.timeout(SECONDS):
        return await reader.readuntil(b"ageMs")


@pytest.mark.parametrize("accept", ACCEPT)
async def test_the_time_of_a_client_is_the_time_of_its_calls_over_http(place: Place, accept: str) -> None:
    headers = {"accept": ACCEPT[accept], HEADER: "1500"}
    async with asking(place, "POST /graphql", json.dumps({"query": BANNERS}), **headers) as reader:
        answer = await answered(reader)
    assert str(DeadlineExceeded.code).encode() in answer
    assert 0 < place.hanging.seconds <= 1.475
    await stopped(place)


async def test_the_time_of_a_client_is_the_time_of_each_operation_over_a_socket(place: Place) -> None:
    async with connected(place.address, headers={HEADER: "1500"}) as subscriber:
        await subscriber.introduce()
        await subscriber.subscribe("1", BANNERS)
        message = await subscriber.receive()
    [gap] = message["payload"]["extensions"]["degraded"]
    assert gap["code"] == DeadlineExceeded.code
    assert 0 < place.hanging.seconds <= 1.475


async def test_a_malformed_time_is_told_and_nothing_runs(place: Place) -> None:
    async with connected(place.address, headers={HEADER: "soon"}) as subscriber:
        assert await subscriber.closed() == (4400, f"{HEADER}: must be a whole number of milliseconds, 1 or more")
    headers = {"accept": ACCEPT["events"], HEADER: "soon"}
    async with asking(place, "POST /graphql", json.dumps({"query": BANNERS}), **headers) as reader:
        assert (await reader.readline()).split()[1] == b"400"
    assert not place.hanging.asked.is_set()
