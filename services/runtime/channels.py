"""gRPC channels to the backends: each call gets a deadline, is counted, and fails with an error of the catalogue."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from services.runtime.errors import from_grpc
from services.runtime.telemetry import Metrics

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


@asynccontextmanager
async def open_channel(backend: str, address: str, metrics: Metrics) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to `backend` at `address` (`unix:/path` or `host:port`); connects on first use."""
    channel = grpc.aio.insecure_channel(address, options=OPTIONS, interceptors=[CallInterceptor(backend, metrics)])
    try:
        yield channel
    finally:
        await channel.close()


class CallInterceptor(grpc.aio.UnaryUnaryClientInterceptor):
    """Counts each call; turns its failure into an AtriumError."""

    def __init__(self, backend: str, metrics: Metrics) -> None:
        self._backend = backend
        self._metrics = metrics

    async def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Any], Any],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """Sends the request and answers the reply message."""
        started = time.perf_counter()
        code = grpc.StatusCode.OK
        try:
            call = await continuation(client_call_details, request)
            return await call
        except grpc.aio.AioRpcError as error:
            code = error.code()
            raise from_grpc(error, self._backend) from error
        finally:
            method = client_call_details.method
            name = method.decode() if isinstance(method, bytes) else method
            self._metrics.rpcs_sent.labels(self._backend, name.rsplit("/", 1)[-1], code.name).observe(
                time.perf_counter() - started
            )
