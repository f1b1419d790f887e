"""What is asked of the permission backend."""

from collections.abc import Hashable, Mapping
from functools import partial

import grpc.aio

from loaders.batching import UNANSWERED, Question, declared_scope, from_viewer, to_viewer
from schema.generated.permission.v1 import permission_pb2 as pb
from schema.generated.permission.v1.permission_pb2_grpc import PermissionServiceStub
from schema.graphql.ports import Identity, PermissionKey

BACKEND = "permission"
_scope = partial(declared_scope, pb.DESCRIPTOR)


class PermissionQuestions:
    """The questions to the permission backend."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = PermissionServiceStub(channel)
        self.features = Question[Identity, tuple[pb.Feature, ...]](
            "features",
            BACKEND,
            self._features,
            missing=UNANSWERED,
            scope=_scope("BatchListFeatures"),
        )
        self.permission = Question[PermissionKey, bool](
            "permission",
            BACKEND,
            self._permissions,
            missing=False,
            scope=_scope("BatchCheckPermissions"),
        )

    async def _features(self, viewers: list[Identity]) -> Mapping[Hashable, tuple[pb.Feature, ...]]:
        request = pb.BatchListFeaturesRequest(viewers=[to_viewer(viewer) for viewer in viewers])
        reply = await self._stub.BatchListFeatures(request)
        return {from_viewer(answer.viewer): tuple(answer.features) for answer in reply.answers}

    async def _permissions(self, keys: list[PermissionKey]) -> Mapping[Hashable, bool]:
        ask = pb.BatchCheckPermissionsRequest.Question
        questions = [ask(viewer=to_viewer(key.viewer), permission=key.permission) for key in keys]
        reply = await self._stub.BatchCheckPermissions(pb.BatchCheckPermissionsRequest(questions=questions))
        return {
            PermissionKey(from_viewer(answer.viewer), answer.permission): answer.allowed for answer in reply.answers
        }
