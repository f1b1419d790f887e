from collections.abc import Callable
from typing import Any

import pytest

from schema.errcode import BackendUnavailable
from schema.generated.activity.v1 import activity_pb2 as pb
from schema.generated.identity.v1.identity_pb2 import ACCOUNT_TYPE_PERSONAL, Viewer
from schema.graphql.ports import GUEST, ActivityKey, FeedKey, Identity, SuggestionsKey
from tests.loaders.conftest import MakeClients
from tests.loaders.fakes import channels

ADA = Identity(1, ACCOUNT_TYPE_PERSONAL)
ADA_MESSAGE = Viewer(account_id=1, account_type=ACCOUNT_TYPE_PERSONAL)


def page_by_length(reply: type[Any]) -> Callable[[Any], Any]:
    """Answers each question with a page whose one cursor is the length that was asked for."""

    def answer(request: Any) -> Any:
        items = [pb.ActivityPage.Item(cursor=str(question.page.first)) for question in request.questions]
        return reply(pages=[pb.ActivityPage(items=[item], question=place) for place, item in enumerate(items, start=1)])

    return answer


async def test_an_activity_goes_to_the_viewer_who_may_see_it(clients: MakeClients) -> None:
    bought = pb.Activity(id=5, kind=pb.ACTIVITY_KIND_PURCHASE)
    answer = pb.BatchGetActivitiesResponse.Answer(viewer_account_id=1, activity=bought)
    channel, everywhere = channels(BatchGetActivities=lambda _: pb.BatchGetActivitiesResponse(answers=[answer]))
    load = clients(everywhere).loaders().activity
    assert await load.load_many([ActivityKey(GUEST, 5), ActivityKey(ADA, 5)]) == [None, bought]
    assert len(channel.calls) == 1


async def test_pages_of_feeds_come_in_one_call_in_their_order(clients: MakeClients) -> None:
    channel, everywhere = channels(BatchListFeeds=page_by_length(pb.BatchListFeedsResponse))
    load = clients(everywhere).loaders().feed
    keys = [FeedKey(ADA, 3, "", ()), FeedKey(ADA, 2, "c", (pb.ACTIVITY_KIND_POST, pb.ACTIVITY_KIND_LIKE))]
    assert [page.items[0].cursor for page in await load.load_many(keys)] == ["3", "2"]
    ask = pb.BatchListFeedsRequest.Question
    kinds = [pb.ACTIVITY_KIND_POST, pb.ACTIVITY_KIND_LIKE]
    questions = [
        ask(viewer=ADA_MESSAGE, page=pb.PageRequest(first=3)),
        ask(viewer=ADA_MESSAGE, page=pb.PageRequest(first=2, after="c", kinds=kinds)),
    ]
    assert channel.calls == [("BatchListFeeds", pb.BatchListFeedsRequest(questions=questions))]


async def test_more_than_200_feeds_become_two_calls(clients: MakeClients) -> None:
    channel, everywhere = channels(BatchListFeeds=page_by_length(pb.BatchListFeedsResponse))
    keys = [FeedKey(Identity(one, ACCOUNT_TYPE_PERSONAL), 1, "") for one in range(1, 202)]
    assert len(await clients(everywhere).loaders().feed.load_many(keys)) == 201
    assert [len(request.questions) for _, request in channel.calls] == [200, 1]


async def test_fewer_pages_than_questions_count_as_no_answer(clients: MakeClients) -> None:
    _, everywhere = channels(BatchListFeeds=lambda _: pb.BatchListFeedsResponse())
    with pytest.raises(BackendUnavailable, match="activity"):
        await clients(everywhere).loaders().feed.load(FeedKey(ADA, 3, ""))


async def test_own_activities_come_in_one_call_in_their_order(clients: MakeClients) -> None:
    channel, everywhere = channels(BatchListOwnActivities=page_by_length(pb.BatchListOwnActivitiesResponse))
    load = clients(everywhere).loaders().own_activities
    found = await load.load_many([FeedKey(ADA, 9, ""), FeedKey(ADA, 4, "")])
    assert [page.items[0].cursor for page in found] == ["9", "4"]
    assert len(channel.calls) == 1


async def test_follow_counts_are_found_by_account(clients: MakeClients) -> None:
    counts = pb.BatchGetFollowCountsResponse.FollowCounts
    reply = pb.BatchGetFollowCountsResponse(
        counts=[counts(account_id=2, followers=20, following=3), counts(account_id=1, followers=10, following=4)]
    )
    channel, everywhere = channels(BatchGetFollowCounts=lambda _: reply)
    load = clients(everywhere).loaders().follow_counts
    found, lost = load.load_many([1, 2]), load.load(3)
    assert await found == [reply.counts[1], reply.counts[0]]
    with pytest.raises(BackendUnavailable, match="activity"):
        await lost
    assert channel.calls == [("BatchGetFollowCounts", pb.BatchGetFollowCountsRequest(account_ids=[1, 2, 3]))]


async def test_audiences_are_found_by_account(clients: MakeClients) -> None:
    reply = pb.BatchGetAudiencesResponse(audiences=[pb.Audience(account_id=2, followers=20), pb.Audience(account_id=1)])
    channel, everywhere = channels(BatchGetAudiences=lambda _: reply)
    assert await clients(everywhere).loaders().audience.load_many([1, 2]) == [reply.audiences[1], reply.audiences[0]]
    assert channel.calls == [("BatchGetAudiences", pb.BatchGetAudiencesRequest(account_ids=[1, 2]))]


async def test_suggestions_are_told_apart_by_account_and_length(clients: MakeClients) -> None:
    answer = pb.BatchSuggestAccountsResponse.Answer
    reply = pb.BatchSuggestAccountsResponse(
        answers=[
            answer(account_id=1, first=2, suggested_account_ids=[8, 7]),
            answer(account_id=1, first=1, suggested_account_ids=[8]),
        ]
    )
    channel, everywhere = channels(BatchSuggestAccounts=lambda _: reply)
    load = clients(everywhere).loaders().suggestions
    assert await load.load_many([SuggestionsKey(1, 1), SuggestionsKey(1, 2), SuggestionsKey(2, 1)]) == [
        (8,),
        (8, 7),
        (),
    ]
    assert len(channel.calls) == 1


async def test_following_and_its_end_tell_whether_they_changed_anything(clients: MakeClients) -> None:
    channel, everywhere = channels(
        Follow=lambda _: pb.FollowResponse(changed=True), Unfollow=lambda _: pb.UnfollowResponse(changed=False)
    )
    commands = clients(everywhere).commands()
    assert (await commands.follow(ADA, 2), await commands.unfollow(ADA, 2)) == (True, False)
    assert channel.calls == [
        ("Follow", pb.FollowRequest(viewer=ADA_MESSAGE, account_id=2)),
        ("Unfollow", pb.UnfollowRequest(viewer=ADA_MESSAGE, account_id=2)),
    ]


async def test_publishing_answers_the_activity(clients: MakeClients) -> None:
    published = pb.Activity(id=5, text="hello")
    channel, everywhere = channels(PublishActivity=lambda _: pb.PublishActivityResponse(activity=published))
    assert await clients(everywhere).commands().publish(ADA, pb.ACTIVITY_KIND_POST, "hello") == published
    request = pb.PublishActivityRequest(viewer=ADA_MESSAGE, kind=pb.ACTIVITY_KIND_POST, text="hello")
    assert channel.calls == [("PublishActivity", request)]
