"""The HTTP side alone: what is executed here is a fake."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Scope

from gateway.body import Operation
from gateway.context import OperationContext
from gateway.negotiation import GRAPHQL, JSON
from gateway.operations import Answer, MayChange
from gateway.view import GraphQLView, Intake, Run
from schema import errcode
from tests.gateway.push.fakes import Silent
from tests.gateway.test_context import FakeClients

FINE = Answer({"data": {"a": 1}}, None, has_data=True)
PARTIAL = Answer({"data": {"a": None}, "errors": []}, errcode.AccountNotFound(7), has_data=True)
INVALID = Answer({"errors": []}, errcode.InvalidOperation("no such field"))
REFUSED = Answer({"errors": []}, errcode.Unauthenticated())
LATE = Answer({"errors": []}, errcode.DeadlineExceeded())


class FakeRun:
    """Answers always the same; remembers what it was asked."""

    def __init__(self, answer: Answer = FINE) -> None:
        self.answer = answer
        self.asked: list[tuple[Operation, str | None]] = []

    async def __call__(self, operation: Operation, context: OperationContext) -> Answer:
        self.asked.append((operation, context.token))
        return self.answer


def view_of(run: Run, *, page: bool = True, seconds: float = 5.0, open_get: bool = False) -> GraphQLView:
    async def make_page(_request: Request) -> Response | None:
        return HTMLResponse("<p>page</p>") if page else None

    def make_context(_scope: Scope, authorization: str | None) -> OperationContext:
        return OperationContext(FakeClients(), Silent(), authorization, "here")

    return GraphQLView(run, stream_nothing, make_context, make_page, Intake(1024, seconds, open_get=open_get))


def stream_nothing(operation: Operation, context: OperationContext) -> Response:
    return Response(f"{operation.name} for {context.token}", media_type="text/event-stream")


def client_of(run: Run, **options: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(view_of(run, **options))
    return httpx.AsyncClient(transport=transport, base_url="http://gateway")


async def test_an_operation_is_run_with_the_token_of_the_request() -> None:
    run = FakeRun()
    async with client_of(run) as client:
        body = {"query": "query A($x: Int) { a }", "variables": {"x": 1}, "operationName": "A"}
        response = await client.post("/", json=body, headers={"authorization": "Bearer secret"})
    assert response.json() == {"data": {"a": 1}}
    assert response.headers["cache-control"] == "no-store"
    assert run.asked == [(Operation("query A($x: Int) { a }", {"x": 1}, "A"), "secret")]


async def test_whoever_accepts_events_gets_a_stream_of_answers() -> None:
    run = FakeRun()
    async with client_of(run) as client:
        headers = {"authorization": "Bearer secret", "accept": "text/event-stream"}
        response = await client.post("/", json={"query": "{ a }", "operationName": "A"}, headers=headers)
        refused = await client.post("/", json={"query": ""}, headers=headers)
    assert (response.headers["content-type"], response.text) == (
        "text/event-stream; charset=utf-8",
        "A for secret",
    )
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/json; charset=utf-8")
    assert run.asked == []


@pytest.mark.parametrize(
    ("answer", "accept", "status"),
    [
        (FINE, JSON, 200),
        (FINE, GRAPHQL, 200),
        (PARTIAL, JSON, 200),
        (PARTIAL, GRAPHQL, 200),
        (INVALID, JSON, 200),
        (INVALID, GRAPHQL, 400),
        (REFUSED, GRAPHQL, 401),
        (LATE, JSON, 504),
        (LATE, GRAPHQL, 504),
    ],
)
async def test_the_status_follows_the_type_and_whether_the_operation_ran(
    answer: Answer, accept: str, status: int
) -> None:
    async with client_of(FakeRun(answer)) as client:
        response = await client.post("/", json={"query": "{a}"}, headers={"accept": accept})
    assert response.status_code == status
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"


@pytest.mark.parametrize(
    ("request_of", "status", "message"),
    [
        ({"method": "PUT", "json": {"query": "{a}"}}, 405, "the method must be POST"),
        ({"method": "GET"}, 405, "the method must be POST"),
        ({"method": "GET", "params": {"query": "{a}"}}, 405, "the method must be POST"),
        (
            {"json": {"query": "{a}"}, "headers": {"accept": "text/csv"}},
            406,
            "accept: must allow application/graphql-response+json or json",
        ),
        ({"data": {"query": "{a}"}}, 415, "content-type: must be application/json"),
        ({"content": b"{"}, 415, "content-type: must be application/json"),
        ({"content": b"{", "headers": {"content-type": JSON}}, 400, None),
        ({"json": [{"query": "{a}"}]}, 400, "the body must be a JSON object; batches are not served"),
        ({"json": {"query": "x" * 1024}}, 413, "body bytes: 1036 is over the limit of 1024"),
    ],
)
async def test_what_is_no_graphql_request_runs_nothing(
    request_of: dict[str, Any], status: int, message: str | None
) -> None:
    run = FakeRun()
    async with client_of(run) as client:
        response = await client.request(**{"method": "POST", "url": "/"} | request_of)
    [error] = response.json()["errors"]
    assert response.status_code == status
    assert response.headers["content-type"] == f"{JSON}; charset=utf-8"
    assert error["extensions"]["code"] == (4000300 if status == 413 else 4000200)
    assert error["message"] == (message or error["message"])
    assert run.asked == []


@pytest.mark.parametrize(
    ("accept", "media"),
    [(GRAPHQL, GRAPHQL), (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL), (JSON, JSON), ("*/*", JSON), ("text/csv", JSON)],
)
@pytest.mark.parametrize(
    "request_of",
    [
        {"method": "PUT"},
        {"content": b"{", "headers": {"content-type": JSON}},
        {"data": {"query": "{a}"}},
        {"json": {"query": "x" * 1024}},
    ],
)
async def test_a_refusal_has_the_type_that_the_client_likes_best(
    request_of: dict[str, Any], accept: str, media: str
) -> None:
    async with client_of(FakeRun()) as client:
        request_of = {"method": "POST", "url": "/", **request_of}
        headers = {**request_of.pop("headers", {}), "accept": accept}
        response = await client.request(**request_of, headers=headers)
    assert response.headers["content-type"] == f"{media}; charset=utf-8"
    assert list(response.json()) == ["errors"]


async def test_a_query_may_stand_in_the_address_where_that_is_open() -> None:
    run = FakeRun()
    parameters = {"query": "query A($x: Int) { a }", "variables": '{"x": 1}', "operationName": "A", "extensions": ""}
    async with client_of(run, open_get=True) as client:
        response = await client.get("/", params=parameters, headers={"authorization": "Bearer secret"})
    assert (response.status_code, response.json()) == (200, {"data": {"a": 1}})
    assert run.asked == [(Operation("query A($x: Int) { a }", {"x": 1}, "A", reads_only=True), "secret")]


@pytest.mark.parametrize(
    ("parameters", "status", "message"),
    [
        ({}, 405, "the method must be POST"),
        ({"query": ""}, 400, "query: must be given and not empty"),
        ({"query": "{a}", "variables": "{"}, 400, None),
        ({"query": "{a}", "variables": "[]"}, 400, "variables: must be an object"),
        ({"query": "{a}", "extensions": "1"}, 400, "extensions: must be an object"),
        ({"query": "{a}\0"}, 400, "query: the NUL character is not allowed"),
    ],
)
async def test_what_is_no_query_in_an_address_runs_nothing(
    parameters: dict[str, str], status: int, message: str | None
) -> None:
    run = FakeRun()
    async with client_of(run, open_get=True) as client:
        response = await client.get("/", params=parameters)
    [error] = response.json()["errors"]
    assert (response.status_code, error["message"]) == (status, message or error["message"])
    assert run.asked == []


async def test_what_may_change_something_is_asked_by_post() -> None:
    async with client_of(FakeRun(Answer({"errors": []}, MayChange())), open_get=True) as client:
        response = await client.get("/", params={"query": "mutation { a }"})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["errors"][0]["message"] == "the method must be POST: only queries may be asked by GET"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_another_method_is_told_which_one_is_served(method: str) -> None:
    async with client_of(FakeRun()) as client:
        response = await client.request(method, "/")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_a_browser_gets_the_page_where_there_is_one() -> None:
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with client_of(FakeRun()) as client:
        assert (await client.get("/", headers=browser)).text == "<p>page</p>"
    async with client_of(FakeRun(), page=False) as client:
        assert (await client.get("/", headers=browser)).status_code == 405


async def test_a_body_over_the_limit_is_not_read_on() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 600
            yield b" " * 600

    async with client_of(FakeRun()) as client:
        response = await client.post("/", content=endless(), headers={"content-type": JSON})
    assert (response.status_code, response.headers["connection"], sent) == (413, "close", 1200)


async def test_a_body_that_does_not_come_is_waited_for_no_longer_than_a_request_may_take() -> None:
    async def hanging() -> AsyncIterator[bytes]:
        yield b'{"query": '
        await asyncio.Event().wait()

    async with client_of(FakeRun(), seconds=0.05) as client:
        response = await client.post("/", content=hanging(), headers={"content-type": JSON})
    assert response.status_code == 408
    assert response.json()["errors"][0]["extensions"]["code"] == 5040100


async def test_a_client_that_leaves_takes_its_work_with_it() -> None:
    started, stopped = asyncio.Event(), asyncio.Event()

    async def work(_operation: Operation, _context: OperationContext) -> Answer:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return FINE

    answered = await converse(view_of(work), leave_after=started)
    assert stopped.is_set()
    assert answered[0]["status"] == 499


async def test_a_client_that_leaves_while_it_sends_gets_no_answer() -> None:
    left = asyncio.Event()
    left.set()
    run = FakeRun()
    answered = await converse(view_of(run), leave_after=left, more_body=True)
    assert answered[0]["status"] == 499
    assert run.asked == []


async def converse(
    app: ASGIApp, leave_after: asyncio.Event, *, more_body: bool = False, body: bytes = b'{"query": "{a}"}'
) -> list[MutableMapping[str, Any]]:
    """What is sent to a client that posts a query and leaves after the event."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    messages = [{"type": "http.request", "body": body, "more_body": more_body}]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await leave_after.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async with asyncio.timeout(60):
        await app(scope, receive, send)
    return sent
