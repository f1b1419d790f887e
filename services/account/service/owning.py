"""What somebody does with an account of their own: signing in and out, and changing it."""

from itertools import count, repeat

from schema.generated.account.v1 import account_pb2 as pb
from schema.generated.account.v1.account_pb2_grpc import AccountServiceServicer
from services.account.biz import Accounts, Sessions
from services.account.service.messages import (
    Issue,
    account_to_message,
    moment_from_message,
    opened_session_to_message,
    profile_change_from_message,
    verified_session_to_message,
    viewer_from_message,
)
from services.runtime.server import Context


class OwningServicer(AccountServiceServicer):
    """Signs in and out, says who is signed in, and changes profiles."""

    _accounts: Accounts
    _sessions: Sessions
    _issue: Issue

    async def BatchVerifySessions(  # noqa: N802
        self, request: pb.BatchVerifySessionsRequest, context: Context
    ) -> pb.BatchVerifySessionsResponse:
        """What stands behind each token, in order."""
        sessions = await self._sessions.verify(request.tokens)
        return pb.BatchVerifySessionsResponse(
            sessions=map(verified_session_to_message, count(1), sessions, repeat(self._issue))
        )

    async def SignIn(self, request: pb.SignInRequest, context: Context) -> pb.SignInResponse:  # noqa: N802
        """A new session."""
        return opened_session_to_message(await self._sessions.sign_in(request.handle, request.password), self._issue)

    async def SignOut(self, request: pb.SignOutRequest, context: Context) -> pb.SignOutResponse:  # noqa: N802
        """Whether a session was open until now."""
        return pb.SignOutResponse(ended=await self._sessions.sign_out(request.token))

    async def UpdateProfile(  # noqa: N802
        self, request: pb.UpdateProfileRequest, context: Context
    ) -> pb.UpdateProfileResponse:
        """The account after the change."""
        viewer, change = viewer_from_message(request.viewer), profile_change_from_message(request)
        account = await self._accounts.update_profile(viewer, request.version, change)
        return pb.UpdateProfileResponse(account=account_to_message(account))

    async def PurgeSessions(  # noqa: N802
        self, request: pb.PurgeSessionsRequest, context: Context
    ) -> pb.PurgeSessionsResponse:
        """How many old sessions were removed."""
        removed, has_more = await self._sessions.purge(moment_from_message(request.before), request.limit)
        return pb.PurgeSessionsResponse(removed=removed, has_more=has_more)
