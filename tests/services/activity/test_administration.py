"""What staff, tasks and jobs ask of activities, over gRPC."""

from typing import Any

import grpc.aio
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from schema.errcode import InvalidArgument, PermissionDenied, Unauthenticated
from schema.generated.activity.v1 import activity_pb2 as pb
from schema.generated.activity.v1 import activity_pb2_grpc
from services.activity.biz import Kind
from services.activity.wire import BACKEND
from tests.conftest import HandClock, MakeResources, Serve
from tests.services.activity.calls import ADA, BO, GUEST, SAM, SINCE, UNTIL, Stub, publish


@pytest.fixture
async def stub(make_resources: MakeResources, serve: Serve) -> Stub:
    channel: grpc.aio.Channel = await serve(BACKEND, await make_resources(BACKEND.metadata))
    return activity_pb2_grpc.ActivityServiceStub(channel)


async def follow(stub: Stub, viewer: Any, *account_ids: int) -> None:
    for account_id in account_ids:
        await stub.Follow(pb.FollowRequest(viewer=viewer, account_id=account_id))


async def search(stub: Stub, **wanted: Any) -> tuple[list[str], bool]:
    fields: dict[str, Any] = {"actor": SAM, "first": 10} | wanted
    reply = await stub.SearchActivities(pb.SearchActivitiesRequest(**fields))
    return [found.text for found in reply.activities], reply.has_next_page


async def followees(stub: Stub, *account_ids: int) -> dict[int, list[int]]:
    reply = await stub.BatchListFollowees(pb.BatchListFolloweesRequest(account_ids=account_ids))
    return {answer.account_id: list(answer.followee_ids) for answer in reply.answers}


async def test_those_who_follow_anybody_have_a_list(stub: Stub) -> None:
    await follow(stub, ADA, 9, 2, 4)
    await follow(stub, BO, 1)
    assert await followees(stub, 7, 2, 1, 2) == {1: [2, 4, 9], 2: [1]}


async def test_a_subscriber_catches_up_page_by_page(stub: Stub) -> None:
    await follow(stub, ADA, 2)
    seen, *_ = await publish(stub, BO, "one", "two", "three", "four")
    await publish(stub, SAM, "of somebody else")
    await publish(stub, BO, "secret", kind=Kind.SIGN_IN)
    first = await stub.ListFeedSince(pb.ListFeedSinceRequest(viewer=ADA, after_id=seen.id, limit=2))
    assert ([found.text for found in first.activities], first.has_more) == (["two", "three"], True)
    after = first.activities[-1].id
    rest = await stub.ListFeedSince(pb.ListFeedSinceRequest(viewer=ADA, after_id=after, limit=2))
    assert ([found.text for found in rest.activities], rest.has_more) == (["four"], False)
    with pytest.raises(Unauthenticated):
        await stub.ListFeedSince(pb.ListFeedSinceRequest(viewer=GUEST, limit=2))


async def test_staff_searches_what_anybody_did(stub: Stub, clock: HandClock) -> None:
    await publish(stub, ADA, "a", "b")
    clock.advance(minutes=90)
    (last,) = await publish(stub, BO, "c", kind=Kind.PURCHASE)
    assert await search(stub) == (["c", "b", "a"], False)
    assert await search(stub, first=2) == (["c", "b"], True)
    assert await search(stub, before_id=last.id) == (["b", "a"], False)
    assert await search(stub, author_ids=[2]) == (["c"], False)
    assert await search(stub, kinds=[pb.ACTIVITY_KIND_PURCHASE]) == (["c"], False)
    assert await search(stub, since=SINCE, until=UNTIL) == (["b", "a"], False)
    assert await search(stub, since=UNTIL) == (["c"], False)


@pytest.mark.parametrize("actor", [ADA, GUEST])
async def test_nobody_else_searches(stub: Stub, actor: Any) -> None:
    with pytest.raises(PermissionDenied, match=r"^this needs the permission admin\.activities\.read$"):
        await search(stub, actor=actor)


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"since": UNTIL, "until": SINCE}, "until: must be later than since"),
        ({"since": Timestamp(seconds=10**15)}, "since: is no moment between the years 1 and 9999"),
        ({"until": Timestamp(nanos=-1)}, "until: is no moment between the years 1 and 9999"),
        ({"kinds": [77]}, "kinds: names a kind that there is not"),
        ({"first": 0}, "first: "),
        ({"author_ids": [0]}, r"author_ids\[0\]: "),
        ({"before_id": -1}, "before_id: "),
    ],
)
async def test_a_bad_search_names_what_is_wrong(stub: Stub, wanted: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{problem}"):
        await search(stub, **wanted)


async def test_what_was_done_is_counted_by_account_and_kind(stub: Stub, clock: HandClock) -> None:
    await publish(stub, ADA, "a", "b")
    await publish(stub, ADA, "c", kind=Kind.LIKE)
    await publish(stub, BO, "d")
    clock.advance(hours=1)
    await publish(stub, SAM, "too late")
    request = pb.CountActivitiesRequest(since=SINCE, until=UNTIL, accounts=1)
    start = await stub.CountActivities(request)
    assert [(count.account_id, count.kind, count.count) for count in start.counts] == [(1, 1, 2), (1, 3, 1)]
    assert start.has_more
    request.after_account_id = 1
    rest = await stub.CountActivities(request)
    assert ([(count.account_id, count.kind, count.count) for count in rest.counts], rest.has_more) == (
        [(2, 1, 1)],
        False,
    )
    with pytest.raises(InvalidArgument, match=r"^until: "):
        await stub.CountActivities(pb.CountActivitiesRequest(since=UNTIL, until=UNTIL, accounts=1))
    with pytest.raises(InvalidArgument, match=r"^since: "):
        await stub.CountActivities(pb.CountActivitiesRequest(until=UNTIL, accounts=1))


async def holdings(stub: Stub, account_id: int) -> tuple[int, int, int]:
    reply = await stub.CountAccountData(pb.CountAccountDataRequest(account_id=account_id))
    return reply.activities, reply.following, reply.followers


async def test_what_an_account_has_moves_to_another_and_is_counted_there(stub: Stub) -> None:
    await publish(stub, ADA, "a", "b")
    await follow(stub, ADA, 2, 9)
    await follow(stub, BO, 1, 9)
    assert (await holdings(stub, 1), await holdings(stub, 2)) == ((2, 2, 1), (0, 2, 1))
    activities = pb.MoveActivitiesRequest(source_id=1, target_id=2, limit=10)
    assert [(await stub.MoveActivities(activities)).moved for _ in range(2)] == [2, 0]
    follows = pb.MoveFollowsRequest(source_id=1, target_id=2, limit=10)
    assert [(await stub.MoveFollows(follows)).moved for _ in range(3)] == [2, 1, 0]
    assert (await holdings(stub, 1), await holdings(stub, 2)) == ((0, 0, 0), (2, 1, 0))
    assert await followees(stub, 1, 2) == {2: [9]}
    counts = await stub.BatchGetFollowCounts(pb.BatchGetFollowCountsRequest(account_ids=[1, 2, 9]))
    assert [(each.followers, each.following) for each in counts.counts] == [(0, 0), (0, 1), (1, 0)]


async def test_nothing_moves_to_where_it_is(stub: Stub) -> None:
    await follow(stub, ADA, 2)
    for move in (
        stub.MoveFollows(pb.MoveFollowsRequest(source_id=1, target_id=1, limit=10)),
        stub.MoveActivities(pb.MoveActivitiesRequest(source_id=1, target_id=1, limit=10)),
    ):
        with pytest.raises(InvalidArgument, match=r"^target_id: must be another account than the source$"):
            await move
    assert await followees(stub, 1) == {1: [2]}


async def test_an_account_is_forgotten(stub: Stub) -> None:
    await publish(stub, ADA, "a")
    await publish(stub, BO, "b")
    await follow(stub, ADA, 2)
    await follow(stub, BO, 1, 9)
    erase = pb.EraseAccountRequest(account_id=1, limit=2)
    assert [(await stub.EraseAccount(erase)).erased for _ in range(3)] == [2, 1, 0]
    assert (await holdings(stub, 1), await holdings(stub, 2)) == ((0, 0, 0), (1, 1, 0))
    assert await search(stub) == (["b"], False)
