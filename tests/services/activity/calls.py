"""Viewers, moments and calls, as a client of the activity contract writes them."""

from datetime import timedelta
from typing import TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp

from schema.generated.activity.v1 import activity_pb2 as pb
from schema.generated.activity.v1 import activity_pb2_grpc
from schema.generated.identity.v1 import identity_pb2
from services.activity.biz import Kind
from tests.conftest import NOON

Stub: TypeAlias = "activity_pb2_grpc.ActivityServiceAsyncStub"
ADA = identity_pb2.Viewer(account_id=1, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL)
BO = identity_pb2.Viewer(account_id=2, account_type=identity_pb2.ACCOUNT_TYPE_CREATOR)
SAM = identity_pb2.Viewer(account_id=4, account_type=identity_pb2.ACCOUNT_TYPE_STAFF)
GUEST = identity_pb2.Viewer(account_type=identity_pb2.ACCOUNT_TYPE_GUEST)
SINCE, UNTIL = Timestamp(), Timestamp()
SINCE.FromDatetime(NOON)
UNTIL.FromDatetime(NOON + timedelta(hours=1))


async def publish(stub: Stub, viewer: identity_pb2.Viewer, *texts: str, kind: Kind = Kind.POST) -> list[pb.Activity]:
    number = pb.ActivityKind.ValueType(kind)
    replies = [
        await stub.PublishActivity(pb.PublishActivityRequest(viewer=viewer, kind=number, text=text)) for text in texts
    ]
    return [reply.activity for reply in replies]
