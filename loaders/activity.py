"""What is asked of the activity backend."""

from collections.abc import Hashable, Mapping
from functools import partial
from typing import TypeAlias

import grpc.aio

from loaders.batching import UNANSWERED, Question, by_place, declared_scope, to_viewer
from schema.generated.activity.v1 import activity_pb2 as pb
from schema.generated.activity.v1.activity_pb2_grpc import ActivityServiceStub
from schema.graphql.ports import ActivityKey, FeedKey, Identity, SuggestionsKey
from services.runtime import subjects
from services.runtime.subjects import Changing, nothing_kept

BACKEND = "activity"
_scope = partial(declared_scope, pb.DESCRIPTOR)
MOST_LISTS = 200
"""How many lists the contract allows in one call."""
FollowCounts: TypeAlias = pb.BatchGetFollowCountsResponse.FollowCounts


class ActivityQuestions:
    """The questions to the activity backend."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = ActivityServiceStub(channel)
        self.activity = Question[ActivityKey, pb.Activity | None](
            "activity",
            BACKEND,
            self._activities,
            missing=None,
            scope=_scope("BatchGetActivities"),
            echo=lambda key: (key.viewer.account_id, key.activity_id),
        )
        self.feed = Question[FeedKey, pb.ActivityPage](
            "feed",
            BACKEND,
            self._feeds,
            missing=UNANSWERED,
            scope=_scope("BatchListFeeds"),
            most=MOST_LISTS,
        )
        self.own_activities = Question[FeedKey, pb.ActivityPage](
            "own_activities",
            BACKEND,
            self._own_activities,
            missing=UNANSWERED,
            scope=_scope("BatchListOwnActivities"),
            most=MOST_LISTS,
        )
        self.follow_counts = Question[int, FollowCounts](
            "follow_counts",
            BACKEND,
            self._follow_counts,
            missing=UNANSWERED,
            scope=_scope("BatchGetFollowCounts"),
        )
        self.audience = Question[int, pb.Audience](
            "audience",
            BACKEND,
            self._audiences,
            missing=UNANSWERED,
            scope=_scope("BatchGetAudiences"),
        )
        self.suggestions = Question[SuggestionsKey, tuple[int, ...]](
            "suggestions",
            BACKEND,
            self._suggestions,
            missing=(),
            scope=_scope("BatchSuggestAccounts"),
            most=MOST_LISTS,
        )

    async def _activities(self, keys: list[ActivityKey]) -> Mapping[Hashable, pb.Activity]:
        ask = pb.BatchGetActivitiesRequest.Question
        questions = [ask(viewer=to_viewer(key.viewer), activity_id=key.activity_id) for key in keys]
        reply = await self._stub.BatchGetActivities(pb.BatchGetActivitiesRequest(questions=questions))
        return {(answer.viewer_account_id, answer.activity.id): answer.activity for answer in reply.answers}

    async def _feeds(self, keys: list[FeedKey]) -> Mapping[Hashable, pb.ActivityPage]:
        ask = pb.BatchListFeedsRequest.Question
        questions = [ask(viewer=to_viewer(key.viewer), page=_page(key)) for key in keys]
        reply = await self._stub.BatchListFeeds(pb.BatchListFeedsRequest(questions=questions))
        return by_place(keys, reply.pages)

    async def _own_activities(self, keys: list[FeedKey]) -> Mapping[Hashable, pb.ActivityPage]:
        ask = pb.BatchListOwnActivitiesRequest.Question
        questions = [ask(viewer=to_viewer(key.viewer), page=_page(key)) for key in keys]
        reply = await self._stub.BatchListOwnActivities(pb.BatchListOwnActivitiesRequest(questions=questions))
        return by_place(keys, reply.pages)

    async def _follow_counts(self, account_ids: list[int]) -> Mapping[Hashable, FollowCounts]:
        reply = await self._stub.BatchGetFollowCounts(pb.BatchGetFollowCountsRequest(account_ids=account_ids))
        return {counts.account_id: counts for counts in reply.counts}

    async def _audiences(self, account_ids: list[int]) -> Mapping[Hashable, pb.Audience]:
        reply = await self._stub.BatchGetAudiences(pb.BatchGetAudiencesRequest(account_ids=account_ids))
        return {audience.account_id: audience for audience in reply.audiences}

    async def _suggestions(self, keys: list[SuggestionsKey]) -> Mapping[Hashable, tuple[int, ...]]:
        ask = pb.BatchSuggestAccountsRequest.Question
        questions = [ask(account_id=key.account_id, first=key.first) for key in keys]
        reply = await self._stub.BatchSuggestAccounts(pb.BatchSuggestAccountsRequest(questions=questions))
        return {
            SuggestionsKey(answer.account_id, answer.first): tuple(answer.suggested_account_ids)
            for answer in reply.answers
        }


def _page(key: FeedKey) -> pb.PageRequest:
    return pb.PageRequest(first=key.first, after=key.after, kinds=key.kinds)


class ActivityCommands:
    """What changes something in the activity backend."""

    def __init__(self, channel: grpc.aio.Channel, changing: Changing = nothing_kept) -> None:
        self._activities = ActivityServiceStub(channel)
        self._changing = changing

    async def follow(self, viewer: Identity, account_id: int) -> bool:
        """Makes the viewer follow the account; whether that is new."""
        request = pb.FollowRequest(viewer=to_viewer(viewer), account_id=account_id)
        async with self._changing(subjects.deeds(viewer.account_id), subjects.deeds(account_id)):
            return (await self._activities.Follow(request)).changed

    async def unfollow(self, viewer: Identity, account_id: int) -> bool:
        """Ends that; whether that is new."""
        request = pb.UnfollowRequest(viewer=to_viewer(viewer), account_id=account_id)
        async with self._changing(subjects.deeds(viewer.account_id), subjects.deeds(account_id)):
            return (await self._activities.Unfollow(request)).changed

    async def publish(self, viewer: Identity, kind: "pb.ActivityKind.ValueType", text: str) -> pb.Activity:
        """Publishes an activity of the viewer."""
        request = pb.PublishActivityRequest(viewer=to_viewer(viewer), kind=kind, text=text)
        async with self._changing(subjects.deeds(viewer.account_id)):
            return (await self._activities.PublishActivity(request)).activity
