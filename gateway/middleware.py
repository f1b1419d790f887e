"""What surrounds every request, whatever it asks for: trace, log line, metrics, and the last word on errors."""

import asyncio
import time
from collections.abc import MutableMapping
from functools import cache
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import errors
from gateway.body import Refusal
from gateway.gaps import counting
from gateway.record import record_of
from gateway.view import refused
from schema import errcode
from services.runtime.channels import CallTally, call_tally
from services.runtime.telemetry import Metrics, start_trace

MOST_PATH_CHARACTERS = 200
ENDPOINT = "/graphql"
TRACEPARENT, TRACE_ID = b"traceparent", b"x-trace-id"
SNIFFING, NO_SNIFFING = b"x-content-type-options", b"nosniff"
_log = structlog.get_logger(__name__)


class Edge:
    """The edge of the gateway, where each request gets its trace, one log line and one measurement.

    What nobody foresaw is answered INTERNAL, so that no text of an exception reaches a client; a request that is
    cancelled, because the process ends and its time to finish is over, OVERLOADED.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._seconds = cache(metrics.requests.labels)
        self._rpcs = metrics.request_rpcs
        self._errors = metrics.errors_logged
        self._count_gaps = counting(metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        exchange = Exchange(scope, send)
        try:
            await self._app(scope, receive, exchange.send)
        except asyncio.CancelledError:
            await exchange.fail(errcode.Overloaded("this process is stopping: retry"), receive)
            raise
        except Exception as error:
            known = errcode.Internal()
            errors.log_failures([(known, error)])
            await exchange.fail(known, receive)
        finally:
            self._note(exchange)

    def _note(self, exchange: "Exchange") -> None:
        scope, record, seconds = exchange.scope, exchange.record, time.perf_counter() - exchange.began
        if exchange.status >= 400 and record.code == errcode.OK:
            record.code = exchange.status * 10_000  # Refused before there was anything to say about it: no such path.
        if scope["path"] == ENDPOINT and not record.streamed:
            self._seconds(str(record.code), record.viewer).observe(seconds)
            self._rpcs.observe(exchange.tally.share)
        self._count_gaps(record.degraded)
        if record.code != errcode.OK:
            self._errors.labels(str(record.code)).inc()
        _log.info(
            "request",
            method=scope["method"],
            path=scope["path"][:MOST_PATH_CHARACTERS],
            status=exchange.status,
            code=record.code,
            operation=record.operation,
            viewer=record.viewer,
            ms=round(seconds * 1000, 2),
            rpcs=exchange.tally.count,
            shared=exchange.tally.shared,
            degraded=len(record.degraded),
        )


class Exchange:
    """One request and its answer: tells the trace in the answer's headers, and notes what becomes of it."""

    __slots__ = ("_send", "_trace", "began", "record", "scope", "status", "tally")

    def __init__(self, scope: MutableMapping[str, Any], send: Send) -> None:
        self.began = time.perf_counter()
        self.scope = scope
        self.record = record_of(scope)
        self.tally = CallTally()
        self.status = 0
        """0 until the answer begins."""
        self._send = send
        parent = next((value for name, value in scope["headers"] if name == TRACEPARENT), None)
        self._trace = start_trace(parent.decode("latin-1") if parent else None).encode()
        call_tally.set(self.tally)

    async def send(self, message: Message) -> None:
        """Sends a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ()), (TRACE_ID, self._trace)]
            if all(name != SNIFFING for name, _ in headers):
                headers.append((SNIFFING, NO_SNIFFING))
            message["headers"] = headers
        await self._send(message)

    async def fail(self, known: errcode.AtriumError, receive: Receive) -> None:
        """Answers an error, unless the answer has begun."""
        self.record.code = known.code
        if not self.status:
            accept = ",".join(Headers(scope=self.scope).getlist("accept"))
            await refused(Refusal(known.http_status, known), accept)(self.scope, receive, self.send)


class Shortcut:
    """Goes straight to the endpoint: to look through the routes takes longer than some answers."""

    def __init__(self, app: ASGIApp, endpoint: ASGIApp) -> None:
        self._app = app
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or one connection of another kind."""
        straight = scope["type"] == "http" and scope["path"] == ENDPOINT
        await (self._endpoint if straight else self._app)(scope, receive, send)
