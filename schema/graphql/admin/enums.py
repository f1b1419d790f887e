"""The words of the desk."""

import strawberry
from strawberry import enum_value

from schema.generated.admin.v1 import admin_pb2 as pb
from schema.graphql.enums import OpenEnum


@strawberry.enum(description="What kind of change an account went through.")
class AdminChangeKind(OpenEnum):
    """What kind of change an account went through."""

    OPENED = enum_value(pb.CHANGE_KIND_OPENED, description="The account was opened.")
    ATTRIBUTES = enum_value(pb.CHANGE_KIND_ATTRIBUTES, description="Attributes of it changed.")
    STATUS = enum_value(pb.CHANGE_KIND_STATUS, description="It was closed, reopened or suspended.")
    MERGE_STARTED = enum_value(
        pb.CHANGE_KIND_MERGE_STARTED, description="It is to be merged into another; its data is still to be moved."
    )
    MERGED = enum_value(pb.CHANGE_KIND_MERGED, description="It was merged into another.")
    TOOK_OVER = enum_value(pb.CHANGE_KIND_TOOK_OVER, description="Another account was merged into it.")
    PERMISSION_GRANTED = enum_value(pb.CHANGE_KIND_PERMISSION_GRANTED, description="A permission was granted to it.")
    PERMISSION_DENIED = enum_value(pb.CHANGE_KIND_PERMISSION_DENIED, description="A permission was denied to it.")
    PERMISSION_REVOKED = enum_value(
        pb.CHANGE_KIND_PERMISSION_REVOKED, description="A grant or denial was taken back from it."
    )
    OTHER = enum_value(pb.CHANGE_KIND_UNSPECIFIED, description="A kind newer than this gateway.")


@strawberry.enum(description="How far a merge is.")
class AdminMergeState(OpenEnum):
    """How far a merge is."""

    QUEUED = enum_value(pb.MERGE_STATE_QUEUED, description="It waits for its turn.")
    RUNNING = enum_value(pb.MERGE_STATE_RUNNING, description="Data is being moved.")
    DONE = enum_value(pb.MERGE_STATE_DONE, description="All data was moved; the source is MERGED.")
    FAILED = enum_value(
        pb.MERGE_STATE_FAILED, description="A backend refused; nothing more happens until somebody retries."
    )
    OTHER = enum_value(pb.MERGE_STATE_UNSPECIFIED, description="A state newer than this gateway.")
