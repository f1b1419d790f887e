"""What every process of backends does to its own stores when it is asked to."""

from collections.abc import Mapping

import grpc.aio

from schema.errcode import InvalidArgument
from schema.generated.upkeep.v1 import upkeep_pb2, upkeep_pb2_grpc
from services.runtime.backend import Backend, Resources
from services.runtime.inbox import purge_inbox
from services.runtime.outbox import purge_outbox
from services.runtime.server import Context


def add_upkeep(server: grpc.aio.Server, backends: Mapping[Backend, Resources]) -> None:
    """Lets the server be asked for the upkeep of the stores of these backends."""
    upkeep_pb2_grpc.add_UpkeepServiceServicer_to_server(UpkeepServicer(backends), server)


class UpkeepServicer(upkeep_pb2_grpc.UpkeepServiceServicer):
    """Removes what was only kept to be safe."""

    def __init__(self, backends: Mapping[Backend, Resources]) -> None:
        self._here = {backend.name: (backend, resources) for backend, resources in backends.items()}

    async def PurgeEvents(  # noqa: N802
        self, request: upkeep_pb2.PurgeEventsRequest, context: Context
    ) -> upkeep_pb2.PurgeEventsResponse:
        """How many rows of outbox and inbox went."""
        if request.backend not in self._here:
            raise InvalidArgument("backend", "is not served here")
        backend, resources = self._here[request.backend]
        before = request.before.ToDatetime(resources.clock().tzinfo)
        reply = upkeep_pb2.PurgeEventsResponse()
        if backend.outbox is not None:
            reply.sent = await purge_outbox(resources.database, backend.outbox, before)
        if backend.inbox is not None:
            reply.taken = await purge_inbox(resources.database, backend.inbox, before)
        return reply
