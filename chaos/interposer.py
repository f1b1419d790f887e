"""gRPC servers that stand before the backends' own: they pass calls on, fail each of them, or keep them waiting.

`python -m chaos.interposer unix:/a/front=unix:/a/back` serves at the first address of each pair and asks the second. A
line on standard input changes what is done with calls: `unix:/a/front fail`, `unix:/a/front slow 0.5` (seconds), or
`unix:/a/front pass`. Each says of its health that it serves: what fails is the calls, and whoever calls must find out.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import uvloop
from grpc_health.v1 import health_pb2_grpc

from services.backends import BACKENDS
from services.runtime.health import Health


class Interposer(grpc.GenericRpcHandler):
    """What is done with the calls at one address."""

    def __init__(self, behind: grpc.aio.Channel) -> None:
        self._behind = behind
        self._failing = False
        self._delay = 0.0

    def become(self, mood: str, seconds: float) -> None:
        """Passes, fails, or is slow from now on."""
        self._failing = mood == "fail"
        self._delay = seconds if mood == "slow" else 0.0

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        """Takes every call of one message as it is."""
        return grpc.unary_unary_rpc_method_handler(self._answering(handler_call_details.method))

    def _answering(self, method: str) -> Callable[[bytes, Any], Awaitable[bytes | None]]:
        async def answer(request: bytes, context: Any) -> bytes | None:
            if self._failing:
                await context.abort(grpc.StatusCode.INTERNAL, "it always fails")
            if self._delay:
                await asyncio.sleep(self._delay)
            metadata = [pair for pair in context.invocation_metadata() if not pair[0].startswith(("grpc-", "user-"))]
            call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._behind.unary_unary(method)
            try:
                return bytes(await call(request, timeout=context.time_remaining(), metadata=metadata))
            except grpc.aio.AioRpcError as error:
                await context.abort(error.code(), error.details() or "", error.trailing_metadata())
            return None

        return answer


async def stand_before(front: str, back: str) -> tuple[Interposer, grpc.aio.Server]:
    """What serves at `front` on behalf of `back`, as long as the server is held."""
    interposer = Interposer(grpc.aio.insecure_channel(back))
    server = grpc.aio.server(options=[("grpc.http2.min_ping_interval_without_data_ms", 4000)])
    services = [backend.service for backend in BACKENDS.values()]
    health = Health(*services)
    for service in ("", *services):
        await health.serving(service)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    server.add_generic_rpc_handlers((interposer,))
    server.add_insecure_port(front)
    await server.start()
    return interposer, server


async def run(pairs: list[str]) -> None:
    """Serves until standard input ends."""
    standing = {}
    for pair in pairs:
        front, _, back = pair.partition("=")
        standing[front] = await stand_before(front, back)
    while line := await asyncio.to_thread(sys.stdin.readline):
        front, mood, *seconds = line.split()
        standing[front][0].become(mood, float(seconds[0]) if seconds else 0.0)


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1:]))
