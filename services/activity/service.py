"""The activity contract over gRPC: messages in, the rules' answers out."""

from collections.abc import Sequence
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from schema.generated.activity.v1 import activity_pb2 as pb
from schema.generated.activity.v1 import activity_pb2_grpc
from schema.generated.identity.v1 import identity_pb2
from services.activity.biz import (
    Activities,
    Activity,
    Audience,
    FollowCounts,
    Follows,
    Item,
    Kind,
    Page,
    PageQuestion,
    PageRequest,
    SuggestionQuestion,
    Viewer,
)
from services.runtime.server import Context

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ActivityServicer(activity_pb2_grpc.ActivityServiceServicer):
    """Answers batches in the order of the request, or with keys that a caller can index the reply by."""

    def __init__(self, activities: Activities, follows: Follows) -> None:
        self._activities = activities
        self._follows = follows

    async def BatchGetActivities(  # noqa: N802
        self, request: pb.BatchGetActivitiesRequest, context: Context
    ) -> pb.BatchGetActivitiesResponse:
        """The activities that there are and that their viewers may see."""
        questions = [(viewer_from_message(asked.viewer), asked.activity_id) for asked in request.questions]
        answers = await self._activities.by_ids(questions)
        return pb.BatchGetActivitiesResponse(answers=[_answer_to_message(*answer) for answer in answers])

    async def BatchListFeeds(  # noqa: N802
        self, request: pb.BatchListFeedsRequest, context: Context
    ) -> pb.BatchListFeedsResponse:
        """One page for each question, in the order of the request."""
        pages = await self._activities.feeds([page_question(asked.viewer, asked.page) for asked in request.questions])
        return pb.BatchListFeedsResponse(pages=map(page_to_message, pages))

    async def BatchListOwnActivities(  # noqa: N802
        self, request: pb.BatchListOwnActivitiesRequest, context: Context
    ) -> pb.BatchListOwnActivitiesResponse:
        """One page for each question, in the order of the request."""
        pages = await self._activities.own([page_question(asked.viewer, asked.page) for asked in request.questions])
        return pb.BatchListOwnActivitiesResponse(pages=map(page_to_message, pages))

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


def viewer_from_message(message: identity_pb2.Viewer) -> Viewer:
    """The viewer of a request."""
    is_staff = message.account_type == identity_pb2.ACCOUNT_TYPE_STAFF
    return Viewer(account_id=message.account_id, is_staff=is_staff)


def page_question(viewer: identity_pb2.Viewer, page: pb.PageRequest) -> PageQuestion:
    """A viewer and the part of a list that is wanted."""
    return PageQuestion(viewer_from_message(viewer), page_request_from_message(page))


def page_request_from_message(message: pb.PageRequest) -> PageRequest:
    """The part of a list that is wanted."""
    return PageRequest(first=message.first, after=message.after, kinds=frozenset(map(Kind, message.kinds)))


def activity_to_message(activity: Activity) -> pb.Activity:
    """The activity as callers see it."""
    return pb.Activity(
        id=activity.id,
        author_id=activity.author_id,
        kind=pb.ActivityKind.ValueType(activity.kind),
        text=activity.text,
        created_at=_timestamp(activity.created_at),
    )


def _timestamp(moment: datetime) -> Timestamp:
    # Timestamp.FromDatetime goes through the calendar and takes three times as long; a feed has many of these.
    since = moment - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1000)


def item_to_message(item: Item) -> pb.ActivityPage.Item:
    """An activity and its place in a list."""
    return pb.ActivityPage.Item(cursor=item.cursor, activity=activity_to_message(item.activity))


def page_to_message(page: Page) -> pb.ActivityPage:
    """One page of a list."""
    return pb.ActivityPage(
        items=map(item_to_message, page.items),
        has_next_page=page.has_next_page,
        cursor_refused=page.cursor_refused,
    )


def follow_counts_to_message(counts: FollowCounts) -> pb.BatchGetFollowCountsResponse.FollowCounts:
    """The counts of one account."""
    return pb.BatchGetFollowCountsResponse.FollowCounts(
        account_id=counts.account_id, followers=counts.followers, following=counts.following
    )


def audience_to_message(audience: Audience) -> pb.Audience:
    """The audience of one account."""
    return pb.Audience(
        account_id=audience.account_id,
        followers=audience.followers,
        new_this_week=audience.new_this_week,
        activities_this_week=audience.activities_this_week,
    )


def suggestion_to_message(
    question: SuggestionQuestion, account_ids: Sequence[int]
) -> pb.BatchSuggestAccountsResponse.Answer:
    """The answer to one question."""
    return pb.BatchSuggestAccountsResponse.Answer(
        account_id=question.account_id, first=question.first, suggested_account_ids=account_ids
    )


def _answer_to_message(viewer: Viewer, activity: Activity) -> pb.BatchGetActivitiesResponse.Answer:
    message = activity_to_message(activity)
    return pb.BatchGetActivitiesResponse.Answer(viewer_account_id=viewer.account_id, activity=message)
