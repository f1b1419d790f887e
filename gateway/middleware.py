"""What surrounds every request, whatever it asks for: trace, log line, metrics, and the last word on errors."""

import asyncio
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import errors
from gateway.body import Refusal
from gateway.record import Record, record_of
from gateway.view import refused
from schema import errcode
from services.runtime.channels import CallTally, call_tally
from services.runtime.telemetry import Metrics, start_trace

MOST_PATH_CHARACTERS = 200
_log = structlog.get_logger(__name__)


class TraceHeaders:
    """Takes over or begins the trace, and tells its id in `x-trace-id` of every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        trace = start_trace(Headers(scope=scope).get("traceparent"))

        async def send_traced(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["x-trace-id"] = trace
                headers.setdefault("x-content-type-options", "nosniff")
            await send(message)

        return await self._app(scope, receive, send_traced)


class AccessLog:
    """One log line and one measurement for each request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started = time.perf_counter()
        record, tally, status = record_of(scope), CallTally(), [0]
        call_tally.set(tally)

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
            await send(message)

        try:
            return await self._app(scope, receive, send_noted)
        finally:
            self._note(scope, record, tally, status[0], time.perf_counter() - started)

    def _note(
        self, scope: MutableMapping[str, Any], record: Record, tally: CallTally, status: int, seconds: float
    ) -> None:
        if status >= 400 and record.code == errcode.OK:
            record.code = status * 10_000  # Refused before there was anything to say about it: no such path.
        if scope["path"] == "/graphql" and not record.streamed:
            self._metrics.requests.labels(str(record.code), record.viewer).observe(seconds)
            self._metrics.request_rpcs.observe(tally.share)
        if record.code != errcode.OK:
            self._metrics.errors_logged.labels(str(record.code)).inc()
        _log.info(
            "request",
            method=scope["method"],
            path=scope["path"][:MOST_PATH_CHARACTERS],
            status=status,
            code=record.code,
            operation=record.operation,
            viewer=record.viewer,
            ms=round(seconds * 1000, 2),
            rpcs=tally.count,
            shared=tally.shared,
            degraded=record.degraded,
        )


class LastResort:
    """Answers INTERNAL for what nobody foresaw, so that no text of an exception reaches a client.

    A request that is cancelled, because the process ends and its time to finish is over, is answered OVERLOADED.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        begun = False

        async def send_noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        async def answer(known: errcode.AtriumError) -> None:
            record_of(scope).code = known.code
            if not begun:
                accept = ",".join(Headers(scope=scope).getlist("accept"))
                await refused(Refusal(known.http_status, known), accept)(scope, receive, send)

        try:
            await self._app(scope, receive, send_noted)
        except asyncio.CancelledError:
            await answer(errcode.Overloaded("this process is stopping: retry"))
            raise
        except Exception as error:
            known = errcode.Internal()
            errors.log_failures([(known, error)])
            await answer(known)
