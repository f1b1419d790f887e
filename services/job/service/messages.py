"""Words and messages: each mapped in one place."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from schema.generated.event.v1 import event_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.generated.job.v1 import job_pb2
from services.job.biz.changes import Change
from services.job.biz.errands import Errand, Progress
from services.job.biz.happenings import (
    Changed,
    Difference,
    FollowsChanged,
    Happening,
    Merged,
    MergeStarted,
    Opened,
    PermissionSet,
    PermissionTakenBack,
    Published,
    StatusChanged,
    What,
)
from services.job.biz.questions import Page, Viewer, cursor_at, place_of

_WHATS: dict[str, Callable[[Any], What]] = {
    "account_opened": lambda what: Opened(what.handle),
    "account_changed": lambda what: Changed(tuple(map(difference_from_message, what.differences))),
    "account_status_changed": lambda what: StatusChanged(what.before, what.after),
    "account_merge_started": lambda what: MergeStarted(what.target_id),
    "account_merged": lambda what: Merged(what.target_id),
    "permission_granted": lambda what: PermissionSet(what.permission, what.allow),
    "permission_revoked": lambda what: PermissionTakenBack(what.permission),
    "followed": lambda _what: FollowsChanged(),
    "unfollowed": lambda _what: FollowsChanged(),
    "activity_published": lambda _what: Published(),
}
"""By the field of the event; jobs have nothing to do with any other."""


def happening_from_event(event: event_pb2.Event) -> Happening:
    """What an event tells."""
    kind = event.WhichOneof("what")
    read = _WHATS.get(kind or "")
    return Happening(
        event_id=event.id,
        account_id=event.account_id,
        occurred_at=event.occurred_at.ToDatetime(UTC),
        actor_id=event.actor_id,
        reason=event.reason,
        what=read(getattr(event, kind)) if kind and read else None,
    )


def difference_from_message(message: event_pb2.FieldDifference) -> Difference:
    """The difference that an event tells."""
    return Difference(
        field=message.field,
        before=message.before if message.HasField("before") else None,
        after=message.after if message.HasField("after") else None,
    )


def viewer_from_message(message: identity_pb2.Viewer) -> Viewer:
    """Who asks; the number of a type newer than this contract is kept."""
    return Viewer(account_id=message.account_id, account_type=message.account_type)


def changes_to_message(page: Page[Change]) -> job_pb2.ListChangesResponse:
    """A page of a history."""
    changes = [change_to_message(change, cursor) for cursor, change in page.items]
    return job_pb2.ListChangesResponse(changes=changes, has_next_page=page.has_next_page)


def change_to_message(change: Change, cursor: str) -> job_pb2.Change:
    """An entry of a history, at its place."""
    return job_pb2.Change(
        cursor=cursor,
        event_id=change.event_id,
        account_id=change.account_id,
        kind=job_pb2.ChangeKind.ValueType(change.kind),
        actor_id=change.actor_id,
        reason=change.reason,
        occurred_at=moment_to_message(change.occurred_at),
        differences=map(difference_to_message, change.differences),
        erased=change.erased,
    )


def difference_to_message(difference: Difference) -> job_pb2.Difference:
    """What a change made of one field."""
    return job_pb2.Difference(field=difference.field, before=difference.before, after=difference.after)


def merges_to_message(page: Page[Errand]) -> job_pb2.ListMergesResponse:
    """A page of merges."""
    merges = [merge_to_message(errand) for _cursor, errand in page.items]
    return job_pb2.ListMergesResponse(merges=merges, has_next_page=page.has_next_page)


def merge_to_message(errand: Errand) -> job_pb2.Merge:
    """How far a merge is."""
    return job_pb2.Merge(
        source_id=errand.account_id,
        target_id=errand.target_id,
        state=job_pb2.MergeState.ValueType(errand.state),
        steps=map(step_to_message, errand.steps),
        actor_id=errand.actor_id,
        reason=errand.reason,
        requested_at=moment_to_message(errand.requested_at),
        started_at=moment_to_message(errand.started_at),
        finished_at=moment_to_message(errand.finished_at),
        problem=errand.problem,
        attempts=errand.attempts,
        cursor=cursor_at(place_of(errand)),
    )


def step_to_message(step: Progress) -> job_pb2.MergeStep:
    """How far a step is."""
    return job_pb2.MergeStep(name=step.name, total=step.total, moved=step.moved, done=step.done)


def moment_to_message(moment: datetime | None) -> Timestamp | None:
    """The moment; None stays unset."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message
