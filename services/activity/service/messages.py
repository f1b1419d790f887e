"""Between the messages of the contract and the words of the business, once for each."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from schema.errcode import InvalidArgument
from schema.generated.activity.v1 import activity_pb2 as pb
from schema.generated.identity.v1 import identity_pb2
from services.activity.biz import (
    BEFORE_ALL,
    Activity,
    ActivityFilter,
    Audience,
    FollowCounts,
    Holdings,
    Item,
    Kind,
    KindCount,
    Page,
    PageQuestion,
    PageRequest,
    Period,
    SuggestionQuestion,
    Viewer,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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


def page_to_message(question: int, page: Page) -> pb.ActivityPage:
    """One page of a list, for the question at that place from 1."""
    return pb.ActivityPage(
        question=question,
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


def answer_to_message(viewer: Viewer, activity: Activity) -> pb.BatchGetActivitiesResponse.Answer:
    """An activity for the viewer who may see it."""
    message = activity_to_message(activity)
    return pb.BatchGetActivitiesResponse.Answer(viewer_account_id=viewer.account_id, activity=message)


def followees_to_message(account_id: int, followee_ids: Sequence[int]) -> pb.BatchListFolloweesResponse.Answer:
    """Whom one account follows."""
    return pb.BatchListFolloweesResponse.Answer(account_id=account_id, followee_ids=followee_ids)


def filter_from_message(message: pb.SearchActivitiesRequest) -> ActivityFilter:
    """Which activities to find."""
    return ActivityFilter(
        most=message.first,
        before=message.before_id or BEFORE_ALL,
        author_ids=frozenset(message.author_ids),
        kinds=_kinds(message.kinds),
        period=period_from_message(message),
    )


def _kinds(numbers: Iterable[int]) -> frozenset[Kind]:
    try:
        return frozenset(map(Kind, numbers))
    except ValueError as error:
        raise InvalidArgument("kinds", "names a kind that there is not") from error


def period_from_message(message: pb.SearchActivitiesRequest | pb.CountActivitiesRequest) -> Period:
    """From when until when."""
    return Period(_moment(message, "since"), _moment(message, "until"))


def _moment(message: Message, field: str) -> datetime | None:
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    try:
        return stamp.ToDatetime(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidArgument(field, "is no moment between the years 1 and 9999") from error


def kind_count_to_message(count: KindCount) -> pb.CountActivitiesResponse.Count:
    """How often one account did one kind of thing."""
    return pb.CountActivitiesResponse.Count(
        account_id=count.account_id, kind=pb.ActivityKind.ValueType(count.kind), count=count.count
    )


def holdings_to_message(holdings: Holdings) -> pb.CountAccountDataResponse:
    """How much there is of an account."""
    return pb.CountAccountDataResponse(
        activities=holdings.activities, following=holdings.following, followers=holdings.followers
    )
