"""Server-sent events alone, over a real connection: what is executed here is a fake."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from gateway.body import Operation
from gateway.context import OperationContext
from gateway.process import UVICORN
from gateway.push.events import EventStream
from gateway.push.noted import Noted
from services.runtime.telemetry import Metrics
from services.runtime.web import WebServer, listen
from tests.gateway.push.fakes import Silent, Stage
from tests.gateway.test_context import FakeClients


class Place:
    """Where the stage is served: the path is the query."""

    def __init__(self, stage: Stage) -> None:
        self.stopping = asyncio.Event()
        self.metrics = Metrics()
        self.beat = 60.0
        self.patience = 10.0
        self.address = ("", 0)
        self._stream = Noted(stage, self.metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = Operation(scope["path"].removeprefix("/"), {}, None)
        context = OperationContext(FakeClients(), Silent(), None, "here")
        answers = self._stream(operation, context)
        response = EventStream(answers, self.stopping.wait, self.metrics, self.beat, self.patience)
        await response(scope, receive, send)


@pytest.fixture
async def place(stage: Stage) -> AsyncIterator[Place]:
    place = Place(stage)
    listening = listen("127.0.0.1", 0)
    place.address = listening.getsockname()
    server = WebServer(place, listening, **UVICORN)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        yield place
        await server.stop(1)


@pytest.fixture
async def http(place: Place) -> AsyncIterator[httpx.AsyncClient]:
    host, port = place.address
    async with httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=60) as client:
        yield client


async def test_answers_are_events_and_the_last_says_so(http: httpx.AsyncClient) -> None:
    response = await http.get("/2")
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.text.split("\n\n") == [
        'event: next\ndata: {"data":{"number":0}}',
        'event: next\ndata: {"data":{"number":1}}',
        "event: complete\ndata:",
        "",
    ]


async def test_an_operation_that_cannot_begin_is_answered_by_one_event(http: httpx.AsyncClient) -> None:
    response = await http.get("/refuse")
    assert response.text == 'event: next\ndata: {"errors":[{"message":"no"}]}\n\nevent: complete\ndata:\n\n'


async def test_a_stream_on_which_nothing_happens_shows_that_it_lives(place: Place, http: httpx.AsyncClient) -> None:
    place.beat = 0.01
    async with http.stream("GET", "/wait") as response:
        assert [await anext(response.aiter_lines()) for _ in range(1)] == [":"]


async def test_a_client_that_leaves_ends_what_runs_for_it(http: httpx.AsyncClient, stage: Stage) -> None:
    async with http.stream("GET", "/wait"):
        await stage.until_running(1)
    await stage.until_running(0)


async def test_a_process_that_stops_ends_the_stream_without_the_end(
    place: Place, http: httpx.AsyncClient, stage: Stage
) -> None:
    async with http.stream("GET", "/wait") as response:
        await stage.until_running(1)
        place.stopping.set()
        assert await response.aread() == b""
    assert stage.running == 0


async def test_whoever_leaves_too_much_lying_is_cut_off(place: Place, http: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await http.get("/slow")
    assert dropped(place) == 1


async def test_a_client_that_does_not_read_is_cut_off(place: Place, stage: Stage) -> None:
    place.patience = 0.1
    with socket.create_connection(place.address) as client:
        client.sendall(b"GET /flood HTTP/1.1\r\nhost: gateway\r\n\r\n")
        await stage.until_running(1)
        await stage.until_running(0)
        async with asyncio.timeout(60):
            while not dropped(place):  # noqa: ASYNC110 - the response ends by itself.
                await asyncio.sleep(0.001)


def dropped(place: Place) -> Any:
    return place.metrics.registry.get_sample_value("atrium_push_dropped_total", {"code": "5030200"})


async def test_the_end_of_a_stream_is_logged(http: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        await http.get("/2")
    [line] = [line for line in logs if line["event"] == "subscription"]
    assert (line["code"], line["sent"]) == (2000000, 2)
