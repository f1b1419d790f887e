"""HTTP in the group of a process: it drains, it says when it is not ready, and it says why it cannot start."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from structlog.testing import capture_logs

from services.runtime.lifecycle import Readiness, StartError, run
from services.runtime.telemetry import Metrics
from services.runtime.web import WebServer, listen, machine_app
from tests.conftest import free_port


class Slow:
    """An app that answers when the test says so."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.ended = asyncio.Event()
        self.app = Starlette(routes=[Route("/", self.answer)])

    async def answer(self, _request: Request) -> PlainTextResponse:
        self.asked.set()
        try:
            await self.go_on.wait()
            return PlainTextResponse("done")
        finally:
            self.ended.set()


async def test_a_request_in_flight_is_answered_and_no_new_one_is_taken() -> None:
    slow, port = Slow(), free_port()
    server = WebServer(slow.app, listen("127.0.0.1", port), lifespan="off")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client, asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve())
        flying = group.create_task(client.get("/"))
        await slow.asked.wait()
        stopping = group.create_task(server.stop(10))
        await refused(port)
        slow.go_on.set()
        assert (await flying).text == "done"
        await stopping
        await serving


async def test_connections_close_before_the_listener_does() -> None:
    slow, port, readiness = Slow(), free_port(), Readiness()
    slow.go_on.set()
    server = WebServer(slow.app, listen("127.0.0.1", port), readiness, lifespan="off")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client, asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve())
        assert "connection" not in (await client.get("/")).headers
        readiness.go_down()
        for _ in range(2):  # The second comes over a connection of its own.
            leaving = await client.get("/")
            assert (leaving.text, leaving.headers["connection"]) == ("done", "close")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await server.stop(10)
        assert await reader.read() == b""
        writer.close()
        await serving


async def refused(port: int) -> None:
    """Returns once nobody listens any more."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        writer.close()
        await asyncio.sleep(0.01)


async def test_a_request_that_takes_too_long_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    slow, port = Slow(), free_port()
    server = WebServer(slow.app, listen("127.0.0.1", port), lifespan="off")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client, asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        flying = group.create_task(outcome(client))
        await slow.asked.wait()
        await server.stop(0.05)
        assert await flying in (500, None)
        await slow.ended.wait()
    assert "Cancel 1 running task(s), timeout graceful shutdown exceeded" in caplog.messages
    assert [record.exc_info for record in caplog.records if record.exc_info] == []


async def outcome(client: httpx.AsyncClient) -> int | None:
    try:
        return (await client.get("/")).status_code
    except httpx.TransportError:
        return None


async def test_an_app_that_does_not_start_fails_the_process() -> None:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        raise OSError("no disk")
        yield

    server = WebServer(Starlette(lifespan=lifespan), listen("127.0.0.1", 0), lifespan="on")
    with capture_logs() as logs:
        assert await run(server, readiness=Readiness()) == 1
    assert [str(entry["exc_info"]) for entry in logs] == ["the application did not start"]


async def test_a_server_that_never_served_stops_at_once() -> None:
    with listen("127.0.0.1", 0) as listening:
        await asyncio.wait_for(WebServer(Starlette(), listening).stop(3600), 60)


def test_a_port_that_is_taken_is_one_line() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=rf"^cannot listen on 127\.0\.0\.1:{port}: address already in use$"):
            listen("127.0.0.1", port)


async def test_machines_read_what_they_need() -> None:
    metrics, readiness = Metrics(), Readiness()
    transport = httpx.ASGITransport(machine_app(metrics, readiness))
    async with httpx.AsyncClient(transport=transport, base_url="http://atrium") as client:
        assert (await client.get("/livez")).text == "ok"
        assert (await client.get("/readyz")).json() == {"ready": True, "failing": []}
        assert "atrium_loop_lag_seconds 0.0" in (await client.get("/metrics")).text
        readiness.go_down()
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"ready": False, "failing": ["stopping"]})
        assert (await client.get("/livez")).status_code == 200
