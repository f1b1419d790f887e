"""A backend of a few lines, on a contract of the house: its one RPC does what the test hands in."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc.aio
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from schema.generated.banner.v1 import banner_pb2 as pb
from schema.generated.banner.v1 import banner_pb2_grpc as rpc
from schema.generated.identity.v1 import identity_pb2
from services.runtime.backend import Backend, Demo, Resources
from services.runtime.database import metadata

Answer = Callable[[pb.BatchListBannersRequest], Awaitable[pb.BatchListBannersResponse]]
METHOD = "BatchListBanners"
QUESTION = pb.BatchListBannersRequest.Question(
    viewer=identity_pb2.Viewer(account_id=1, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL),
    slot=pb.BANNER_SLOT_HOME_TOP,
)
REQUEST = pb.BatchListBannersRequest(questions=[QUESTION])
"""A request that the contract allows."""


class Servicer(rpc.BannerServiceServicer):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def BatchListBanners(
        self, request: pb.BatchListBannersRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.BatchListBannersResponse:
        return await self._answer(request)


async def nothing(_request: pb.BatchListBannersRequest) -> pb.BatchListBannersResponse:
    """The answer of a backend that is well and has no banner."""
    return pb.BatchListBannersResponse()


def backend_that(answer: Answer = nothing) -> Backend:
    """A backend whose only RPC answers by `answer`."""

    def attach(server: grpc.aio.Server, _resources: Resources) -> None:
        rpc.add_BannerServiceServicer_to_server(Servicer(answer), server)

    async def load_demo(_resources: Resources, demo: Demo) -> None:
        demo.report(demo.accounts)

    return Backend(
        name="banner",
        service="banner.v1.BannerService",
        metadata=metadata(),
        attach=attach,
        load_demo=load_demo,
        count_demo=lambda demo: demo.accounts,
    )


async def reflected(channel: grpc.aio.Channel) -> set[str]:
    """The services that the server says it has."""
    ask = reflection_pb2.ServerReflectionRequest(list_services="")
    call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([ask]))
    async for reply in call:
        return {service.name for service in reply.list_services_response.service}
    return set()


def is_there(address: str) -> bool:
    """Whether the socket of a `unix:/path` address exists."""
    return Path(address.removeprefix("unix:")).is_socket()
