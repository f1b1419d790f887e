"""Whether this process lives, whether it should get requests, and which backends answer it."""

import asyncio
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from schema import errcode
from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.admin.v1 import admin_pb2
from schema.generated.banner.v1 import banner_pb2
from schema.generated.permission.v1 import permission_pb2
from services.runtime.lifecycle import Readiness
from services.runtime.shedding import Limiter

CHECK_SECONDS = 0.5
"""How long a backend may take to say how it is."""
NEEDED = "account"
"""Without this backend nobody can be recognised; without any other, answers only have gaps."""
CONTRACTS: Mapping[str, ModuleType] = {
    "account": account_pb2,
    "permission": permission_pb2,
    "banner": banner_pb2,
    "activity": activity_pb2,
    "admin": admin_pb2,
}
"""The backends that the gateway asks."""


class Health:
    """How this process and the backends behind it are."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel], readiness: Readiness) -> None:
        self._stubs = {name: health_pb2_grpc.HealthStub(channel) for name, channel in channels.items()}
        self._readiness = readiness
        self.limiter = Limiter(readiness.pulse)
        """How many requests this process takes on."""

    @property
    def stopping(self) -> bool:
        """Whether the process is on its way out, so that no new requests should come here."""
        return self._readiness.stopping

    @property
    def overloaded(self) -> bool:
        """Whether the process refuses requests and has for a while, or its event loop stands still."""
        return self.limiter.exhausted or self._readiness.pulse.stuck

    async def stopped(self) -> None:
        """Returns when the process is on its way out."""
        await self._readiness.stopped()

    async def backends(self) -> dict[str, bool]:
        """Whether each backend answers that it serves; all are asked at once."""
        answers = await asyncio.gather(*(self._serves(name) for name in self._stubs))
        return dict(zip(self._stubs, answers, strict=True))

    async def _serves(self, name: str) -> bool:
        request = health_pb2.HealthCheckRequest(service=service_name(name))
        try:
            reply = await self._stubs[name].Check(request, timeout=CHECK_SECONDS)
        except (errcode.AtriumError, grpc.aio.AioRpcError):
            return False
        return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)


def service_name(backend: str) -> str:
    """Full name of a backend's gRPC service: `account.v1.AccountService`."""
    service: Any = next(iter(CONTRACTS[backend].DESCRIPTOR.services_by_name.values()))
    return str(service.full_name)


def summary(serving: Mapping[str, bool], *, stopping: bool, overloaded: bool) -> str:
    """One word: `stopping`, `overloaded` or `down` when it should get no requests, `degraded` with gaps, or `ready`."""
    if stopping:
        return "stopping"
    if overloaded:
        return "overloaded"
    if not serving[NEEDED]:
        return "down"
    return "ready" if all(serving.values()) else "degraded"


async def live(_request: Request) -> Response:
    """Answers as long as the event loop turns."""
    return PlainTextResponse("ok\n")


async def ready(request: Request) -> Response:
    """200 when requests should come here, else 503; and how each backend is."""
    health: Health = request.app.state.health
    serving = await health.backends()
    status = summary(serving, stopping=health.stopping, overloaded=health.overloaded)
    content = {"status": status, "backends": {name: "up" if up else "down" for name, up in serving.items()}}
    return JSONResponse(content, 200 if status in ("ready", "degraded") else 503)
