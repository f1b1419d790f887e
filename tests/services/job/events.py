"""An event of each kind, as other backends tell them."""

from schema.generated.event.v1 import event_pb2
from services.job.service.messages import moment_to_message
from tests.conftest import NOON
from tests.services.job.examples import ADA, BO, event_id

WHAT = {
    "account_opened": event_pb2.AccountOpened(version=1, handle="ada"),
    "account_changed": event_pb2.AccountChanged(
        version=2, differences=[event_pb2.FieldDifference(field="bio", before="", after="x")]
    ),
    "account_status_changed": event_pb2.AccountStatusChanged(version=3, before="ACTIVE", after="CLOSING"),
    "account_merge_started": event_pb2.AccountMergeStarted(target_id=BO),
    "account_merged": event_pb2.AccountMerged(target_id=BO, version=4),
    "followed": event_pb2.Followed(followee_id=BO),
    "unfollowed": event_pb2.Unfollowed(followee_id=BO),
    "activity_published": event_pb2.ActivityPublished(activity_id=9, kind="POST"),
    "permission_granted": event_pb2.PermissionGranted(permission="x.y", allow=True),
    "permission_revoked": event_pb2.PermissionRevoked(permission="x.y"),
}


def event(kind: str, number: int = 1) -> event_pb2.Event:
    made = event_pb2.Event(
        id=event_id(number),
        account_id=ADA,
        occurred_at=moment_to_message(NOON),
        source="account",
        sequence=number + 1,
        actor_id=4,
        reason="because",
    )
    getattr(made, kind).CopyFrom(WHAT[kind])
    return made
