"""The permission contract over gRPC: messages in, the rules' answers out."""

from collections.abc import Sequence

from schema.generated.identity.v1 import identity_pb2
from schema.generated.permission.v1 import permission_pb2, permission_pb2_grpc
from services.permission.biz import Effect, Feature, Grant, Grants, Permissions, Question, Viewer
from services.runtime.server import Context


class PermissionServicer(permission_pb2_grpc.PermissionServiceServicer):
    """Answers batches; each answer echoes its question, so that a caller can index the reply by it."""

    def __init__(self, permissions: Permissions, grants: Grants) -> None:
        self._permissions = permissions
        self._grants = grants

    async def BatchCheckPermissions(  # noqa: N802
        self, request: permission_pb2.BatchCheckPermissionsRequest, context: Context
    ) -> permission_pb2.BatchCheckPermissionsResponse:
        """One answer for each question, in the order of the request."""
        questions = [question_from_message(message) for message in request.questions]
        allowed = await self._permissions.check(questions)
        answers = [answer_to_message(*pair) for pair in zip(questions, allowed, strict=True)]
        return permission_pb2.BatchCheckPermissionsResponse(answers=answers)

    async def BatchListFeatures(  # noqa: N802
        self, request: permission_pb2.BatchListFeaturesRequest, context: Context
    ) -> permission_pb2.BatchListFeaturesResponse:
        """One answer for each viewer, in the order of the request."""
        viewers = [viewer_from_message(message) for message in request.viewers]
        features = await self._permissions.features(viewers)
        answers = [features_to_message(*pair) for pair in zip(viewers, features, strict=True)]
        return permission_pb2.BatchListFeaturesResponse(answers=answers)

    async def BatchListGrants(  # noqa: N802
        self, request: permission_pb2.BatchListGrantsRequest, context: Context
    ) -> permission_pb2.BatchListGrantsResponse:
        """One answer for each account that has any."""
        found = await self._grants.by_account(request.account_ids)
        return permission_pb2.BatchListGrantsResponse(answers=[grants_to_message(*each) for each in found.items()])

    async def GrantPermission(  # noqa: N802
        self, request: permission_pb2.GrantPermissionRequest, context: Context
    ) -> permission_pb2.GrantPermissionResponse:
        """The account is granted, or denied, the permission."""
        actor, grant = viewer_from_message(request.actor), grant_from_message(request)
        changed = await self._grants.grant(actor, request.account_id, grant, request.reason)
        return permission_pb2.GrantPermissionResponse(changed=changed)

    async def RevokePermission(  # noqa: N802
        self, request: permission_pb2.RevokePermissionRequest, context: Context
    ) -> permission_pb2.RevokePermissionResponse:
        """The account has what its role says."""
        actor = viewer_from_message(request.actor)
        changed = await self._grants.revoke(actor, request.account_id, request.permission, request.reason)
        return permission_pb2.RevokePermissionResponse(changed=changed)

    async def MoveGrants(  # noqa: N802
        self, request: permission_pb2.MoveGrantsRequest, context: Context
    ) -> permission_pb2.MoveGrantsResponse:
        """The target has what the source had."""
        return permission_pb2.MoveGrantsResponse(moved=await self._grants.move(request.source_id, request.target_id))


def viewer_from_message(message: identity_pb2.Viewer) -> Viewer:
    """The viewer of a request; the number of a type newer than this contract is kept."""
    return Viewer(account_id=message.account_id, account_type=message.account_type)


def viewer_to_message(viewer: Viewer) -> identity_pb2.Viewer:
    """The viewer as the caller wrote it."""
    account_type = identity_pb2.AccountType.ValueType(viewer.account_type)
    return identity_pb2.Viewer(account_id=viewer.account_id, account_type=account_type)


def question_from_message(message: permission_pb2.BatchCheckPermissionsRequest.Question) -> Question:
    """A question of a request."""
    return Question(viewer=viewer_from_message(message.viewer), permission=message.permission)


def answer_to_message(question: Question, allowed: bool) -> permission_pb2.BatchCheckPermissionsResponse.Answer:
    """The answer to one question."""
    return permission_pb2.BatchCheckPermissionsResponse.Answer(
        viewer=viewer_to_message(question.viewer), permission=question.permission, allowed=allowed
    )


def features_to_message(viewer: Viewer, features: list[Feature]) -> permission_pb2.BatchListFeaturesResponse.Answer:
    """The menu of one viewer."""
    return permission_pb2.BatchListFeaturesResponse.Answer(
        viewer=viewer_to_message(viewer), features=map(feature_to_message, features)
    )


def feature_to_message(feature: Feature) -> permission_pb2.Feature:
    """The feature as callers see it: what it takes to see it stays inside."""
    return permission_pb2.Feature(key=feature.key, title=feature.title, url=feature.url, badge=feature.badge)


def grant_from_message(message: permission_pb2.GrantPermissionRequest) -> Grant:
    """The exception that a request asks for."""
    return Grant(permission=message.permission, effect=Effect.ALLOW if message.allow else Effect.DENY)


def grant_to_message(grant: Grant) -> permission_pb2.Grant:
    """One exception."""
    return permission_pb2.Grant(permission=grant.permission, allow=grant.effect is Effect.ALLOW)


def grants_to_message(account_id: int, grants: Sequence[Grant]) -> permission_pb2.BatchListGrantsResponse.Answer:
    """The exceptions of one account."""
    return permission_pb2.BatchListGrantsResponse.Answer(account_id=account_id, grants=map(grant_to_message, grants))
