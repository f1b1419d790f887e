"""The permission contract over gRPC: messages in, the rules' answers out."""

from schema.generated.identity.v1 import identity_pb2
from schema.generated.permission.v1 import permission_pb2, permission_pb2_grpc
from services.permission.biz import Feature, Permissions, Question, Viewer
from services.runtime.server import Context


class PermissionServicer(permission_pb2_grpc.PermissionServiceServicer):
    """Answers batches; each answer echoes its question, so that a caller can index the reply by it."""

    def __init__(self, permissions: Permissions) -> None:
        self._permissions = permissions

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
