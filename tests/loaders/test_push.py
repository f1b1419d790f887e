import pytest

from loaders.push import PushQuestions
from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2 as pb
from schema.generated.identity.v1.identity_pb2 import ACCOUNT_TYPE_GUEST, ACCOUNT_TYPE_PERSONAL, Viewer
from schema.graphql.ports import Identity
from tests.loaders.fakes import Answer, FakeChannel, channels

ADA = Identity(1, ACCOUNT_TYPE_PERSONAL)
ADA_MESSAGE = Viewer(account_id=1, account_type=ACCOUNT_TYPE_PERSONAL)
POST = pb.Activity(id=5, author_id=2, kind=pb.ACTIVITY_KIND_POST)


def questions(**answers: Answer) -> tuple[FakeChannel, PushQuestions]:
    channel, everywhere = channels(**answers)
    return channel, PushQuestions(everywhere["account"], everywhere["activity"])


async def test_sessions_are_verified_in_one_call() -> None:
    found = [account_pb2.VerifiedSession(question=place) for place in (1, 2)]
    reply = account_pb2.BatchVerifySessionsResponse(sessions=found)
    channel, push = questions(BatchVerifySessions=lambda _: reply)
    assert await push.sessions(["a", "b"]) == {"a": found[0], "b": found[1]}
    assert channel.calls == [("BatchVerifySessions", account_pb2.BatchVerifySessionsRequest(tokens=["a", "b"]))]


async def test_a_token_that_is_not_answered_takes_no_other_along() -> None:
    reply = account_pb2.BatchVerifySessionsResponse(sessions=[account_pb2.VerifiedSession(question=2)])
    _, push = questions(BatchVerifySessions=lambda _: reply)
    assert await push.sessions(["a", "b"]) == {"b": reply.sessions[0]}


async def test_activities_are_read_as_anybody_may_see_them() -> None:
    answer = pb.BatchGetActivitiesResponse.Answer(activity=POST)
    channel, push = questions(BatchGetActivities=lambda _: pb.BatchGetActivitiesResponse(answers=[answer]))
    assert await push.public([5, 6]) == {5: POST}
    ask, guest = pb.BatchGetActivitiesRequest.Question, Viewer(account_type=ACCOUNT_TYPE_GUEST)
    request = pb.BatchGetActivitiesRequest(questions=[ask(viewer=guest, activity_id=number) for number in (5, 6)])
    assert channel.calls == [("BatchGetActivities", request)]


async def test_the_newest_are_the_first_page_of_the_feed() -> None:
    page = pb.ActivityPage(items=[pb.ActivityPage.Item(activity=POST)])
    channel, push = questions(BatchListFeeds=lambda _: pb.BatchListFeedsResponse(pages=[page]))
    assert await push.newest(ADA, 20) == [POST]
    question = pb.BatchListFeedsRequest.Question(viewer=ADA_MESSAGE, page=pb.PageRequest(first=20))
    assert channel.calls == [("BatchListFeeds", pb.BatchListFeedsRequest(questions=[question]))]


@pytest.mark.parametrize("followees", [[], [2, 3]])
async def test_whoever_follows_nobody_is_not_answered(followees: list[int]) -> None:
    answers = [pb.BatchListFolloweesResponse.Answer(account_id=1, followee_ids=followees)] if followees else []
    _, push = questions(BatchListFollowees=lambda _: pb.BatchListFolloweesResponse(answers=answers))
    assert await push.followees(1) == followees


async def test_what_was_missed_comes_with_whether_there_is_more() -> None:
    reply = pb.ListFeedSinceResponse(activities=[POST], has_more=True)
    channel, push = questions(ListFeedSince=lambda _: reply)
    assert await push.feed_since(ADA, 4, 1) == ([POST], True)
    assert channel.calls == [("ListFeedSince", pb.ListFeedSinceRequest(viewer=ADA_MESSAGE, after_id=4, limit=1))]
