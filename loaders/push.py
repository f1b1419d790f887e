"""What subscriptions ask of the backends, beside the loaders of one operation."""

from collections.abc import Mapping, Sequence

import grpc.aio

from loaders.batching import by_place, to_viewer
from schema.generated.account.v1 import account_pb2
from schema.generated.account.v1.account_pb2_grpc import AccountServiceStub
from schema.generated.activity.v1 import activity_pb2 as pb
from schema.generated.activity.v1.activity_pb2_grpc import ActivityServiceStub
from schema.graphql.ports import GUEST, Identity


class PushQuestions:
    """Asked for a process or a subscriber rather than for one operation, so not by loaders."""

    def __init__(self, account: grpc.aio.Channel, activity: grpc.aio.Channel) -> None:
        self._accounts = AccountServiceStub(account)
        self._activities = ActivityServiceStub(activity)

    async def sessions(self, tokens: Sequence[str]) -> Mapping[str, account_pb2.VerifiedSession]:
        """What stands behind each token of which the backend can tell."""
        reply = await self._accounts.BatchVerifySessions(account_pb2.BatchVerifySessionsRequest(tokens=tokens))
        return by_place(tokens, reply.sessions)

    async def public(self, ids: Sequence[int]) -> dict[int, pb.Activity]:
        """Those of the activities that everybody may see, by id."""
        ask = pb.BatchGetActivitiesRequest.Question
        questions = [ask(viewer=to_viewer(GUEST), activity_id=activity_id) for activity_id in ids]
        reply = await self._activities.BatchGetActivities(pb.BatchGetActivitiesRequest(questions=questions))
        return {answer.activity.id: answer.activity for answer in reply.answers}

    async def newest(self, viewer: Identity, first: int) -> Sequence[pb.Activity]:
        """The first activities that the viewer's feed shows now, newest first."""
        question = pb.BatchListFeedsRequest.Question(viewer=to_viewer(viewer), page=pb.PageRequest(first=first))
        reply = await self._activities.BatchListFeeds(pb.BatchListFeedsRequest(questions=[question]))
        return [item.activity for page in reply.pages for item in page.items]

    async def followees(self, account_id: int) -> Sequence[int]:
        """Whom the account follows."""
        reply = await self._activities.BatchListFollowees(pb.BatchListFolloweesRequest(account_ids=[account_id]))
        return [followee for answer in reply.answers for followee in answer.followee_ids]

    async def feed_since(self, viewer: Identity, after_id: int, limit: int) -> tuple[Sequence[pb.Activity], bool]:
        """Activities of the viewer's feed that are newer than one, oldest first; whether there are more."""
        request = pb.ListFeedSinceRequest(viewer=to_viewer(viewer), after_id=after_id, limit=limit)
        reply = await self._activities.ListFeedSince(request)
        return reply.activities, reply.has_more
