"""gRPC channels to the backends: each call gets a deadline, is counted, and fails with an error of the catalogue."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc
import grpc.aio

from schema import errcode
from services.runtime.deadline import time_left
from services.runtime.errors import from_grpc
from services.runtime.lane import lane
from services.runtime.telemetry import Metrics, traceparent
from services.runtime.telemetry.tracing import client_interceptors

CALL_SECONDS = 5.0
"""How long a call may take where nobody set a deadline."""
OPTIONS = [
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.keepalive_time_ms", 5000),
    ("grpc.keepalive_timeout_ms", 2000),
    ("grpc.http2.ping_timeout_ms", 2000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
]


class Cancellable(Protocol):
    """A call, or the wait for one."""

    def cancel(self) -> bool:
        """Ends it, unless it has ended."""
        ...


@dataclass(slots=True, eq=False)
class CallTally:
    """The RPCs that were sent on behalf of one request."""

    count: int = 0
    """How many."""
    shared: int = 0
    """How many of them were sent on behalf of other requests, too."""
    share: float = 0.0
    """The request's part of them: of a call that n requests share, 1/n. Over all requests this adds up to the calls."""
    _in_flight: set[Cancellable] = field(default_factory=set)

    def add(self, callers: int = 1) -> None:
        """Counts a call that is sent on behalf of so many requests."""
        self.count += 1
        self.shared += callers > 1
        self.share += 1 / callers

    def hold(self, work: Cancellable) -> None:
        """The request waits for this from now on."""
        self._in_flight.add(work)

    def release(self, work: Cancellable) -> None:
        """It does so no longer."""
        self._in_flight.discard(work)

    def abandon(self) -> None:
        """Cancels what is still in flight: nobody waits for it any more."""
        for work in tuple(self._in_flight):
            work.cancel()


call_tally: ContextVar[CallTally | None] = ContextVar("atrium_call_tally", default=None)
"""Where the RPCs of the current request are counted; set by whoever begins a request."""


@asynccontextmanager
async def open_channel(backend: str, address: str, metrics: Metrics) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to `backend` at `address` (`unix:/path` or `host:port`); connects on first use."""
    interceptors = [CallInterceptor(backend, metrics), *client_interceptors()]
    channel = grpc.aio.insecure_channel(address, options=OPTIONS, interceptors=interceptors)
    try:
        yield channel
    finally:
        await channel.close()


@asynccontextmanager
async def open_channels(addresses: Mapping[str, str], metrics: Metrics) -> AsyncIterator[dict[str, grpc.aio.Channel]]:
    """A channel to each backend, by its name."""
    async with AsyncExitStack() as closing:
        yield {
            backend: await closing.enter_async_context(open_channel(backend, address, metrics))
            for backend, address in addresses.items()
        }


class CallInterceptor(grpc.aio.UnaryUnaryClientInterceptor):
    """Gives each call the time left, trace and lane; counts it; turns its failure into an AtriumError."""

    def __init__(self, backend: str, metrics: Metrics) -> None:
        self._backend = backend
        self._metrics = metrics

    async def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Any],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """Sends the request and answers the reply message; DeadlineExceeded, unsent, when no time is left."""
        details = _completed(client_call_details)
        tally = call_tally.get() or CallTally()
        tally.add()
        with self._measured(_method(details)):
            call = await continuation(details, request)
            tally.hold(call)
            try:
                return await call
            finally:
                tally.release(call)

    @contextmanager
    def _measured(self, method: str) -> Iterator[None]:
        started = time.perf_counter()
        code = grpc.StatusCode.OK
        try:
            yield
        except grpc.aio.AioRpcError as error:
            code = error.code()
            raise from_grpc(error, self._backend) from error
        except asyncio.CancelledError:
            code = grpc.StatusCode.CANCELLED
            raise
        finally:
            elapsed = time.perf_counter() - started
            self._metrics.rpcs_sent.labels(self._backend, method, code.name).observe(elapsed)


def _completed(details: grpc.aio.ClientCallDetails) -> grpc.aio.ClientCallDetails:
    """The call with a timeout, the current trace and the current lane."""
    timeout = time_left(default=CALL_SECONDS, cap=details.timeout)
    if timeout <= 0:
        raise errcode.DeadlineExceeded()
    metadata = grpc.aio.Metadata(*(details.metadata or ()))
    if parent := traceparent():
        metadata["traceparent"] = parent
    if name := lane():
        metadata["lane"] = name
    return grpc.aio.ClientCallDetails(details.method, timeout, metadata, details.credentials, details.wait_for_ready)


def _method(details: grpc.aio.ClientCallDetails) -> str:
    name = details.method.decode() if isinstance(details.method, bytes) else details.method
    return name.rsplit("/", 1)[-1]
