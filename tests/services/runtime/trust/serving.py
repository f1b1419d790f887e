"""A banner backend behind a real door, and channels to it."""

import tempfile
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from schema.generated.admin.v1 import admin_pb2, admin_pb2_grpc
from schema.generated.banner.v1 import banner_pb2 as pb
from schema.generated.banner.v1 import banner_pb2_grpc as rpc
from schema.generated.identity.v1 import identity_pb2
from services.runtime.channels import Caller, open_channel
from services.runtime.server import Context, add_health_and_reflection, create_server
from services.runtime.telemetry import Metrics
from services.runtime.trust import Trust

SERVICES = [f"{name}.v1.{name.title()}Service" for name in ("banner", "account", "admin")]
"""What is said to be well: a channel calls nothing that is not."""


@dataclass
class Banners(rpc.BannerServiceServicer):
    """Notes what it is asked."""

    asked: list[Any] = field(default_factory=list)

    async def BatchListBanners(
        self, request: pb.BatchListBannersRequest, context: Context
    ) -> pb.BatchListBannersResponse:
        self.asked.append(request)
        return pb.BatchListBannersResponse()


class Exports(admin_pb2_grpc.AdminServiceServicer):
    """Answers by a stream."""

    async def ExportActivities(self, request: admin_pb2.ExportActivitiesRequest, context: Context) -> None:  # type: ignore[override]
        await context.write(admin_pb2.ExportActivitiesResponse(csv=b"a,b\r\n"))


@asynccontextmanager
async def served(
    trust: Trust, banners: Banners, address: str = "", backends: Collection[str] = ("banner",)
) -> AsyncIterator[str]:
    """Where the backend is served, as one of these; at a unix socket unless an address is given."""
    with tempfile.TemporaryDirectory(prefix="atrium-") as folder:
        address = address or f"unix:{folder}/s"
        server = create_server(Metrics(), trust.admission(backends))
        rpc.add_BannerServiceServicer_to_server(banners, server)
        admin_pb2_grpc.add_AdminServiceServicer_to_server(Exports(), server)  # type: ignore[abstract]
        health = add_health_and_reflection(server, SERVICES)
        trust.listen(server, address)
        for service in ("", *SERVICES):
            await health.serving(service)
        await server.start()
        try:
            yield address
        finally:
            await server.stop(None)


def asking_for(*viewers: identity_pb2.Viewer) -> pb.BatchListBannersRequest:
    ask = pb.BatchListBannersRequest.Question
    return pb.BatchListBannersRequest(
        questions=[ask(viewer=viewer, slot=pb.BANNER_SLOT_HOME_TOP) for viewer in viewers]
    )


async def call(address: str, caller: Caller, *viewers: identity_pb2.Viewer, backend: str = "banner") -> None:
    """Asks for banners for these viewers, as this caller."""
    async with open_channel(backend, address, Metrics(), caller) as channel:
        await rpc.BannerServiceStub(channel).BatchListBanners(asking_for(*viewers))
