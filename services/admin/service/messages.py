"""The words of the desk in its own contract: each mapped in one place."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.identity.v1 import identity_pb2
from services.admin.biz import (
    Account,
    AccountChange,
    AccountFilter,
    Activity,
    ActivityFilter,
    Attributes,
    Audit,
    AuditFilter,
    BusinessAttributes,
    Change,
    CreatorAttributes,
    Details,
    Difference,
    Grant,
    Merge,
    MergeCheck,
    MergeStep,
    NewAccount,
    StaffAttributes,
    Viewer,
)


def viewer_from_message(message: identity_pb2.Viewer) -> Viewer:
    """Who acts; the number of a type newer than this contract is kept."""
    return Viewer(message.account_id, message.account_type, message.assertion)


def account_filter_from_message(message: pb.SearchAccountsRequest) -> AccountFilter:
    """Which accounts to find."""
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
    """The account to open."""
    return NewAccount(
        type=message.type,
        handle=message.handle,
        display_name=message.display_name,
        attributes=attributes_from_message(message),
        password=message.password,
    )


def attributes_from_message(message: pb.CreateAccountRequest) -> Attributes | None:
    """What only accounts of its type have; None when nothing of it is given."""
    match message.WhichOneof("attributes"):
        case "creator":
            return CreatorAttributes(_given(message.creator, "category"), message.creator.verified)
        case "business":
            own = message.business
            return BusinessAttributes(own.company_name, _given(own, "industry"), own.verified)
        case "staff":
            return StaffAttributes(message.staff.department)
    return None


def account_change_from_message(message: pb.ChangeAccountRequest) -> AccountChange:
    """What is set in the request."""
    return AccountChange(
        display_name=_given(message, "display_name"),
        handle=_given(message, "handle"),
        avatar_url=_given(message, "avatar_url"),
        bio=_given(message, "bio"),
        verified=message.verified if message.HasField("verified") else None,
        category=_given(message, "category"),
        company_name=_given(message, "company_name"),
        industry=_given(message, "industry"),
        department=_given(message, "department"),
        birthday=_given(message, "birthday"),
    )


def activity_filter_from_message(message: pb.ActivityFilter) -> ActivityFilter:
    """Which activities are meant."""
    return ActivityFilter(
        author_ids=tuple(message.author_ids),
        kinds=tuple(message.kinds),
        since=_given_moment(message, "since"),
        until=_given_moment(message, "until"),
    )


def audit_filter_from_message(message: pb.ListAuditsRequest) -> AuditFilter:
    """Which audits to list."""
    return AuditFilter(
        first=message.first,
        before_id=message.before_id,
        actor_id=message.by_id,
        account_id=message.account_id,
        action=message.action,
    )


def account_to_message(account: Account) -> pb.Account:
    """An account."""
    return pb.Account(
        id=account.id,
        type=identity_pb2.AccountType.ValueType(account.type),
        status=pb.AccountStatus.ValueType(account.status),
        version=account.version,
        handle=account.handle,
        display_name=account.display_name,
        avatar_url=account.avatar_url,
        bio=account.bio,
        created_at=moment_to_message(account.created_at),
        **attributes_to_message(account.attributes),
    )


def attributes_to_message(attributes: Attributes | None) -> Mapping[str, Any]:
    """The field of an account's message for what only accounts of its type have."""
    match attributes:
        case CreatorAttributes(category, verified):
            return {"creator": pb.CreatorAttributes(category=category, verified=verified)}
        case BusinessAttributes(name, industry, verified):
            return {"business": pb.BusinessAttributes(company_name=name, industry=industry, verified=verified)}
        case StaffAttributes(department):
            return {"staff": pb.StaffAttributes(department=department)}
    return {}


def details_to_message(details: Details) -> pb.GetAccountResponse:
    """An account with all that hangs on it."""
    counts, gap = details.follow_counts, pb.GetAccountResponse.Gap
    part = pb.GetAccountResponse.Part.ValueType
    return pb.GetAccountResponse(
        account=account_to_message(details.account),
        birthday=details.birthday,
        followers=counts.followers if counts else 0,
        following=counts.following if counts else 0,
        grants=map(grant_to_message, details.grants),
        recent_activities=map(activity_to_message, details.activities),
        recent_changes=map(change_to_message, details.changes),
        merge=merge_to_message(details.merge) if details.merge else None,
        gaps=[gap(part=part(one.part), backend=one.backend, code=one.code) for one in details.gaps],
        withheld=map(part, details.withheld),
    )


def activity_to_message(activity: Activity) -> pb.Activity:
    """An activity."""
    return pb.Activity(
        id=activity.id,
        author_id=activity.author_id,
        kind=pb.ActivityKind.ValueType(activity.kind),
        text=activity.text,
        created_at=moment_to_message(activity.created_at),
    )


def grant_to_message(grant: Grant) -> pb.Grant:
    """A grant or denial."""
    return pb.Grant(permission=grant.permission, allow=grant.allow)


def change_to_message(change: Change) -> pb.Change:
    """Something that changed an account."""
    return pb.Change(
        cursor=change.cursor,
        account_id=change.account_id,
        kind=pb.ChangeKind.ValueType(change.kind),
        actor_id=change.actor_id,
        reason=change.reason,
        occurred_at=moment_to_message(change.occurred_at),
        differences=map(difference_to_message, change.differences),
        erased=change.erased,
    )


def difference_to_message(difference: Difference) -> pb.Difference:
    """What a change made of one field."""
    return pb.Difference(field=difference.field, before=difference.before, after=difference.after)


def merge_to_message(merge: Merge) -> pb.Merge:
    """How far a merge is."""
    return pb.Merge(
        source_id=merge.source_id,
        target_id=merge.target_id,
        state=pb.MergeState.ValueType(merge.state),
        steps=map(step_to_message, merge.steps),
        actor_id=merge.actor_id,
        reason=merge.reason,
        requested_at=moment_to_message(merge.requested_at),
        started_at=moment_to_message(merge.started_at),
        finished_at=moment_to_message(merge.finished_at),
        problem=merge.problem,
    )


def step_to_message(step: MergeStep) -> pb.MergeStep:
    """How far a step is."""
    return pb.MergeStep(name=step.name, total=step.total, moved=step.moved, done=step.done)


def check_to_message(check: MergeCheck) -> pb.CheckMergeResponse:
    """What a merge would find."""
    moves = [pb.Amount(what=amount.what, count=amount.count) for amount in check.moves]
    return pb.CheckMergeResponse(refusal=check.refusal, moves=moves)


def audit_to_message(audit: Audit) -> pb.Audit:
    """One call of the desk."""
    return pb.Audit(
        id=audit.id,
        at=moment_to_message(audit.at),
        actor_id=audit.actor_id,
        action=audit.action,
        account_id=audit.account_id,
        reason=audit.reason,
        request=audit.request,
        before=audit.before,
        after=audit.after,
        outcome=audit.outcome,
    )


def moment_to_message(moment: datetime | None) -> Timestamp | None:
    """A moment in UTC; none stays unset."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def _given_moment(message: Message, field: str) -> datetime | None:
    return getattr(message, field).ToDatetime(UTC) if message.HasField(field) else None


def _given(message: Message, field: str) -> str | None:
    return getattr(message, field) if message.HasField(field) else None
