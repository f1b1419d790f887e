"""Messages of the account contract and words of the business, each turned into the other once."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from schema.generated.account.v1 import account_pb2 as pb
from schema.generated.identity.v1 import identity_pb2
from services.account.biz import (
    ACTING,
    Account,
    AccountChange,
    AccountFilter,
    AccountType,
    Attributes,
    BusinessAttributes,
    CreatorAttributes,
    NewAccount,
    OpenedSession,
    PrivateAttributes,
    ProfileChange,
    StaffAttributes,
    VerifiedSession,
    Viewer,
)

Issue = Callable[[int, "identity_pb2.AccountType.ValueType"], identity_pb2.Viewer]
"""Proves that somebody is the account with this id and type."""


def viewer_from_message(message: identity_pb2.Viewer) -> Viewer:
    """Who asks; the number of a type newer than this backend is kept."""
    return Viewer(account_id=message.account_id, account_type=message.account_type)


def viewer_to_message(account: Account, issue: Issue) -> identity_pb2.Viewer:
    """Who is signed in to the account: proved, unless it is one that may not act."""
    account_type = identity_pb2.AccountType.ValueType(account.type.value)
    if account.status not in ACTING:
        return identity_pb2.Viewer(account_id=account.id, account_type=account_type)
    return issue(account.id, account_type)


def profile_change_from_message(message: pb.UpdateProfileRequest) -> ProfileChange:
    """What is set in the request."""
    return ProfileChange(**{name: _given(message, name) for name in _PROFILE})


def account_change_from_message(message: pb.ChangeAccountRequest) -> AccountChange:
    """What is set in the request."""
    return AccountChange(**{name: _given(message, name) for name in (*_PROFILE, *_OWN)})


def _given(message: Any, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None


def filter_from_message(message: pb.SearchAccountsRequest) -> AccountFilter:
    """Which accounts are to be found."""
    return AccountFilter(
        first=message.first,
        after_id=message.after_id,
        ids=tuple(message.ids),
        handle_prefix=message.handle_prefix,
        name_part=message.name_part,
        types=tuple(message.types),
        statuses=tuple(message.statuses),
    )


def new_account_from_message(message: pb.CreateAccountRequest) -> NewAccount:
    """The account to be opened."""
    chosen = message.WhichOneof("attributes")
    return NewAccount(
        type=AccountType(message.type),
        handle=message.handle,
        display_name=message.display_name,
        password=message.password,
        attributes=_ATTRIBUTES_OF[chosen](getattr(message, chosen)) if chosen else None,
    )


def creator_attributes_from_message(message: pb.CreatorAttributes) -> CreatorAttributes:
    """What a creator account has."""
    category = message.category if message.HasField("category") else None
    return CreatorAttributes(category=category, verified=message.verified)


def business_attributes_from_message(message: pb.BusinessAttributes) -> BusinessAttributes:
    """What a business account has."""
    industry = message.industry if message.HasField("industry") else None
    return BusinessAttributes(company_name=message.company_name, industry=industry, verified=message.verified)


def staff_attributes_from_message(message: pb.StaffAttributes) -> StaffAttributes:
    """What a staff account has."""
    return StaffAttributes(department=message.department)


_ATTRIBUTES_OF: dict[str, Callable[[Any], Attributes]] = {
    "creator": creator_attributes_from_message,
    "business": business_attributes_from_message,
    "staff": staff_attributes_from_message,
}
"""What is in each field of a message that may hold the attributes of an account."""
_PROFILE = ("display_name", "handle", "avatar_url", "bio")
_OWN = ("verified", "category", "company_name", "industry", "department", "birthday")
"""The attributes of a request to change an account that only some types have."""


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


def opened_session_to_message(session: OpenedSession, issue: Issue) -> pb.SignInResponse:
    """A new session with its token."""
    return pb.SignInResponse(
        token=session.token,
        expires_at=moment_to_message(session.expires_at),
        account=account_to_message(session.account),
        viewer=viewer_to_message(session.account, issue),
    )


def verified_session_to_message(question: int, session: VerifiedSession, issue: Issue) -> pb.VerifiedSession:
    """What stands behind the token at that place from 1."""
    message = pb.VerifiedSession(question=question, state=pb.VerifiedSession.State.ValueType(session.state.value))
    if session.account and session.expires_at:
        message.viewer.CopyFrom(viewer_to_message(session.account, issue))
        message.account_status = pb.AccountStatus.ValueType(session.account.status.value)
        message.expires_at.CopyFrom(moment_to_message(session.expires_at))
    return message


def moment_from_message(message: Timestamp) -> datetime:
    """A moment in UTC."""
    return message.ToDatetime(UTC)


def moment_to_message(moment: datetime) -> Timestamp:
    """A moment in UTC."""
    message = Timestamp()
    message.FromDatetime(moment)
    return message
