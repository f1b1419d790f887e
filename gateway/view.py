"""GraphQL over HTTP: https://graphql.github.io/graphql-over-http/draft/."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway import errors
from gateway.body import Operation, Refusal, parse_query, read_operation
from gateway.budget import budget
from gateway.conditional import conditional
from gateway.context import OperationContext
from gateway.negotiation import JSON, accepts, answer_type
from gateway.operations import Answer, MayChange, with_cost
from gateway.record import Record, record_of
from schema import errcode
from services.runtime.deadline import deadline_in, time_left

COST_HEADER = "graphql-cost"
BY_ID = {"documentId", "extensions"}
"""What in an address may say which document is meant."""
HTML, EVENT_STREAM = "text/html", "text/event-stream"
CLIENT_LEFT = 499
"""What the log says of a request whose client did not wait; nobody receives it."""
Run = Callable[[Operation, OperationContext], Coroutine[Any, Any, Answer]]
MakeContext = Callable[[Scope, str | None], OperationContext]
Stream = Callable[[Operation, OperationContext], Response]
"""A response that sends answers as they come."""
Page = Callable[[Request], Awaitable[Response | None]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Intake:
    """What the endpoint takes."""

    body_bytes: int
    """The most that a body may have."""
    seconds: float
    """The most that a request may take."""
    open_get: bool
    """Whether any query may be asked by GET."""


class GraphQLView:
    """The endpoint: an ASGI application that answers one operation for each request, and a page to browsers."""

    def __init__(
        self,
        run: Run,
        stream: Stream,
        make_context: MakeContext,
        page: Page,
        intake: Intake,
    ) -> None:
        """`page` gives what a browser gets; None for nothing."""
        self._run = run
        self._stream = stream
        self._make_context = make_context
        self._page = page
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        record, accept = record_of(request.scope), ",".join(request.headers.getlist("accept"))
        try:
            if request.method == "GET" and accepts(accept, HTML) and (page := await self._page(request)):
                return page
            return await self._answer(request, record, accept)
        except Refusal as refusal:
            record.code = refusal.error.code
            return refused(refusal, accept)
        except (ClientDisconnect, ClientLeft):
            return Response(status_code=CLIENT_LEFT)

    async def _answer(self, request: Request, record: Record, accept: str) -> Response:
        if request.method != "POST" and not self._asks_in_address(request):
            raise Refusal(405, errcode.InvalidOperation("the method must be POST"), {"allow": "POST"})
        if accepts(accept, EVENT_STREAM):
            record.streamed = True
            return await self._begin(request, budget(request.headers, self._intake.seconds))
        if (media := answer_type(accept)) is None:
            raise Refusal(406, errcode.InvalidOperation("accept: must allow application/graphql-response+json or json"))
        with deadline_in(budget(request.headers, self._intake.seconds)):
            return await self._operate(request, record, media)

    async def _begin(self, request: Request, seconds: float) -> Response:
        """What sends answers as they come; what of them is not a subscription's has so many seconds."""
        with deadline_in(seconds):
            operation = await self._read(request)
            context = self._make_context(request.scope, request.headers.get("authorization"))
            context.seconds = time_left(seconds)
        return self._stream(operation, context)

    def _asks_in_address(self, request: Request) -> bool:
        """Whether the address holds a document, or where that is open a query."""
        given = request.query_params.keys()
        return request.method == "GET" and bool(given & BY_ID or (self._intake.open_get and "query" in given))

    async def _operate(self, request: Request, record: Record, media: str) -> Response:
        operation = await self._read(request)
        context = self._make_context(request.scope, request.headers.get("authorization"))
        try:
            answer = await while_connected(request.receive, self._run(operation, context))
        finally:
            record.operation, record.viewer = context.operation_name, context.viewer
        if isinstance(answer.error, MayChange):
            raise Refusal(405, answer.error, {"allow": "POST"})
        if context.prepared and request.headers.get(COST_HEADER) == "report":
            answer = with_cost(answer, operation, context.prepared)
        record.code = answer.error.code if answer.error else errcode.OK
        record.degraded = context.degraded
        status = errors.http_status(answer.error, has_data=answer.has_data, media=media)
        headers = {"cache-control": answer.cache_control}
        if answer.error and answer.error.retry_after:
            headers["retry-after"] = str(answer.error.retry_after)
        return conditional(request, json_response(answer.encoded, status, media, headers))

    async def _read(self, request: Request) -> Operation:
        if request.method == "GET":
            operation = parse_query(request.query_params)
            if operation.document_id is None and not self._intake.open_get:
                raise Refusal(405, errcode.InvalidOperation("the method must be POST"), {"allow": "POST"})
            return operation
        try:
            async with asyncio.timeout(time_left(self._intake.seconds)):
                return await read_operation(request, self._intake.body_bytes)
        except TimeoutError as error:
            late = errcode.DeadlineExceeded("the body did not arrive in time")
            raise Refusal(408, late, {"connection": "close"}) from error


def refused(refusal: Refusal, accept: str) -> Response:
    """The answer to what was refused, in the type that the client likes best, or at least knows."""
    content = {"errors": [errors.entry(refusal.error)]}
    return json_response(orjson.dumps(content), refusal.status, answer_type(accept) or JSON, refusal.headers)


def json_response(content: bytes, status: int, media: str, headers: dict[str, str] | None = None) -> Response:
    """A response of this media type in UTF-8; for whoever asked, and kept nowhere unless `headers` say otherwise."""
    fixed = {"content-type": f"{media}; charset=utf-8", "cache-control": "no-store"}
    return Response(content, status, fixed | (headers or {}))


class ClientLeft(Exception):
    """The client closed the connection before it had its answer."""


async def while_connected(receive: Receive, work: Awaitable[T]) -> T:
    """The result of `work`, which is cancelled as soon as the client leaves; then raises ClientLeft."""
    results: list[T] = []
    try:
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(_raise_when_gone(receive))
            results.append(await work)
            watch.cancel()
    except* ClientLeft:
        results.clear()
    if not results:
        raise ClientLeft
    return results[0]


async def _raise_when_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise ClientLeft
