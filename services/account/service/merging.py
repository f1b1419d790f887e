"""The steps of a merge that are taken here."""

from schema.generated.account.v1 import account_pb2 as pb
from schema.generated.account.v1.account_pb2_grpc import AccountServiceServicer
from services.account.biz import Merges
from services.account.service.messages import account_to_message, viewer_from_message
from services.runtime.server import Context


class MergingServicer(AccountServiceServicer):
    """Checks, begins and ends merges, and moves sessions."""

    _merges: Merges

    async def CheckMerge(  # noqa: N802
        self, request: pb.CheckMergeRequest, context: Context
    ) -> pb.CheckMergeResponse:
        """What a merge would find."""
        actor = viewer_from_message(request.actor)
        refusal, sessions = await self._merges.check(actor, request.source_id, request.target_id)
        return pb.CheckMergeResponse(refusal=refusal, sessions=sessions)

    async def StartMerge(  # noqa: N802
        self, request: pb.StartMergeRequest, context: Context
    ) -> pb.StartMergeResponse:
        """The source, barred."""
        actor = viewer_from_message(request.actor)
        source = await self._merges.start(actor, request.source_id, request.target_id, request.reason)
        return pb.StartMergeResponse(source=account_to_message(source))

    async def MoveSessions(  # noqa: N802
        self, request: pb.MoveSessionsRequest, context: Context
    ) -> pb.MoveSessionsResponse:
        """How many sessions moved in this call."""
        return pb.MoveSessionsResponse(moved=await self._merges.move_sessions(request.source_id, request.target_id))

    async def FinishMerge(  # noqa: N802
        self, request: pb.FinishMergeRequest, context: Context
    ) -> pb.FinishMergeResponse:
        """The source, MERGED."""
        source = await self._merges.finish(request.source_id, request.target_id, request.actor_id, request.reason)
        return pb.FinishMergeResponse(source=account_to_message(source))
