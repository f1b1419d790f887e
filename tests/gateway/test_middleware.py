"""What surrounds every request: trace, log line, metrics, and an answer to what nobody foresaw."""

import asyncio
import re
from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from gateway.middleware import Edge
from gateway.view import json_response
from services.runtime.telemetry import Metrics
from tests.gateway.conftest import House
from tests.gateway.test_home import HOME

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    with capture_logs() as captured:
        yield captured


def of_gateway(logs: list[MutableMapping[str, Any]]) -> list[MutableMapping[str, Any]]:
    """Without what the backends say, which run in this process too."""
    return [line for line in logs if line["event"] in ("request", "request failed")]


async def fine(scope: Scope, receive: Receive, send: Send) -> None:
    await json_response(b"{}", 200, "application/json")(scope, receive, send)


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("the password is hunter2")


async def broken_half_way(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("the password is hunter2")


async def cut_off(scope: Scope, receive: Receive, send: Send) -> None:
    raise asyncio.CancelledError


def client_of(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")


async def test_a_trace_that_the_client_began_is_taken_over() -> None:
    async with client_of(Edge(fine, Metrics())) as client:
        response = await client.get("/", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    assert response.headers["x-trace-id"] == TRACE
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_without_one_each_request_begins_its_own_trace() -> None:
    async with client_of(Edge(fine, Metrics())) as client:
        traces = {(await client.get("/", headers={"traceparent": "junk"})).headers["x-trace-id"] for _ in range(2)}
    assert len(traces) == 2
    assert all(re.fullmatch(r"[0-9a-f]{32}", trace) for trace in traces)


async def test_what_nobody_foresaw_is_answered_masked_and_logged_once(logs: list[MutableMapping[str, Any]]) -> None:
    async with client_of(Edge(broken, Metrics())) as client:
        response = await client.get("/")
    assert response.status_code == 500
    assert response.json()["errors"][0]["message"] == "something went wrong on our side"
    assert [(line["event"], line["code"]) for line in logs] == [("request failed", 5000000), ("request", 5000000)]


async def test_an_answer_that_breaks_half_way_is_left_as_it_is(logs: list[MutableMapping[str, Any]]) -> None:
    sent = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def nobody() -> Message:
        raise AssertionError("nobody sends here")

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    await Edge(broken_half_way, Metrics())(scope, nobody, send)
    assert [(message["type"], message["status"]) for message in sent] == [("http.response.start", 200)]
    assert [line["event"] for line in logs] == ["request failed", "request"]


async def test_a_request_cut_off_by_the_end_of_the_process_is_answered_so(
    logs: list[MutableMapping[str, Any]],
) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def nobody() -> Message:
        raise AssertionError("nobody sends here")

    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": []}
    with pytest.raises(asyncio.CancelledError):
        await Edge(cut_off, Metrics())(scope, nobody, send)
    assert [message.get("status") for message in sent] == [503, None]
    assert b'"code":5030200' in sent[1]["body"]
    assert [(line["event"], line["status"], line["code"]) for line in logs] == [("request", 503, 5030200)]


async def test_other_than_http_passes_untouched() -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def nobody(*_: object) -> Any:
        raise AssertionError("nobody speaks here")

    scope = {"type": "lifespan"}
    await Edge(app, Metrics())(scope, nobody, nobody)
    assert seen == [{"type": "lifespan"}]


async def test_a_request_is_one_line_in_the_log(house: House, logs: list[MutableMapping[str, Any]]) -> None:
    await house.post(HOME, "ada")
    [line] = of_gateway(logs)
    assert 0 < line.pop("ms") < 5000
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "POST",
        "path": "/graphql",
        "status": 200,
        "code": 2000000,
        "operation": "Home",
        "viewer": "PERSONAL",
        "rpcs": 6,
        "shared": 0,
        "degraded": 0,
    }


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"query": '{ account(id: "acc_999999") { id } }'}, {"code": 4040100, "viewer": "-", "rpcs": 1}),
        ({"query": "query Who { viewer { type } }"}, {"code": 2000000, "viewer": "GUEST", "operation": "Who"}),
        ({"query": "query Bad { nowhere }"}, {"code": 4000200, "operation": "Bad", "rpcs": 0}),
        ({"query": "{"}, {"code": 4000200, "operation": "-", "status": 200}),
        ({"query": 1}, {"code": 4000200, "operation": "-", "status": 400}),
    ],
)
async def test_the_line_tells_code_and_viewer_and_never_at_error_what_the_client_did(
    house: House, logs: list[MutableMapping[str, Any]], body: dict[str, Any], told: dict[str, Any]
) -> None:
    await house.http.post("/graphql", json=body)
    [line] = of_gateway(logs)
    assert line["log_level"] == "info"
    assert {key: line[key] for key in told} == told


async def test_a_path_that_is_none_is_no_success_in_the_line(
    house: House, logs: list[MutableMapping[str, Any]]
) -> None:
    await house.http.get("/nowhere")
    assert [(line["status"], line["code"]) for line in of_gateway(logs)] == [(404, 4040000)]


async def test_fields_without_their_backend_are_counted_in_the_line(
    house: House, logs: list[MutableMapping[str, Any]]
) -> None:
    await house.backends.stop("banner")
    await house.post(HOME, "sam")
    assert [(line["code"], line["viewer"], line["degraded"]) for line in of_gateway(logs)] == [(2000000, "STAFF", 1)]


async def test_no_token_or_password_is_logged(house: House, logs: list[MutableMapping[str, Any]]) -> None:
    await house.data('mutation { signIn(handle: "ada", password: "atrium-demo") { token } }', "bo")
    assert "atrium-demo" not in str(logs)
    assert house.tokens["bo"] not in str(logs)


async def test_metrics_count_requests_errors_rpcs_and_batches(house: House) -> None:
    await house.post(HOME, "ada")
    await house.post("{ nowhere }")
    text = (await house.http.get("/metrics")).text
    for sample in (
        'atrium_request_seconds_count{code="2000000",viewer="PERSONAL"} 1.0',
        'atrium_request_seconds_count{code="4000200",viewer="-"} 1.0',
        'atrium_errors_total{code="4000200"} 1.0',
        'atrium_rpc_client_seconds_count{backend="account",code="OK",method="BatchGetAccounts"} 2.0',
        'atrium_loader_batch_size_count{loader="account_by_id"} 2.0',
        'atrium_loader_batch_size_sum{loader="session_by_token"} 1.0',
    ):
        assert sample in text
