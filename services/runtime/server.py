"""A gRPC server as every backend runs it: validates requests, explains errors, counts calls, tells its health."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias, cast

import grpc
import grpc.aio
import protovalidate
import structlog
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from schema import errcode
from services.runtime.database import is_unavailable
from services.runtime.deadline import deadline_in
from services.runtime.errors import grpc_code, to_grpc
from services.runtime.health import SERVICE as HEALTH
from services.runtime.health import Health
from services.runtime.lane import in_lane
from services.runtime.pulse import Pulse
from services.runtime.shedding import Limiter
from services.runtime.telemetry import Metrics, start_trace
from services.runtime.telemetry.tracing import server_interceptors

_log = structlog.get_logger(__name__)

OPTIONS = [
    ("grpc.http2.min_ping_interval_without_data_ms", 4000),
    # Otherwise a client that keeps an idle connection alive is sent away: two pings in two hours are allowed.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.so_reuseport", 0),
]
LONGEST_SECONDS = 86_400.0
"""The most that a deadline means: gRPC gives those who set none an astronomical one."""
GRPC = "/grpc."
"""What methods begin with that belong to gRPC itself: health and reflection, which change and show nothing of ours."""
ALWAYS = f"/{HEALTH}/"
"""What is answered however much there is to do."""
REFUSAL = to_grpc(errcode.Overloaded())
_PLAINLY = {"must be at least 1 characters": "must not be empty"}
"""What is said of a rule of the contract instead of the words that its checker has for it."""
Context = grpc.aio.ServicerContext[Any, Any]
Method = Callable[[Any, Context], Awaitable[Any]]
"""A servicer's method; one that answers by a stream writes its messages to the context."""
Read = Callable[[bytes], Message]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class Admission(Protocol):
    """Who gets in."""

    async def admit(self, method: str, context: Context) -> None:
        """Returns when whoever calls may call the method with this path; else aborts the call."""
        ...

    def check_viewers(self, request: Message) -> None:
        """Raises Unauthenticated when the request is for a viewer who is not proved."""
        ...


def create_server(metrics: Metrics, admission: Admission, limiter: Limiter | None = None) -> grpc.aio.Server:
    """A server with every interceptor of the house and no service yet; refuses nothing where there is no limiter."""
    edge = EdgeInterceptor(metrics, admission, limiter or Limiter(Pulse()))
    return grpc.aio.server(interceptors=[*server_interceptors(), edge], options=OPTIONS)


def add_health_and_reflection(server: grpc.aio.Server, services: Sequence[str]) -> Health:
    """Lets clients ask which services are here and whether they serve; `services` are full names, none serves yet."""
    health = Health(*services)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    reflection.enable_server_reflection([*services, HEALTH, reflection.SERVICE_NAME], server)
    return health


class EdgeInterceptor(grpc.aio.ServerInterceptor):
    """The edge of a backend: the only place that lets a call in, validates it, and logs and translates its error."""

    def __init__(self, metrics: Metrics, admission: Admission, limiter: Limiter) -> None:
        self._metrics = metrics
        self._admission = admission
        self._limiter = limiter
        self._handlers: dict[str, Handler] = {}
        """Those that were wrapped, by the path of their method."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable["Handler | None"]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """Wraps calls with one request, answered by one reply or by a stream.

        Reflection, whose requests are a stream, goes through as it is; nothing else does, since nobody would be asked
        who calls.
        """
        path = handler_call_details.method
        if (known := self._handlers.get(path)) is not None:
            return known
        handler = await continuation(handler_call_details)
        if handler is None or not (handler.unary_unary or handler.unary_stream):
            return handler if path.startswith(GRPC) else None
        self._handlers[path] = self._wrapped(handler, path)
        return self._handlers[path]

    def _wrapped(self, handler: "Handler", path: str) -> "Handler":
        # The request arrives as bytes: gRPC would explain one that is no message in its own words, and log a traceback.
        method, read = handler.unary_unary or handler.unary_stream, cast(Read, handler.request_deserializer)
        guarded = self._guarded(read, cast(Method, method), path)
        if handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(guarded, None, handler.response_serializer)
        limited = guarded if path.startswith(ALWAYS) else self._limited(guarded, path)
        return grpc.unary_unary_rpc_method_handler(limited, None, handler.response_serializer)

    def _limited(self, method: Method, name: str) -> Method:
        """The method, refused before anything of it is read when there are too many calls."""

        async def call(body: bytes, context: Context) -> Any:
            entered = self._limiter.enter()
            if entered is None:
                self._metrics.shed.labels("rpc").inc()
                self._metrics.rpcs_handled.labels(name, REFUSAL.code.name).observe(0)
                return await context.abort(REFUSAL.code, REFUSAL.details or "", REFUSAL.trailing_metadata or ())
            answered = True
            try:
                return await method(body, context)
            except asyncio.CancelledError:
                answered = False
                raise
            finally:
                self._limiter.leave(entered, answered=answered)

        return call

    def _guarded(self, read: Read, method: Method, name: str) -> Method:
        async def call(body: bytes, context: Context) -> Any:
            started = time.perf_counter()
            told = _told(context)
            start_trace(told.get("traceparent"))
            code = grpc.StatusCode.OK
            try:
                await self._admission.admit(name, context)
                request = message_in(body, read)
                validate(request)
                self._admission.check_viewers(request)
                with _deadline(context), in_lane(told.get("lane", "")):
                    return await method(request, context)
            except grpc.aio.AbortError:  # Admission and the health service speak gRPC's own words.
                code = context.code()
                raise
            except asyncio.CancelledError:
                code = grpc.StatusCode.CANCELLED
                raise
            except Exception as problem:
                error = self._explain(problem, name)
                code = grpc_code(error)
                status = to_grpc(error)
                await context.abort(status.code, status.details or "", status.trailing_metadata or ())
            finally:
                elapsed = time.perf_counter() - started
                self._metrics.rpcs_handled.labels(name, code.name).observe(elapsed)

        return call

    def _explain(self, problem: Exception, method: str) -> errcode.AtriumError:
        if is_unavailable(problem):
            return self._without_store(problem, method)
        error = problem if isinstance(problem, errcode.AtriumError) else errcode.Internal()
        self._metrics.errors_logged.labels(str(error.code)).inc()
        if error.http_status >= 500 and not isinstance(error, errcode.DeadlineExceeded):  # Which is the caller's word.
            _log.error("rpc failed", method=method, code=error.code, exc_info=problem)
        else:
            _log.info("rpc refused", method=method, code=error.code, reason=error.message)
        return error

    def _without_store(self, problem: Exception, method: str) -> errcode.AtriumError:
        """The backend is unavailable when its store is. There are many of these at once: each is told in a line."""
        backend = method.strip("/").partition(".")[0]
        error = errcode.BackendUnavailable(backend)
        self._metrics.errors_logged.labels(str(error.code)).inc()
        reason = str(getattr(problem, "orig", None) or problem).partition("\n")[0]
        _log.error("store unavailable", method=method, code=error.code, reason=reason)
        return error


@contextmanager
def _deadline(context: Context) -> Iterator[None]:
    """What this call makes of others takes no longer than its own caller waits; DeadlineExceeded when that is over."""
    left = context.time_remaining()
    if left is None:
        yield
        return
    if left <= 0:  # It waited too long for its turn: whoever asked has gone.
        raise errcode.DeadlineExceeded()
    with deadline_in(min(left, LONGEST_SECONDS)):
        yield


def _told(context: Context) -> dict[str, str]:
    """What the caller says beside the request."""
    told = context.invocation_metadata() or ()
    return {key: value if isinstance(value, str) else value.decode("ascii", "replace") for key, value in told}


def message_in(body: bytes, read: Read) -> Message:
    """The request that `read` finds in the bytes; raises InvalidArgument when there is none."""
    try:
        return read(body)
    except DecodeError as error:
        raise errcode.InvalidArgument("request", "must be a message of this method") from error


def validate(request: Message) -> None:
    """Raises InvalidArgument naming the first field that breaks a rule of the contract."""
    try:
        protovalidate.validate(request, fail_fast=True)
    except protovalidate.ValidationError as error:
        violation = error.violations[0].proto
        path = ".".join(map(_step, violation.field.elements)) if violation.field else "request"
        raise errcode.InvalidArgument(path, _PLAINLY.get(violation.message, violation.message)) from error


def _step(element: Any) -> str:
    place = element.subscript
    return f"{element.field_name}[{place.value}]" if place and place.field == "index" else str(element.field_name)
