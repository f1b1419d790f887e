"""Beginning and end of an account's life."""

from schema.generated.account.v1 import account_pb2 as pb
from schema.generated.account.v1.account_pb2_grpc import AccountServiceServicer
from services.account.biz import Lives
from services.account.service.messages import account_to_message, viewer_from_message
from services.runtime.server import Context


class LivingServicer(AccountServiceServicer):
    """Closes, reopens and suspends accounts."""

    _lives: Lives

    async def CloseAccount(  # noqa: N802
        self, request: pb.CloseAccountRequest, context: Context
    ) -> pb.CloseAccountResponse:
        """The account, CLOSING."""
        actor = viewer_from_message(request.actor)
        account = await self._lives.close(actor, request.account_id, request.reason)
        return pb.CloseAccountResponse(account=account_to_message(account))

    async def ReopenAccount(  # noqa: N802
        self, request: pb.ReopenAccountRequest, context: Context
    ) -> pb.ReopenAccountResponse:
        """The account, ACTIVE."""
        actor = viewer_from_message(request.actor)
        account = await self._lives.reopen(actor, request.account_id, request.reason)
        return pb.ReopenAccountResponse(account=account_to_message(account))

    async def SuspendAccount(  # noqa: N802
        self, request: pb.SuspendAccountRequest, context: Context
    ) -> pb.SuspendAccountResponse:
        """The account, SUSPENDED."""
        actor = viewer_from_message(request.actor)
        account = await self._lives.suspend(actor, request.account_id, request.reason)
        return pb.SuspendAccountResponse(account=account_to_message(account))

    async def EndClosures(  # noqa: N802
        self, request: pb.EndClosuresRequest, context: Context
    ) -> pb.EndClosuresResponse:
        """Which accounts this call has closed for good."""
        account_ids, has_more = await self._lives.end_closures(request.limit)
        return pb.EndClosuresResponse(account_ids=account_ids, has_more=has_more)
