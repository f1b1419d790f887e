from typing import Any

import pytest

from schema.errcode import InvalidArgument
from schema.generated.activity.v1 import activity_pb2 as activity
from schema.generated.banner.v1 import banner_pb2 as banner
from schema.graphql.ports import (
    GUEST,
    BannersKey,
    ClosuresKey,
    FeedKey,
    Identity,
    PermissionKey,
    SuggestionsKey,
)
from tests.schema.fakes import ADA, BO, CORP, NEW, SAM, FakeContext, FakeLoader, answer, refusal

FEED = "query ($first: Int! = 20, $after: String, $kinds: [ActivityKind!]) { viewer { home { %s } } }"
PLAIN_FEED = FEED % "feed(first: $first, after: $after, kinds: $kinds) { edges { cursor } }"


async def home(context: FakeContext, selection: str) -> Any:
    return (await answer(context, f"{{ viewer {{ home {{ {selection} }} }} }}"))["viewer"]["home"]


@pytest.mark.parametrize(
    ("viewer", "type_name", "view"),
    [
        (GUEST, "GUEST", "GuestHome"),
        (ADA, "PERSONAL", "PersonalHome"),
        (BO, "CREATOR", "CreatorHome"),
        (CORP, "BUSINESS", "BusinessHome"),
        (SAM, "STAFF", "StaffHome"),
        (NEW, "OTHER", "PlainHome"),
    ],
)
async def test_each_account_type_has_its_home(viewer: Identity, type_name: str, view: str) -> None:
    data = await answer(FakeContext(viewer), "{ viewer { type home { __typename } } }")
    assert data == {"viewer": {"type": type_name, "home": {"__typename": view}}}


async def test_a_guest_has_no_account_and_nobody_is_asked_for_it() -> None:
    context = FakeContext(GUEST)
    assert await answer(context, "{ viewer { account { id } } }") == {"viewer": {"account": None}}
    assert context.loaders.account_by_id.keys == []


async def test_a_viewer_sees_its_own_account_and_birthday() -> None:
    data = await answer(FakeContext(ADA), "{ viewer { account { id ... on PersonalAccount { birthday } } } }")
    assert data == {"viewer": {"account": {"id": "acc_1", "birthday": "1990-12-31"}}}


async def test_permissions_are_asked_for_one_by_one() -> None:
    context = FakeContext(ADA)
    data = await answer(context, '{ viewer { can(permission: "activity.publish") no: can(permission: "x") } }')
    assert data == {"viewer": {"can": True, "no": False}}
    assert context.loaders.permission.keys == [PermissionKey(ADA, "activity.publish"), PermissionKey(ADA, "x")]


@pytest.mark.parametrize("permission", ["", "p" * 101])
async def test_an_empty_or_endless_permission_is_refused(permission: str) -> None:
    error = await refusal(FakeContext(ADA), f'{{ viewer {{ can(permission: "{permission}") }} }}')
    assert (type(error), error.message) == (InvalidArgument, "permission: must be 1 to 100 characters")


async def test_features_and_banners_of_a_home() -> None:
    context = FakeContext(ADA)
    found = await home(context, "features { key title url badge } banners(slot: HOME_FEED) { id slot title }")
    assert found == {
        "features": [{"key": "orders", "title": "Orders", "url": "/orders", "badge": None}],
        "banners": [{"id": "ban_7", "slot": "HOME_FEED", "title": "Buy"}],
    }
    assert context.loaders.features.keys == [ADA]
    assert context.loaders.banners.keys == [BannersKey(ADA, banner.BANNER_SLOT_HOME_FEED)]


async def test_banners_are_of_the_top_unless_said_otherwise() -> None:
    context = FakeContext(GUEST)
    assert await home(context, "banners { slot }") == {"banners": [{"slot": "HOME_TOP"}]}
    assert context.loaders.banners.keys == [BannersKey(GUEST, banner.BANNER_SLOT_HOME_TOP)]


async def test_a_slot_without_a_name_is_refused() -> None:
    error = await refusal(FakeContext(ADA), "{ viewer { home { banners(slot: OTHER) { id } } } }")
    assert (type(error), error.message) == (InvalidArgument, "slot: OTHER is no slot to ask for")


async def test_companies_see_no_banners_and_nobody_is_asked() -> None:
    context = FakeContext(CORP)
    assert await home(context, "banners { id }") == {"banners": []}
    assert context.loaders.banners.keys == []


async def test_a_feed_shows_authors_with_null_for_one_that_is_gone() -> None:
    context = FakeContext(ADA)
    found = await home(
        context,
        """feed { edges { cursor node { id kind text createdAt author { id __typename } } }
                  pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }""",
    )
    rest = {"kind": "POST", "text": "hello", "createdAt": "2026-01-01T00:00:00+00:00"}
    bo = {"id": "acc_2", "__typename": "CreatorAccount"}
    assert found["feed"] == {
        "edges": [
            {"cursor": "c11", "node": {"id": "act_11", **rest, "author": bo}},
            {"cursor": "c12", "node": {"id": "act_12", **rest, "author": None}},
            {"cursor": "c13", "node": {"id": "act_13", **rest, "author": bo}},
        ],
        "pageInfo": {"hasNextPage": True, "hasPreviousPage": False, "startCursor": "c11", "endCursor": "c13"},
    }
    assert context.loaders.feed.keys == [FeedKey(ADA, 20, "", ())]


async def test_a_page_after_a_cursor_has_one_before_it_and_each_kind_is_asked_for_once() -> None:
    context = FakeContext(ADA)
    document = FEED % "feed(first: $first, after: $after, kinds: $kinds) { pageInfo { hasPreviousPage } }"
    data = await answer(context, document, first=5, after="c9", kinds=["LIKE", "POST", "LIKE"])
    assert data["viewer"]["home"]["feed"]["pageInfo"] == {"hasPreviousPage": True}
    kinds = (activity.ACTIVITY_KIND_POST, activity.ACTIVITY_KIND_LIKE)
    assert context.loaders.feed.keys == [FeedKey(ADA, 5, "c9", kinds)]


async def test_an_empty_page_has_no_cursors() -> None:
    context = FakeContext(ADA)
    context.loaders.feed = type(context.loaders.feed)(lambda _: activity.ActivityPage())
    found = await home(context, "feed { edges { cursor } pageInfo { hasNextPage startCursor endCursor } }")
    empty = {"hasNextPage": False, "startCursor": None, "endCursor": None}
    assert found["feed"] == {"edges": [], "pageInfo": empty}


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"first": 0}, "first: must be between 1 and 100"),
        ({"first": -1}, "first: must be between 1 and 100"),
        ({"first": 101}, "first: must be between 1 and 100"),
        ({"after": "c" * 201}, "after: must be at most 200 characters"),
        ({"kinds": ["POST", "OTHER"]}, "kinds: OTHER is no kind to ask for"),
    ],
)
async def test_a_page_that_cannot_be_is_refused_unasked(variables: dict[str, Any], message: str) -> None:
    context = FakeContext(ADA)
    error = await refusal(context, PLAIN_FEED, **variables)
    assert (type(error), error.message) == (InvalidArgument, message)
    assert context.loaders.feed.keys == []


@pytest.mark.parametrize("first", [1, 100])
async def test_the_shortest_and_the_longest_page_are_answered(first: int) -> None:
    context = FakeContext(ADA)
    await answer(context, PLAIN_FEED, first=first)
    assert context.loaders.feed.keys == [FeedKey(ADA, first, "", ())]


async def test_a_cursor_of_another_list_is_refused() -> None:
    context = FakeContext(ADA)
    context.loaders.feed = FakeLoader(lambda _: activity.ActivityPage(cursor_refused=True))
    error = await refusal(context, PLAIN_FEED, after="foreign")
    problem = "after: must be a cursor of this list, with the same kinds"
    assert (type(error), error.message) == (InvalidArgument, problem)
    assert context.degraded == []


async def test_what_only_a_personal_home_shows() -> None:
    context = FakeContext(ADA)
    assert await home(context, "... on PersonalHome { suggestions(first: 2) { id } }") == {
        "suggestions": [{"id": "acc_2"}]
    }
    assert context.loaders.suggestions.keys == [SuggestionsKey(1, 2)]
    assert context.loaders.account_by_id.keys == [2, 5]


async def test_what_only_a_creator_home_shows() -> None:
    context = FakeContext(BO)
    found = await home(
        context,
        """... on CreatorHome { audience { followers newThisWeek activitiesThisWeek }
                                ownActivities(first: 3, after: "c") { edges { cursor } } }""",
    )
    assert found == {
        "audience": {"followers": 3, "newThisWeek": 2, "activitiesThisWeek": 1},
        "ownActivities": {"edges": [{"cursor": "c11"}]},
    }
    assert context.loaders.own_activities.keys == [FeedKey(BO, 3, "c", ())]


async def test_what_only_a_business_home_shows() -> None:
    found = await home(FakeContext(CORP), "... on BusinessHome { team { id } reach { followers } }")
    assert found == {"team": [{"id": "acc_4"}, {"id": "acc_1"}], "reach": {"followers": 3}}


async def test_what_only_a_staff_home_shows() -> None:
    context = FakeContext(SAM)
    assert await home(context, "... on StaffHome { pendingClosures { id } }") == {"pendingClosures": [{"id": "acc_2"}]}
    assert context.loaders.pending_closures.keys == [ClosuresKey(SAM, 20)]


@pytest.mark.parametrize(
    ("viewer", "field"),
    [
        (ADA, "... on PersonalHome { suggestions(first: 0) { id } }"),
        (BO, "... on CreatorHome { ownActivities(first: 101) { edges { cursor } } }"),
        (SAM, "... on StaffHome { pendingClosures(first: 0) { id } }"),
    ],
)
async def test_the_length_of_every_list_is_checked(viewer: Identity, field: str) -> None:
    error = await refusal(FakeContext(viewer), f"{{ viewer {{ home {{ {field} }} }} }}")
    assert (type(error), error.message) == (InvalidArgument, "first: must be between 1 and 100")
