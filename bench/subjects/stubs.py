"""The backends as the aggregators in Python ask them: gRPC stubs, and who calls."""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc.aio

from schema.generated.account.v1 import account_pb2_grpc
from schema.generated.activity.v1 import activity_pb2_grpc
from schema.generated.banner.v1 import banner_pb2_grpc
from schema.generated.permission.v1 import permission_pb2_grpc
from services.runtime.channels import OPTIONS, PROOF
from services.runtime.settings import Settings
from services.runtime.trust import Trust, TrustedCaller

TIMEOUT = 5.0


class Stubs:
    """Stubs of the four backends."""

    def __init__(self, channels: list[grpc.aio.Channel], caller: TrustedCaller) -> None:
        """`channels` lead to account, permission, banner and activity."""
        self._caller = caller
        self.accounts = account_pb2_grpc.AccountServiceStub(channels[0])
        self.permissions = permission_pb2_grpc.PermissionServiceStub(channels[1])
        self.banners = banner_pb2_grpc.BannerServiceStub(channels[2])
        self.activities = activity_pb2_grpc.ActivityServiceStub(channels[3])

    def options(self, backend: str, method: str) -> dict[str, Any]:
        """What each call of a method of the backend comes with: a time limit, and who calls."""
        path = f"/{backend}.v1.{backend.title()}Service/{method}"
        return {"timeout": TIMEOUT, "metadata": ((PROOF, self._caller.proof(backend, path)),)}


@asynccontextmanager
async def open_stubs() -> AsyncIterator[Stubs]:
    """Stubs of the backends whose addresses stand behind the port on the command line."""
    async with AsyncExitStack() as closing:
        channels = [grpc.aio.insecure_channel(address, options=OPTIONS) for address in sys.argv[2:6]]
        for channel in channels:
            await closing.enter_async_context(channel)
        yield Stubs(channels, Trust(Settings()).caller("gateway"))
