"""The account contract over gRPC: messages in, words of the business, messages out."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from schema.generated.account.v1 import account_pb2 as pb
from schema.generated.account.v1.account_pb2_grpc import AccountServiceServicer
from schema.generated.identity.v1 import identity_pb2
from services.account.biz import (
    Account,
    Accounts,
    Attributes,
    BusinessAttributes,
    CreatorAttributes,
    OpenedSession,
    PrivateAttributes,
    ProfileChange,
    Sessions,
    StaffAttributes,
    VerifiedSession,
    Viewer,
)
from services.runtime.server import Context


class AccountServicer(AccountServiceServicer):
    """Answers batches; each answer carries what a caller needs to index the reply by."""

    def __init__(self, accounts: Accounts, sessions: Sessions) -> None:
        self._accounts = accounts
        self._sessions = sessions

    async def BatchGetAccounts(  # noqa: N802
        self, request: pb.BatchGetAccountsRequest, context: Context
    ) -> pb.BatchGetAccountsResponse:
        """The visible accounts among the ids."""
        accounts = await self._accounts.by_ids(request.ids)
        return pb.BatchGetAccountsResponse(accounts=map(account_to_message, accounts))

    async def BatchGetAccountsByHandle(  # noqa: N802
        self, request: pb.BatchGetAccountsByHandleRequest, context: Context
    ) -> pb.BatchGetAccountsByHandleResponse:
        """The visible accounts among the handles."""
        accounts = await self._accounts.by_handles(request.handles)
        return pb.BatchGetAccountsByHandleResponse(accounts=map(account_to_message, accounts))

    async def BatchGetPrivateAttributes(  # noqa: N802
        self, request: pb.BatchGetPrivateAttributesRequest, context: Context
    ) -> pb.BatchGetPrivateAttributesResponse:
        """One answer for each question whose viewer may see."""
        questions = [(viewer_from_message(question.viewer), question.account_id) for question in request.questions]
        answer = pb.BatchGetPrivateAttributesResponse.Answer
        answers = [
            answer(
                viewer_account_id=viewer.account_id,
                account_id=account_id,
                attributes=private_attributes_to_message(attributes),
            )
            for viewer, account_id, attributes in await self._accounts.private_attributes(questions)
        ]
        return pb.BatchGetPrivateAttributesResponse(answers=answers)

    async def BatchListTeams(  # noqa: N802
        self, request: pb.BatchListTeamsRequest, context: Context
    ) -> pb.BatchListTeamsResponse:
        """One team for each business that has one."""
        teams = await self._accounts.teams(request.business_ids)
        team = pb.BatchListTeamsResponse.Team
        return pb.BatchListTeamsResponse(
            teams=[team(business_id=business_id, account_ids=ids) for business_id, ids in teams.items()]
        )

    async def BatchListPendingClosures(  # noqa: N802
        self, request: pb.BatchListPendingClosuresRequest, context: Context
    ) -> pb.BatchListPendingClosuresResponse:
        """One answer for each question of a staff viewer."""
        questions = [(viewer_from_message(question.viewer), question.first) for question in request.questions]
        answer = pb.BatchListPendingClosuresResponse.Answer
        answers = [
            answer(viewer_account_id=viewer.account_id, first=first, account_ids=ids)
            for viewer, first, ids in await self._accounts.pending_closures(questions)
        ]
        return pb.BatchListPendingClosuresResponse(answers=answers)

    async def BatchVerifySessions(  # noqa: N802
        self, request: pb.BatchVerifySessionsRequest, context: Context
    ) -> pb.BatchVerifySessionsResponse:
        """What stands behind each token, in order."""
        sessions = await self._sessions.verify(request.tokens)
        return pb.BatchVerifySessionsResponse(sessions=map(verified_session_to_message, sessions))

    async def SignIn(self, request: pb.SignInRequest, context: Context) -> pb.SignInResponse:  # noqa: N802
        """A new session."""
        return opened_session_to_message(await self._sessions.sign_in(request.handle, request.password))

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


def viewer_from_message(message: identity_pb2.Viewer) -> Viewer:
    """Who asks; the number of a type newer than this backend is kept."""
    return Viewer(account_id=message.account_id, account_type=message.account_type)


def viewer_to_message(account: Account) -> identity_pb2.Viewer:
    """Who is signed in to the account."""
    return identity_pb2.Viewer(
        account_id=account.id, account_type=identity_pb2.AccountType.ValueType(account.type.value)
    )


def profile_change_from_message(message: pb.UpdateProfileRequest) -> ProfileChange:
    """What is set in the request."""
    return ProfileChange(
        display_name=message.display_name if message.HasField("display_name") else None,
        handle=message.handle if message.HasField("handle") else None,
        avatar_url=message.avatar_url if message.HasField("avatar_url") else None,
        bio=message.bio if message.HasField("bio") else None,
    )


def account_to_message(account: Account) -> pb.Account:
    """What everybody may know of the account."""
    public = _PUBLIC_ATTRIBUTES.get(type(account.attributes))
    return pb.Account(
        id=account.id,
        type=identity_pb2.AccountType.ValueType(account.type.value),
        status=pb.AccountStatus.ValueType(account.status.value),
        version=account.version,
        handle=account.handle,
        display_name=account.display_name,
        avatar_url=account.avatar_url,
        bio=account.bio,
        created_at=moment_to_message(account.created_at),
        **public(account.attributes) if public else {},
    )


def creator_attributes_to_message(attributes: CreatorAttributes) -> pb.CreatorAttributes:
    """What a creator account has."""
    return pb.CreatorAttributes(category=attributes.category, verified=attributes.verified)


def business_attributes_to_message(attributes: BusinessAttributes) -> pb.BusinessAttributes:
    """What a business account has."""
    return pb.BusinessAttributes(
        company_name=attributes.company_name, industry=attributes.industry, verified=attributes.verified
    )


def staff_attributes_to_message(attributes: StaffAttributes) -> pb.StaffAttributes:
    """What a staff account has."""
    return pb.StaffAttributes(department=attributes.department)


_PUBLIC_ATTRIBUTES: dict[type[Attributes], Callable[[Any], dict[str, Any]]] = {
    CreatorAttributes: lambda attributes: {"creator": creator_attributes_to_message(attributes)},
    BusinessAttributes: lambda attributes: {"business": business_attributes_to_message(attributes)},
    StaffAttributes: lambda attributes: {"staff": staff_attributes_to_message(attributes)},
}
"""The field of an account's message for the attributes of its type, where everybody may know them."""


def private_attributes_to_message(attributes: PrivateAttributes) -> pb.PrivateAttributes:
    """What only the account itself and staff may see."""
    return pb.PrivateAttributes(birthday=attributes.birthday.isoformat() if attributes.birthday else None)


def opened_session_to_message(session: OpenedSession) -> pb.SignInResponse:
    """A new session with its token."""
    return pb.SignInResponse(
        token=session.token,
        expires_at=moment_to_message(session.expires_at),
        account=account_to_message(session.account),
    )


def verified_session_to_message(session: VerifiedSession) -> pb.VerifiedSession:
    """What stands behind a token."""
    message = pb.VerifiedSession(state=pb.VerifiedSession.State.ValueType(session.state.value))
    if session.account and session.expires_at:
        message.viewer.CopyFrom(viewer_to_message(session.account))
        message.account_status = pb.AccountStatus.ValueType(session.account.status.value)
        message.expires_at.CopyFrom(moment_to_message(session.expires_at))
    return message


def moment_to_message(moment: datetime) -> Timestamp:
    """A moment in UTC."""
    message = Timestamp()
    message.FromDatetime(moment)
    return message
