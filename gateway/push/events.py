"""Operations over server-sent events: https://github.com/enisdenjo/graphql-sse, distinct connections."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import NoReturn

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.body import Operation, Refusal
from gateway.context import OperationContext
from gateway.operations import Answer
from gateway.push.connections import Connections, TooManyConnections
from gateway.push.listeners import SlowReader
from gateway.push.noted import Stream
from gateway.push.protocols import abort
from services.runtime.telemetry import Metrics

HEARTBEAT_SECONDS = 12.0
"""Proxies close a connection on which nothing happens; a comment is something."""
SEND_SECONDS = 10.0
"""How long a client may leave an event unread."""


def event_streams(
    stream: Stream, stopping: Callable[[], Awaitable[object]], connections: Connections, metrics: Metrics
) -> Callable[[Operation, OperationContext], Response]:
    """Makes responses that send the answers of `stream`; `stopping` returns when the process is about to stop.

    A client that holds too many `connections` is refused.
    """

    def respond(operation: Operation, context: OperationContext) -> Response:
        try:
            seat = context.seat = connections.take(context.address)
        except TooManyConnections as error:
            metrics.push_dropped.labels(str(error.code)).inc()
            raise Refusal(error.http_status, error, {"retry-after": str(error.retry_after)}) from error
        return EventStream(stream(operation, context), stopping, metrics, on_end=seat.leave)

    return respond


class EventStream(Response):
    """The answers as events: `next` for each, `complete` at the end, and a comment now and then.

    A reader that is too slow is cut off without `complete`, and so are all when the process stops: they are to come
    back.
    """

    def __init__(
        self,
        answers: AsyncGenerator[Answer, None],
        stopping: Callable[[], Awaitable[object]],
        metrics: Metrics,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        send_seconds: float = SEND_SECONDS,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        """`stopping` returns when the process is about to stop; `on_end` is called when all is over."""
        super().__init__(media_type="text/event-stream", headers={"cache-control": "no-store"})
        del self.headers["content-length"]
        self._answers = answers
        self._stopping = stopping
        self._metrics = metrics
        self._heartbeat_seconds = heartbeat_seconds
        self._send_seconds = send_seconds
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends until the answers end or the client leaves."""
        try:
            await self._send_all(scope, receive, send)
        finally:
            if self._on_end:
                self._on_end()

    async def _send_all(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._beat(send))
                group.create_task(_until_gone(receive))
                group.create_task(self._until_stopping())
                await self._tell(send)
                raise _Over
        except* _Over:
            pass
        except* SlowReader:
            self._metrics.push_dropped.labels(str(SlowReader.code)).inc()
            abort(scope)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, send: Send) -> None:
        async with aclosing(self._answers) as answers:
            async for answer in answers:
                if isinstance(answer.error, SlowReader):
                    raise answer.error
                await self._send(send, b"event: next\ndata: " + answer.encoded + b"\n\n")
        await self._send(send, b"event: complete\ndata:\n\n")

    async def _beat(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            await self._send(send, b":\n\n")

    async def _until_stopping(self) -> NoReturn:
        await self._stopping()
        raise _Over

    async def _send(self, send: Send, text: bytes) -> None:
        try:
            async with asyncio.timeout(self._send_seconds):
                await send({"type": "http.response.body", "body": text, "more_body": True})
        except TimeoutError as error:
            raise SlowReader from error


class _Over(Exception):
    """There is nothing more to send, or nobody to send it to."""


async def _until_gone(receive: Receive) -> NoReturn:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise _Over
