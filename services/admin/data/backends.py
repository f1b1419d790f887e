"""The permission, activity and job backends, asked over gRPC."""

from collections.abc import Collection, Sequence, Set

import grpc.aio

from schema.errcode import AccountNotFound
from schema.generated.activity.v1 import activity_pb2
from schema.generated.activity.v1.activity_pb2_grpc import ActivityServiceStub
from schema.generated.job.v1 import job_pb2
from schema.generated.job.v1.job_pb2_grpc import JobServiceStub
from schema.generated.permission.v1 import permission_pb2
from schema.generated.permission.v1.permission_pb2_grpc import PermissionServiceStub
from services.admin.biz import Activity, ActivityFilter, Amount, Change, FollowCounts, Grant, Merge, Page, Viewer
from services.admin.data.messages import (
    from_activity,
    from_change,
    from_grant,
    from_merge,
    to_moment,
    to_viewer,
)


class GrpcPermissions:
    """Fits `biz.PermissionBackend`."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = PermissionServiceStub(channel)

    async def allowed(self, actor: Viewer, permissions: Collection[str]) -> Set[str]:
        """Those of the permissions that the actor has, in one call."""
        ask = permission_pb2.BatchCheckPermissionsRequest.Question
        questions = [ask(viewer=to_viewer(actor), permission=permission) for permission in permissions]
        request = permission_pb2.BatchCheckPermissionsRequest(questions=questions)
        reply = await self._stub.BatchCheckPermissions(request)
        return {answer.permission for answer in reply.answers if answer.allowed}

    async def grants(self, account_id: int) -> Sequence[Grant]:
        """What was granted to the account and denied, by name."""
        reply = await self._stub.BatchListGrants(permission_pb2.BatchListGrantsRequest(account_ids=[account_id]))
        return [from_grant(grant) for answer in reply.answers for grant in answer.grants]

    async def grant(self, actor: Viewer, account_id: int, grant: Grant, reason: str) -> bool:
        """Whether that changed anything."""
        request = permission_pb2.GrantPermissionRequest(
            actor=to_viewer(actor),
            reason=reason,
            account_id=account_id,
            permission=grant.permission,
            allow=grant.allow,
        )
        return (await self._stub.GrantPermission(request)).changed

    async def revoke(self, actor: Viewer, account_id: int, permission: str, reason: str) -> bool:
        """Whether that changed anything."""
        request = permission_pb2.RevokePermissionRequest(
            actor=to_viewer(actor), reason=reason, account_id=account_id, permission=permission
        )
        return (await self._stub.RevokePermission(request)).changed


class GrpcActivities:
    """Fits `biz.ActivityBackend`."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = ActivityServiceStub(channel)

    async def search(self, actor: Viewer, wanted: ActivityFilter, first: int, before_id: int) -> Page[Activity]:
        """The activities that match, newest first."""
        request = activity_pb2.SearchActivitiesRequest(
            actor=to_viewer(actor),
            author_ids=wanted.author_ids,
            kinds=map(activity_pb2.ActivityKind.ValueType, wanted.kinds),
            since=to_moment(wanted.since),
            until=to_moment(wanted.until),
            first=first,
            before_id=before_id,
        )
        reply = await self._stub.SearchActivities(request)
        return Page([from_activity(activity) for activity in reply.activities], reply.has_next_page)

    async def follow_counts(self, account_id: int) -> FollowCounts:
        """How many follow the account and how many it follows."""
        request = activity_pb2.BatchGetFollowCountsRequest(account_ids=[account_id])
        reply = await self._stub.BatchGetFollowCounts(request)
        for counts in reply.counts:
            return FollowCounts(counts.followers, counts.following)
        raise AccountNotFound(account_id)

    async def amounts(self, account_id: int) -> Sequence[Amount]:
        """How much of the account a merge would move."""
        reply = await self._stub.CountAccountData(activity_pb2.CountAccountDataRequest(account_id=account_id))
        return [
            Amount("following", reply.following),
            Amount("followers", reply.followers),
            Amount("activities", reply.activities),
        ]


class GrpcJobs:
    """Fits `biz.JobBackend`."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = JobServiceStub(channel)

    async def changes(self, actor: Viewer, account_id: int, first: int, after: str) -> Page[Change]:
        """What changed the account, newest first."""
        request = job_pb2.ListChangesRequest(actor=to_viewer(actor), account_id=account_id, first=first, after=after)
        reply = await self._stub.ListChanges(request)
        return Page([from_change(change) for change in reply.changes], reply.has_next_page)

    async def merge(self, actor: Viewer, source_id: int) -> Merge | None:
        """How far the merge of the account is; None when nobody knows of one."""
        reply = await self._stub.GetMerge(job_pb2.GetMergeRequest(actor=to_viewer(actor), source_id=source_id))
        return from_merge(reply.merge) if reply.HasField("merge") else None

    async def retry_merge(self, actor: Viewer, source_id: int) -> Merge:
        """The merge, taken up again."""
        reply = await self._stub.RetryMerge(job_pb2.RetryMergeRequest(actor=to_viewer(actor), source_id=source_id))
        return from_merge(reply.merge)
