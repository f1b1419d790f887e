"""The backends that errands are done in, over gRPC."""

from collections.abc import Mapping

import grpc.aio

from schema.generated.account.v1 import account_pb2, account_pb2_grpc
from schema.generated.activity.v1 import activity_pb2, activity_pb2_grpc
from schema.generated.permission.v1 import permission_pb2, permission_pb2_grpc
from services.job.biz.ports import Rows


class GrpcBackends:
    """Backends at the other ends of channels."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel]) -> None:
        """`channels` lead to the backends of these names: account, activity, permission."""
        self._account: account_pb2_grpc.AccountServiceAsyncStub = account_pb2_grpc.AccountServiceStub(
            channels["account"]
        )
        self._activity: activity_pb2_grpc.ActivityServiceAsyncStub = activity_pb2_grpc.ActivityServiceStub(
            channels["activity"]
        )
        self._permission: permission_pb2_grpc.PermissionServiceAsyncStub = permission_pb2_grpc.PermissionServiceStub(
            channels["permission"]
        )

    async def rows_of(self, account_id: int) -> Rows:
        """As `Backends` says."""
        reply = await self._activity.CountAccountData(activity_pb2.CountAccountDataRequest(account_id=account_id))
        return Rows(activities=reply.activities, followers=reply.followers, following=reply.following)

    async def follow_counts(self, account_id: int) -> tuple[int, int]:
        """As `Backends` says."""
        request = activity_pb2.BatchGetFollowCountsRequest(account_ids=[account_id])
        (counts,) = (await self._activity.BatchGetFollowCounts(request)).counts
        return counts.followers, counts.following

    async def grants_of(self, account_id: int) -> int:
        """As `Backends` says."""
        reply = await self._permission.BatchListGrants(permission_pb2.BatchListGrantsRequest(account_ids=[account_id]))
        return sum(len(answer.grants) for answer in reply.answers)

    async def move_follows(self, source_id: int, target_id: int, limit: int) -> int:
        """As `Backends` says."""
        request = activity_pb2.MoveFollowsRequest(source_id=source_id, target_id=target_id, limit=limit)
        return (await self._activity.MoveFollows(request)).moved

    async def move_activities(self, source_id: int, target_id: int, limit: int) -> int:
        """As `Backends` says."""
        request = activity_pb2.MoveActivitiesRequest(source_id=source_id, target_id=target_id, limit=limit)
        return (await self._activity.MoveActivities(request)).moved

    async def move_grants(self, source_id: int, target_id: int) -> int:
        """As `Backends` says."""
        request = permission_pb2.MoveGrantsRequest(source_id=source_id, target_id=target_id)
        return (await self._permission.MoveGrants(request)).moved

    async def move_sessions(self, source_id: int, target_id: int) -> int:
        """As `Backends` says."""
        request = account_pb2.MoveSessionsRequest(source_id=source_id, target_id=target_id)
        return (await self._account.MoveSessions(request)).moved

    async def finish_merge(self, source_id: int, target_id: int, actor_id: int, reason: str) -> None:
        """As `Backends` says."""
        await self._account.FinishMerge(
            account_pb2.FinishMergeRequest(source_id=source_id, target_id=target_id, actor_id=actor_id, reason=reason)
        )

    async def erase(self, account_id: int, limit: int) -> int:
        """As `Backends` says."""
        request = activity_pb2.EraseAccountRequest(account_id=account_id, limit=limit)
        return (await self._activity.EraseAccount(request)).erased
