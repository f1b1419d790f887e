"""The words of the desk in the messages of the backends that it asks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.generated.job.v1 import job_pb2
from schema.generated.permission.v1 import permission_pb2
from services.admin.biz import (
    Account,
    Activity,
    Attributes,
    BusinessAttributes,
    Change,
    CreatorAttributes,
    Difference,
    Grant,
    Merge,
    MergeStep,
    StaffAttributes,
    Viewer,
)


def to_viewer(actor: Viewer) -> identity_pb2.Viewer:
    """Who acts."""
    return identity_pb2.Viewer(
        account_id=actor.account_id,
        account_type=identity_pb2.AccountType.ValueType(actor.account_type),
        assertion=actor.assertion,
    )


def to_attributes(attributes: Attributes | None) -> Mapping[str, Any]:
    """The field of a request for what only accounts of one type have; none for a personal account."""
    match attributes:
        case CreatorAttributes(category, verified):
            return {"creator": account_pb2.CreatorAttributes(category=category, verified=verified)}
        case BusinessAttributes(name, industry, verified):
            own = account_pb2.BusinessAttributes(company_name=name, industry=industry, verified=verified)
            return {"business": own}
        case StaffAttributes(department):
            return {"staff": account_pb2.StaffAttributes(department=department)}
    return {}


def to_moment(moment: datetime | None) -> Timestamp | None:
    """A moment, or none."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def from_account(message: account_pb2.Account) -> Account:
    """An account."""
    return Account(
        id=message.id,
        type=message.type,
        status=message.status,
        version=message.version,
        handle=message.handle,
        display_name=message.display_name,
        avatar_url=given(message, "avatar_url"),
        bio=given(message, "bio"),
        created_at=from_moment(message.created_at),
        attributes=_from_attributes(message),
    )


def _from_attributes(message: account_pb2.Account) -> Attributes | None:
    match message.WhichOneof("attributes"):
        case "creator":
            return CreatorAttributes(given(message.creator, "category"), message.creator.verified)
        case "business":
            own = message.business
            return BusinessAttributes(own.company_name, given(own, "industry"), own.verified)
        case "staff":
            return StaffAttributes(message.staff.department)
    return None


def from_activity(message: activity_pb2.Activity) -> Activity:
    """An activity."""
    return Activity(
        id=message.id,
        author_id=message.author_id,
        kind=message.kind,
        text=message.text,
        created_at=from_moment(message.created_at),
    )


def from_grant(message: permission_pb2.Grant) -> Grant:
    """A grant or denial."""
    return Grant(message.permission, message.allow)


def from_change(message: job_pb2.Change) -> Change:
    """Something that changed an account."""
    return Change(
        cursor=message.cursor,
        account_id=message.account_id,
        kind=message.kind,
        actor_id=message.actor_id,
        reason=message.reason,
        occurred_at=from_moment(message.occurred_at),
        differences=tuple(
            Difference(one.field, given(one, "before"), given(one, "after")) for one in message.differences
        ),
        erased=message.erased,
    )


def from_merge(message: job_pb2.Merge) -> Merge:
    """A merge."""
    return Merge(
        source_id=message.source_id,
        target_id=message.target_id,
        state=message.state,
        steps=tuple(MergeStep(step.name, step.total, step.moved, step.done) for step in message.steps),
        actor_id=message.actor_id,
        reason=message.reason,
        requested_at=from_moment(message.requested_at),
        started_at=given_moment(message, "started_at"),
        finished_at=given_moment(message, "finished_at"),
        problem=message.problem,
    )


def from_moment(message: Timestamp) -> datetime:
    """A moment in UTC."""
    return message.ToDatetime(UTC)


def given_moment(message: Message, field: str) -> datetime | None:
    """The moment in the field; None when it is not set."""
    return from_moment(getattr(message, field)) if message.HasField(field) else None


def given(message: Message, field: str) -> str | None:
    """The text in the field; None when it is not set."""
    return getattr(message, field) if message.HasField(field) else None
