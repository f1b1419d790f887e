"""The backends that jobs call, behind real gRPC servers, on what a World holds."""

from typing import Any

import grpc.aio

from schema.generated.account.v1 import account_pb2, account_pb2_grpc
from schema.generated.activity.v1 import activity_pb2, activity_pb2_grpc
from schema.generated.permission.v1 import permission_pb2, permission_pb2_grpc
from tests.services.job.fakes import World

Context = grpc.aio.ServicerContext[Any, Any]


class AccountServicer(account_pb2_grpc.AccountServiceServicer):
    def __init__(self, world: World) -> None:
        self._world = world

    async def MoveSessions(
        self, request: account_pb2.MoveSessionsRequest, context: Context
    ) -> account_pb2.MoveSessionsResponse:
        moved = await self._world.move_sessions(request.source_id, request.target_id)
        return account_pb2.MoveSessionsResponse(moved=moved)

    async def FinishMerge(
        self, request: account_pb2.FinishMergeRequest, context: Context
    ) -> account_pb2.FinishMergeResponse:
        await self._world.finish_merge(request.source_id, request.target_id, request.actor_id, request.reason)
        return account_pb2.FinishMergeResponse()


class ActivityServicer(activity_pb2_grpc.ActivityServiceServicer):
    def __init__(self, world: World) -> None:
        self._world = world

    async def CountAccountData(
        self, request: activity_pb2.CountAccountDataRequest, context: Context
    ) -> activity_pb2.CountAccountDataResponse:
        rows = await self._world.rows_of(request.account_id)
        return activity_pb2.CountAccountDataResponse(
            activities=rows.activities, followers=rows.followers, following=rows.following
        )

    async def BatchGetFollowCounts(
        self, request: activity_pb2.BatchGetFollowCountsRequest, context: Context
    ) -> activity_pb2.BatchGetFollowCountsResponse:
        reply = activity_pb2.BatchGetFollowCountsResponse()
        for account_id in request.account_ids:
            followers, following = await self._world.follow_counts(account_id)
            reply.counts.add(account_id=account_id, followers=followers, following=following)
        return reply

    async def MoveFollows(
        self, request: activity_pb2.MoveFollowsRequest, context: Context
    ) -> activity_pb2.MoveFollowsResponse:
        moved = await self._world.move_follows(request.source_id, request.target_id, request.limit)
        return activity_pb2.MoveFollowsResponse(moved=moved)

    async def MoveActivities(
        self, request: activity_pb2.MoveActivitiesRequest, context: Context
    ) -> activity_pb2.MoveActivitiesResponse:
        moved = await self._world.move_activities(request.source_id, request.target_id, request.limit)
        return activity_pb2.MoveActivitiesResponse(moved=moved)

    async def EraseAccount(
        self, request: activity_pb2.EraseAccountRequest, context: Context
    ) -> activity_pb2.EraseAccountResponse:
        return activity_pb2.EraseAccountResponse(erased=await self._world.erase(request.account_id, request.limit))


class PermissionServicer(permission_pb2_grpc.PermissionServiceServicer):
    def __init__(self, world: World) -> None:
        self._world = world

    async def BatchListGrants(
        self, request: permission_pb2.BatchListGrantsRequest, context: Context
    ) -> permission_pb2.BatchListGrantsResponse:
        reply = permission_pb2.BatchListGrantsResponse()
        for account_id in request.account_ids:
            if grants := self._world.grants.get(account_id):
                answer = reply.answers.add(account_id=account_id)
                answer.grants.extend(permission_pb2.Grant(permission=name) for name in sorted(grants))
        return reply

    async def MoveGrants(
        self, request: permission_pb2.MoveGrantsRequest, context: Context
    ) -> permission_pb2.MoveGrantsResponse:
        moved = await self._world.move_grants(request.source_id, request.target_id)
        return permission_pb2.MoveGrantsResponse(moved=moved)


def add_servicers(server: grpc.aio.Server, world: World) -> None:
    """Has the server answer for the world; what jobs do not call is not implemented."""
    account_pb2_grpc.add_AccountServiceServicer_to_server(AccountServicer(world), server)  # type: ignore[abstract]
    activity_pb2_grpc.add_ActivityServiceServicer_to_server(ActivityServicer(world), server)  # type: ignore[abstract]
    permission_pb2_grpc.add_PermissionServiceServicer_to_server(PermissionServicer(world), server)  # type: ignore[abstract]
