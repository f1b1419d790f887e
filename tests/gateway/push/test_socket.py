"""The WebSocket side alone, over a real connection: what is executed here is a fake."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import Scope
from structlog.testing import capture_logs
from websockets.exceptions import InvalidStatus

from gateway.body import Operation
from gateway.context import OperationContext
from gateway.process import UVICORN
from gateway.push.connections import Connections, Seat
from gateway.push.conversation import Bounds
from gateway.push.noted import Noted
from gateway.push.socket import SocketView
from services.runtime.telemetry import Metrics
from services.runtime.web import WebServer, listen
from tests.gateway.push.client import Subscriber, connected
from tests.gateway.push.fakes import Silent, Stage
from tests.gateway.test_context import FakeClients

INIT = {"type": "connection_init"}


class Place:
    """Where the socket is served."""

    def __init__(self, address: str, server: WebServer, metrics: Metrics) -> None:
        self.address = address
        self.server = server
        self.metrics = metrics

    def number(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


Serve = Callable[..., Any]


@pytest.fixture
def serve(stage: Stage) -> Serve:
    """Serves the stage with bounds of the test's own."""

    @asynccontextmanager
    async def serving(**bounds: Any) -> AsyncIterator[Place]:
        metrics = Metrics()

        def make_context(_scope: Scope, authorization: str | None) -> OperationContext:
            return OperationContext(FakeClients(), Silent(), authorization, "here")

        def take(_scope: Scope) -> Seat:
            return Connections().take("here")

        view = SocketView(Noted(stage, metrics), make_context, Bounds(**bounds), metrics, take)
        listening = listen("127.0.0.1", 0)
        server = WebServer(Starlette(routes=[WebSocketRoute("/graphql", view)]), listening, **UVICORN)
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve())
            host, port = listening.getsockname()
            yield Place(f"{host}:{port}", server, metrics)
            await server.stop(1)

    return serving


@pytest.fixture
async def place(serve: Serve) -> AsyncIterator[Place]:
    async with serve() as served:
        yield served


@pytest.fixture
async def subscriber(place: Place) -> AsyncIterator[Subscriber]:
    async with connected(place.address) as connection:
        yield connection


async def test_answers_come_as_they_are_made_and_then_the_end(subscriber: Subscriber, stage: Stage) -> None:
    await subscriber.introduce("secret")
    await subscriber.subscribe("a", "2", x=1)
    assert [await subscriber.receive() for _ in range(3)] == [
        {"type": "next", "id": "a", "payload": {"data": {"number": 0}}},
        {"type": "next", "id": "a", "payload": {"data": {"number": 1}}},
        {"type": "complete", "id": "a"},
    ]
    assert stage.asked == [(Operation("2", {"x": 1}, None), "secret")]


async def test_an_operation_that_cannot_begin_ends_alone(subscriber: Subscriber) -> None:
    await subscriber.introduce()
    await subscriber.subscribe("a", "wait")
    await subscriber.subscribe("b", "refuse")
    assert await subscriber.receive() == {"type": "error", "id": "b", "payload": [{"message": "no"}]}
    await subscriber.subscribe("c", "0")
    assert await subscriber.receive() == {"type": "complete", "id": "c"}


async def test_a_ping_is_answered(subscriber: Subscriber) -> None:
    await subscriber.send({"type": "ping"})
    assert await subscriber.receive() == {"type": "pong"}
    await subscriber.send({"type": "pong"})
    await subscriber.introduce()


async def test_what_the_client_completes_is_ended_and_its_id_is_free_again(
    subscriber: Subscriber, stage: Stage
) -> None:
    await subscriber.introduce()
    await subscriber.subscribe("a", "wait")
    await stage.until_running(1)
    await subscriber.send({"type": "complete", "id": "a"})
    await subscriber.subscribe("a", "0")
    assert await subscriber.receive() == {"type": "complete", "id": "a"}
    await stage.until_running(0)


async def test_whatever_runs_ends_with_the_connection(place: Place, stage: Stage) -> None:
    with capture_logs() as logs:
        async with connected(place.address) as subscriber:
            await subscriber.introduce()
            for number in range(3):
                await subscriber.subscribe(str(number), "wait")
            await stage.until_running(3)
            assert place.number("atrium_sockets") == 1
        await stage.until_running(0)
        await until_logged(logs, "socket")
    assert place.number("atrium_sockets") == 0
    ends = [{**line, "seconds": 0} for line in logs]
    assert ends[-1] == {"event": "socket", "log_level": "info", "code": 1000, "operations": 3, "seconds": 0}
    subscription = {"operation": "-", "viewer": "-", "code": 2000000, "sent": 0, "degraded": 0, "seconds": 0}
    assert ends[:-1] == [{"event": "subscription", "log_level": "info", **subscription}] * 3


async def until_logged(logs: Any, event: str) -> None:
    async with asyncio.timeout(60):
        while event not in [line["event"] for line in logs]:  # noqa: ASYNC110 - the connection ends by itself.
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["["], 4400),
        (["[]"], 4400),
        (["null"], 4400),
        (["1"], 4400),
        ([b"{}"], 4400),
        (["[" * 30_000], 4400),
        ([{"type": 1}], 4400),
        ([{"type": "start"}], 4400),
        ([{"type": "connection_init", "payload": []}], 4400),
        ([INIT, {"type": "subscribe", "payload": {"query": "0"}}], 4400),
        ([INIT, {"type": "subscribe", "id": "", "payload": {"query": "0"}}], 4400),
        ([INIT, {"type": "subscribe", "id": "a" * 101, "payload": {"query": "0"}}], 4400),
        ([INIT, {"type": "subscribe", "id": "a", "payload": None}], 4400),
        ([INIT, {"type": "subscribe", "id": "a", "payload": {"query": 1}}], 4400),
        ([INIT, {"type": "subscribe", "id": "a", "payload": {"query": "0", "variables": []}}], 4400),
        ([INIT, {"type": "subscribe", "id": "a", "payload": {"query": "a\u0000"}}], 4400),
        ([{"type": "subscribe", "id": "a", "payload": {"query": "0"}}], 4401),
        ([INIT, *[{"type": "subscribe", "id": "a", "payload": {"query": "wait"}}] * 2], 4409),
        ([INIT, *[{"type": "subscribe", "id": "é" * 100, "payload": {"query": "wait"}}] * 2], 4409),
        ([INIT, INIT], 4429),
    ],
)
async def test_whoever_breaks_the_protocol_is_told_how(messages: list[Any], code: int, subscriber: Subscriber) -> None:
    for message in messages:
        await subscriber.send(message)
    assert (await subscriber.closed())[0] == code


async def test_a_frame_that_is_too_large_ends_the_connection(subscriber: Subscriber) -> None:
    await subscriber.send("x" * 65_537)
    assert (await subscriber.closed())[0] == 1009


async def test_whoever_does_not_introduce_itself_in_time_is_turned_away(serve: Serve) -> None:
    async with serve(init_seconds=0.01) as place, connected(place.address) as subscriber:
        assert await subscriber.closed() == (4408, "introduce yourself in time")


async def test_an_introduction_in_time_is_enough(serve: Serve) -> None:
    async with serve(init_seconds=0.5) as place, connected(place.address) as subscriber:
        await subscriber.introduce()
        async with connected(place.address) as other:
            assert (await other.closed())[0] == 4408
        await subscriber.subscribe("a", "0")
        assert await subscriber.receive() == {"type": "complete", "id": "a"}


async def test_only_so_many_operations_run_at_once(serve: Serve, stage: Stage) -> None:
    async with serve(operations=2) as place, connected(place.address) as subscriber:
        await subscriber.introduce()
        for number in range(3):
            await subscriber.subscribe(str(number), "wait")
        message = await subscriber.receive()
        assert (message["type"], message["id"]) == ("error", "2")
        [error] = message["payload"]
        assert error["message"] == "operations of a socket: 3 is over the limit of 2"
        assert len(error["extensions"]["traceId"]) == 32
        await subscriber.send({"type": "complete", "id": "0"})
        await subscriber.subscribe("3", "0")
        assert await subscriber.receive() == {"type": "complete", "id": "3"}
        assert [operation.query for operation, _ in stage.asked] == ["wait", "wait", "0"]


async def test_another_protocol_is_not_spoken(place: Place) -> None:
    for protocol in ("graphql-ws", None):
        async with connected(place.address, protocol=protocol) as subscriber:
            assert (await subscriber.closed())[0] == 4406


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://[", "http://127.0.0.1"])
async def test_a_page_from_elsewhere_may_not_connect(origin: str, place: Place) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connected(place.address, origin=origin):
            pass
    assert refused.value.response.status_code == 403


async def test_a_page_of_this_host_may_connect(place: Place) -> None:
    async with connected(place.address, origin=f"http://{place.address}") as subscriber:
        await subscriber.introduce()


async def test_whoever_leaves_too_much_lying_is_told_to_come_back(place: Place, subscriber: Subscriber) -> None:
    await subscriber.introduce()
    await subscriber.subscribe("a", "wait")
    await subscriber.subscribe("b", "slow")
    code, reason = await subscriber.closed()
    assert (code, reason) == (4410, "too slow a reader: connect again and resume after the last seen id")
    assert place.number("atrium_push_dropped_total", code="4410") == 1


async def test_a_client_that_does_not_read_is_let_go(serve: Serve, stage: Stage) -> None:
    async with serve(send_seconds=0.1) as place:
        async with connected(place.address) as subscriber:
            await subscriber.introduce()
            await subscriber.subscribe("a", "flood")
            await stage.until_running(1)
            await stage.until_running(0)
            assert (await subscriber.closed())[0] == 4410
        assert place.number("atrium_push_dropped_total", code="4410") == 1


async def test_a_process_that_stops_says_that_it_comes_back(place: Place, subscriber: Subscriber, stage: Stage) -> None:
    await subscriber.introduce()
    await subscriber.subscribe("a", "wait")
    await stage.until_running(1)
    await place.server.stop(1)
    assert (await subscriber.closed())[0] == 1012
    assert stage.running == 0
