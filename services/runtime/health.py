"""gRPC's health service. The library's own keeps its watchers, and with them the process, until the drain is over."""

import asyncio
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
Status = health_pb2.HealthCheckResponse
Context = grpc.aio.ServicerContext[Any, Any]


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # The package has no types.
    """Tells for each service, and by "" for all together, whether it serves."""

    def __init__(self, *services: str) -> None:
        """None of `services` serves yet."""
        self._ready = dict.fromkeys(("", *services), False)
        self._changed = asyncio.Condition()
        self._closed = False
        self._paused = False

    async def serving(self, service: str) -> None:
        """From now on this service serves, unless everything is closed."""
        async with self._changed:
            self._ready[service] = True
            self._changed.notify_all()

    async def serves(self, service: str) -> bool:
        """Whether this service serves."""
        return bool(self._status(service) == Status.SERVING)

    async def pause(self, paused: bool) -> None:
        """While this is true, nothing serves."""
        if paused != self._paused:
            async with self._changed:
                self._paused = paused
                self._changed.notify_all()

    async def close(self) -> None:
        """From now on nothing serves; whoever watches is told, and then sent away."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _status(self, service: str) -> int:
        if service not in self._ready:
            return int(Status.SERVICE_UNKNOWN)
        serves = self._ready[service] and not self._closed and not self._paused
        return int(Status.SERVING if serves else Status.NOT_SERVING)

    async def Check(  # noqa: N802 - the contract's name.
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        """The status of a service that is here."""
        status = self._status(request.service)
        if status == Status.SERVICE_UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such service here")
        return Status(status=status)

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:  # noqa: N802
        """The status now, and again whenever it is another one."""
        told = None
        while True:
            status = self._status(request.service)
            if status != told:
                await context.write(Status(status=status))
            told = status
            if self._closed:
                return
            await self._differs(request.service, told)

    async def _differs(self, service: str, told: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or self._status(service) != told)
