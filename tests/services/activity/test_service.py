"""The activity contract, as a caller sees it over gRPC."""

from collections.abc import Sequence
from datetime import UTC, timedelta

import grpc.aio
import pytest
from google.protobuf.message import Message

from schema.errcode import InvalidArgument, Unauthenticated
from schema.generated.activity.v1 import activity_pb2 as pb
from schema.generated.activity.v1 import activity_pb2_grpc
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
    suggestion_to_message,
    viewer_from_message,
)
from services.activity.wire import BACKEND
from tests.conftest import NOON, MakeResources, Serve
from tests.services.activity.calls import ADA, BO, GUEST, SAM, SINCE, UNTIL, Stub, publish
from tests.services.activity.fakes import activity

KINDS: Sequence["pb.ActivityKind.ValueType"] = [pb.ACTIVITY_KIND_POST, pb.ACTIVITY_KIND_PURCHASE]


@pytest.fixture
async def stub(make_resources: MakeResources, serve: Serve) -> Stub:
    channel: grpc.aio.Channel = await serve(BACKEND, await make_resources(BACKEND.metadata))
    return activity_pb2_grpc.ActivityServiceStub(channel)


async def feed(stub: Stub, viewer: identity_pb2.Viewer, page: pb.PageRequest) -> pb.ActivityPage:
    question = pb.BatchListFeedsRequest.Question(viewer=viewer, page=page)
    reply = await stub.BatchListFeeds(pb.BatchListFeedsRequest(questions=[question]))
    return reply.pages[0]


async def own(stub: Stub, viewer: identity_pb2.Viewer, page: pb.PageRequest) -> pb.ActivityPage:
    question = pb.BatchListOwnActivitiesRequest.Question(viewer=viewer, page=page)
    reply = await stub.BatchListOwnActivities(pb.BatchListOwnActivitiesRequest(questions=[question]))
    return reply.pages[0]


def texts(page: pb.ActivityPage) -> list[str]:
    return [item.activity.text for item in page.items]


async def test_what_is_published_comes_back_and_is_listed_as_ones_own(stub: Stub) -> None:
    (published,) = await publish(stub, ADA, "  hello ", kind=Kind.PURCHASE)
    assert (published.author_id, published.kind, published.text) == (1, pb.ACTIVITY_KIND_PURCHASE, "hello")
    assert published.created_at.ToDatetime(UTC) == NOON
    assert [item.activity for item in (await own(stub, ADA, pb.PageRequest(first=20))).items] == [published]
    assert texts(await own(stub, BO, pb.PageRequest(first=20))) == []


async def test_a_feed_shows_whom_one_follows_as_long_as_one_does(stub: Stub) -> None:
    await publish(stub, BO, "one", "two", "three")
    follow, unfollow = pb.FollowRequest(viewer=ADA, account_id=2), pb.UnfollowRequest(viewer=ADA, account_id=2)
    assert [(await stub.Follow(follow)).changed for _ in range(2)] == [True, False]
    start = await feed(stub, ADA, pb.PageRequest(first=2))
    assert (texts(start), start.has_next_page) == (["three", "two"], True)
    rest = await feed(stub, ADA, pb.PageRequest(first=2, after=start.items[-1].cursor))
    assert (texts(rest), rest.has_next_page) == (["one"], False)
    assert texts(await feed(stub, GUEST, pb.PageRequest(first=1))) == ["three"]
    assert [(await stub.Unfollow(unfollow)).changed for _ in range(2)] == [True, False]
    assert texts(await feed(stub, ADA, pb.PageRequest(first=2))) == []


async def test_pages_come_in_the_order_of_the_questions(stub: Stub) -> None:
    await publish(stub, BO, "b")
    await publish(stub, ADA, "a")
    await stub.Follow(pb.FollowRequest(viewer=ADA, account_id=2))
    await stub.Follow(pb.FollowRequest(viewer=BO, account_id=1))
    question, page = pb.BatchListFeedsRequest.Question, pb.PageRequest(first=5)
    questions = [question(viewer=viewer, page=page) for viewer in (BO, SAM, GUEST, ADA, BO)]
    reply = await stub.BatchListFeeds(pb.BatchListFeedsRequest(questions=questions))
    assert [texts(each) for each in reply.pages] == [["a"], [], ["a", "b"], ["b"], ["a"]]


async def test_an_activity_is_answered_to_those_who_may_see_it(stub: Stub) -> None:
    (private,) = await publish(stub, BO, "secret", kind=Kind.SIGN_IN)
    (public,) = await publish(stub, BO, "open")
    question = pb.BatchGetActivitiesRequest.Question
    questions = [question(viewer=viewer, activity_id=one.id) for viewer in (ADA, BO, SAM) for one in (private, public)]
    reply = await stub.BatchGetActivities(pb.BatchGetActivitiesRequest(questions=questions))
    seen = [(answer.viewer_account_id, answer.activity) for answer in reply.answers]
    assert seen == [(1, public), (2, private), (2, public), (4, private), (4, public)]


async def test_counts_audiences_and_suggestions_name_their_account(stub: Stub) -> None:
    await publish(stub, BO, "one", "two")
    await stub.Follow(pb.FollowRequest(viewer=ADA, account_id=2))
    counts = await stub.BatchGetFollowCounts(pb.BatchGetFollowCountsRequest(account_ids=[9, 2, 1]))
    assert [(each.account_id, each.followers, each.following) for each in counts.counts] == [
        (9, 0, 0),
        (2, 1, 0),
        (1, 0, 1),
    ]
    audiences = await stub.BatchGetAudiences(pb.BatchGetAudiencesRequest(account_ids=[2]))
    assert list(audiences.audiences) == [
        pb.Audience(account_id=2, followers=1, new_this_week=1, activities_this_week=2)
    ]
    question = pb.BatchSuggestAccountsRequest.Question
    questions = [question(account_id=7, first=3), question(account_id=1, first=3)]
    suggested = await stub.BatchSuggestAccounts(pb.BatchSuggestAccountsRequest(questions=questions))
    answer = pb.BatchSuggestAccountsResponse.Answer
    assert list(suggested.answers) == [
        answer(account_id=7, first=3, suggested_account_ids=[2]),
        answer(account_id=1, first=3),
    ]


@pytest.mark.parametrize("first", [0, -1, 101])
async def test_a_page_of_another_size_than_1_to_100_is_refused(stub: Stub, first: int) -> None:
    with pytest.raises(InvalidArgument, match="first"):
        await feed(stub, ADA, pb.PageRequest(first=first))


async def test_a_cursor_of_another_list_is_refused(stub: Stub) -> None:
    await publish(stub, ADA, "a", "b")
    cursor = (await own(stub, ADA, pb.PageRequest(first=1))).items[0].cursor
    for list_page, viewer, kinds in ((feed, ADA, []), (own, BO, []), (own, ADA, KINDS), (feed, GUEST, [])):
        refused = await list_page(stub, viewer, pb.PageRequest(first=1, after=cursor, kinds=kinds))
        assert refused == pb.ActivityPage(cursor_refused=True, question=1)
    assert texts(await own(stub, ADA, pb.PageRequest(first=1, after=cursor))) == ["a"]


async def test_a_refused_cursor_leaves_the_other_questions_of_the_call_their_pages(stub: Stub) -> None:
    await publish(stub, ADA, "a")
    ask = pb.BatchListOwnActivitiesRequest.Question
    questions = [ask(viewer=ADA, page=pb.PageRequest(first=1, after=after)) for after in ("nonsense", "")]
    refused, good = (await stub.BatchListOwnActivities(pb.BatchListOwnActivitiesRequest(questions=questions))).pages
    assert (refused.cursor_refused, texts(refused)) == (True, [])
    assert (good.cursor_refused, texts(good)) == (False, ["a"])


async def test_bad_publishing_and_following_is_refused_and_changes_nothing(stub: Stub) -> None:
    with pytest.raises(InvalidArgument, match=r"^text: must not be empty$"):
        await publish(stub, ADA, "   ")
    with pytest.raises(InvalidArgument, match="text"):
        await publish(stub, ADA, "x" * 2001)
    with pytest.raises(InvalidArgument, match="kind"):
        await stub.PublishActivity(pb.PublishActivityRequest(viewer=ADA, text="x"))
    with pytest.raises(InvalidArgument, match="accountId"):
        await stub.Follow(pb.FollowRequest(viewer=ADA, account_id=1))
    assert texts(await own(stub, ADA, pb.PageRequest(first=20))) == []
    counts = await stub.BatchGetFollowCounts(pb.BatchGetFollowCountsRequest(account_ids=[1]))
    assert counts.counts[0].following == 0


async def test_a_guest_acts_in_nothing_and_has_no_own_list(stub: Stub) -> None:
    for act in (
        stub.Follow(pb.FollowRequest(viewer=GUEST, account_id=1)),
        stub.Unfollow(pb.UnfollowRequest(viewer=GUEST, account_id=1)),
        stub.PublishActivity(pb.PublishActivityRequest(viewer=GUEST, kind=pb.ACTIVITY_KIND_POST, text="x")),
    ):
        with pytest.raises(Unauthenticated):
            await act
    assert texts(await own(stub, GUEST, pb.PageRequest(first=20))) == []
    counts = await stub.BatchGetFollowCounts(pb.BatchGetFollowCountsRequest(account_ids=[1]))
    assert counts.counts[0].followers == 0


def unset_fields(message: Message) -> set[str]:
    return {field.name for field in message.DESCRIPTOR.fields} - {field.name for field, _ in message.ListFields()}


def test_no_field_of_an_answer_stays_unset() -> None:
    page = page_to_message(1, Page((Item("cursor", activity(7)),), has_next_page=True, cursor_refused=True))
    messages = (
        page,
        page.items[0],
        page.items[0].activity,
        follow_counts_to_message(FollowCounts(1, 2, 3)),
        audience_to_message(Audience(1, 2, 3, 4)),
        suggestion_to_message(SuggestionQuestion(1, 2), [3]),
        followees_to_message(1, [2]),
        kind_count_to_message(KindCount(1, Kind.POST, 2)),
        holdings_to_message(Holdings(1, 2, 3)),
        answer_to_message(Viewer(1), activity(7)),
    )
    for message in messages:
        assert unset_fields(message) == set(), message.DESCRIPTOR.name


def test_every_field_of_a_question_is_read() -> None:
    page = pb.PageRequest(first=5, after="cursor", kinds=KINDS)
    assert unset_fields(page) == set()
    kinds = frozenset({Kind.POST, Kind.PURCHASE})
    assert page_question(SAM, page) == PageQuestion(Viewer(4, is_staff=True), PageRequest(5, "cursor", kinds))
    assert viewer_from_message(ADA) == Viewer(1, is_staff=False)


def test_every_field_of_a_search_is_read() -> None:
    request = pb.SearchActivitiesRequest(
        actor=SAM, author_ids=[3, 2], kinds=KINDS, since=SINCE, until=UNTIL, first=5, before_id=9
    )
    assert unset_fields(request) == set()
    kinds, period = frozenset({Kind.POST, Kind.PURCHASE}), Period(NOON, NOON + timedelta(hours=1))
    assert filter_from_message(request) == ActivityFilter(5, 9, frozenset({2, 3}), kinds, period)
    assert filter_from_message(pb.SearchActivitiesRequest(first=5)) == ActivityFilter(5, BEFORE_ALL)


def test_a_moment_keeps_its_microseconds() -> None:
    for moment in (NOON + timedelta(microseconds=1), NOON - timedelta(days=30_000, microseconds=1)):
        message = activity_to_message(Activity(1, 1, Kind.POST, "x", moment))
        assert message.created_at.ToDatetime(UTC) == moment


def test_the_kinds_are_those_of_the_contract() -> None:
    contract = {name.removeprefix("ACTIVITY_KIND_"): number for name, number in pb.ActivityKind.items() if number}
    assert {kind.name: kind.value for kind in Kind} == contract
