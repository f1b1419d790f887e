"""A server of the permission contract without a store, in a process of its own: `python -m … unix:/path [fails]`."""

import asyncio
import sys
from typing import Any

from schema import errcode
from schema.generated.permission.v1 import permission_pb2 as pb
from schema.generated.permission.v1 import permission_pb2_grpc as rpc
from services.runtime.server import add_health_and_reflection, create_server
from services.runtime.telemetry import Metrics, configure_logging
from tests.open_doors import Anybody

SERVICE = "permission.v1.PermissionService"


class Permissions(rpc.PermissionServiceServicer):
    """Allows everything, or fails every time."""

    def __init__(self, *, fails: bool) -> None:
        self._fails = fails

    async def BatchCheckPermissions(
        self, request: pb.BatchCheckPermissionsRequest, context: Any
    ) -> pb.BatchCheckPermissionsResponse:
        if self._fails:
            raise errcode.Internal
        answer = pb.BatchCheckPermissionsResponse.Answer
        allowed = [answer(viewer=each.viewer, permission=each.permission, allowed=True) for each in request.questions]
        return pb.BatchCheckPermissionsResponse(answers=allowed)


async def serve(address: str, *, fails: bool) -> None:
    """Serves until the process is killed."""
    configure_logging("critical")
    server = create_server(Metrics(), Anybody())
    rpc.add_PermissionServiceServicer_to_server(Permissions(fails=fails), server)  # type: ignore[abstract]
    health = add_health_and_reflection(server, [SERVICE])
    server.add_insecure_port(address)
    await server.start()
    await health.serving(SERVICE)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], fails="fails" in sys.argv))
