"""The activity contract over gRPC: messages in, the rules' answers out."""

from itertools import count

from schema.generated.activity.v1 import activity_pb2 as pb
from schema.generated.activity.v1 import activity_pb2_grpc
from services.activity.biz import Activities, Belongings, Follows, Kind, SuggestionQuestion
from services.activity.service.messages import (
    activity_to_message,
    answer_to_message,
    audience_to_message,
    filter_from_message,
    follow_counts_to_message,
    followees_to_message,
    holdings_to_message,
    kind_count_to_message,
    page_question,
    page_to_message,
    period_from_message,
    suggestion_to_message,
    viewer_from_message,
)
from services.runtime.server import Context


class ActivityServicer(activity_pb2_grpc.ActivityServiceServicer):
    """Answers batches in the order of the request, or with keys that a caller can index the reply by."""

    def __init__(self, activities: Activities, follows: Follows, belongings: Belongings) -> None:
        self._activities = activities
        self._follows = follows
        self._belongings = belongings

    async def BatchGetActivities(  # noqa: N802
        self, request: pb.BatchGetActivitiesRequest, context: Context
    ) -> pb.BatchGetActivitiesResponse:
        """The activities that there are and that their viewers may see."""
        questions = [(viewer_from_message(asked.viewer), asked.activity_id) for asked in request.questions]
        answers = await self._activities.by_ids(questions)
        return pb.BatchGetActivitiesResponse(answers=[answer_to_message(*answer) for answer in answers])

    async def BatchListFeeds(  # noqa: N802
        self, request: pb.BatchListFeedsRequest, context: Context
    ) -> pb.BatchListFeedsResponse:
        """One page for each question, in the order of the request."""
        pages = await self._activities.feeds([page_question(asked.viewer, asked.page) for asked in request.questions])
        return pb.BatchListFeedsResponse(pages=map(page_to_message, count(1), pages))

    async def BatchListOwnActivities(  # noqa: N802
        self, request: pb.BatchListOwnActivitiesRequest, context: Context
    ) -> pb.BatchListOwnActivitiesResponse:
        """One page for each question, in the order of the request."""
        pages = await self._activities.own([page_question(asked.viewer, asked.page) for asked in request.questions])
        return pb.BatchListOwnActivitiesResponse(pages=map(page_to_message, count(1), pages))

    async def BatchGetFollowCounts(  # noqa: N802
        self, request: pb.BatchGetFollowCountsRequest, context: Context
    ) -> pb.BatchGetFollowCountsResponse:
        """One answer for each account."""
        counts = await self._follows.counts(request.account_ids)
        return pb.BatchGetFollowCountsResponse(counts=map(follow_counts_to_message, counts))

    async def BatchGetAudiences(  # noqa: N802
        self, request: pb.BatchGetAudiencesRequest, context: Context
    ) -> pb.BatchGetAudiencesResponse:
        """One answer for each account."""
        audiences = await self._follows.audiences(request.account_ids)
        return pb.BatchGetAudiencesResponse(audiences=map(audience_to_message, audiences))

    async def BatchSuggestAccounts(  # noqa: N802
        self, request: pb.BatchSuggestAccountsRequest, context: Context
    ) -> pb.BatchSuggestAccountsResponse:
        """One answer for each question, in the order of the request."""
        questions = [SuggestionQuestion(asked.account_id, asked.first) for asked in request.questions]
        suggestions = await self._follows.suggestions(questions)
        answers = [suggestion_to_message(*pair) for pair in zip(questions, suggestions, strict=True)]
        return pb.BatchSuggestAccountsResponse(answers=answers)

    async def Follow(self, request: pb.FollowRequest, context: Context) -> pb.FollowResponse:  # noqa: N802
        """The viewer follows the account from now on."""
        changed = await self._follows.follow(viewer_from_message(request.viewer), request.account_id)
        return pb.FollowResponse(changed=changed)

    async def Unfollow(self, request: pb.UnfollowRequest, context: Context) -> pb.UnfollowResponse:  # noqa: N802
        """The viewer follows the account no longer."""
        changed = await self._follows.unfollow(viewer_from_message(request.viewer), request.account_id)
        return pb.UnfollowResponse(changed=changed)

    async def PublishActivity(  # noqa: N802
        self, request: pb.PublishActivityRequest, context: Context
    ) -> pb.PublishActivityResponse:
        """The activity as it is kept from now on."""
        viewer = viewer_from_message(request.viewer)
        activity = await self._activities.publish(viewer, Kind(request.kind), request.text)
        return pb.PublishActivityResponse(activity=activity_to_message(activity))

    async def BatchListFollowees(  # noqa: N802
        self, request: pb.BatchListFolloweesRequest, context: Context
    ) -> pb.BatchListFolloweesResponse:
        """One answer for each account that follows anybody."""
        found = await self._follows.followees(request.account_ids)
        return pb.BatchListFolloweesResponse(answers=[followees_to_message(*each) for each in found.items()])

    async def ListFeedSince(  # noqa: N802
        self, request: pb.ListFeedSinceRequest, context: Context
    ) -> pb.ListFeedSinceResponse:
        """What the viewer missed, oldest first."""
        viewer = viewer_from_message(request.viewer)
        missed, has_more = await self._activities.missed(viewer, request.after_id, request.limit)
        return pb.ListFeedSinceResponse(activities=map(activity_to_message, missed), has_more=has_more)

    async def SearchActivities(  # noqa: N802
        self, request: pb.SearchActivitiesRequest, context: Context
    ) -> pb.SearchActivitiesResponse:
        """What matches, newest first; for staff."""
        actor, wanted = viewer_from_message(request.actor), filter_from_message(request)
        found, has_next_page = await self._activities.search(actor, wanted)
        return pb.SearchActivitiesResponse(activities=map(activity_to_message, found), has_next_page=has_next_page)

    async def CountActivities(  # noqa: N802
        self, request: pb.CountActivitiesRequest, context: Context
    ) -> pb.CountActivitiesResponse:
        """How often each account did each kind of thing."""
        period = period_from_message(request)
        counts, has_more = await self._activities.counts(period, request.after_account_id, request.accounts)
        return pb.CountActivitiesResponse(counts=map(kind_count_to_message, counts), has_more=has_more)

    async def CountAccountData(  # noqa: N802
        self, request: pb.CountAccountDataRequest, context: Context
    ) -> pb.CountAccountDataResponse:
        """How much there is of the account."""
        return holdings_to_message(await self._belongings.count(request.account_id))

    async def MoveFollows(self, request: pb.MoveFollowsRequest, context: Context) -> pb.MoveFollowsResponse:  # noqa: N802
        """How many follows left the source in this call."""
        moved = await self._belongings.move_follows(request.source_id, request.target_id, request.limit)
        return pb.MoveFollowsResponse(moved=moved)

    async def MoveActivities(  # noqa: N802
        self, request: pb.MoveActivitiesRequest, context: Context
    ) -> pb.MoveActivitiesResponse:
        """How many activities left the source in this call."""
        moved = await self._belongings.move_activities(request.source_id, request.target_id, request.limit)
        return pb.MoveActivitiesResponse(moved=moved)

    async def EraseAccount(self, request: pb.EraseAccountRequest, context: Context) -> pb.EraseAccountResponse:  # noqa: N802
        """How many rows went in this call."""
        return pb.EraseAccountResponse(erased=await self._belongings.erase(request.account_id, request.limit))
