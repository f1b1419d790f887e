from typing import Any, cast

import pytest

from schema.errcode import (
    AtriumError,
    BackendUnavailable,
    DeadlineExceeded,
    Internal,
    LastGood,
    Overloaded,
    PermissionDenied,
    RateLimited,
)
from schema.generated.activity.v1 import activity_pb2
from schema.generated.banner.v1 import banner_pb2
from schema.generated.permission.v1 import permission_pb2
from schema.graphql.ports import Degradation, Identity
from schema.graphql.seams import SEAMS, DegradeMode
from tests.schema.fakes import ADA, BO, CORP, SAM, SCHEMA, FakeContext, account, answer, page, refusal, run

HOME = ["viewer", "home"]
ROWS: list[tuple[str, Identity, str, str, str, list[str | int]]] = [
    ("Viewer.account", ADA, "account", "account_by_id", "account { id }", ["viewer", "account"]),
    ("Viewer.can", ADA, "permission", "permission", 'can(permission: "activity.publish")', ["viewer", "can"]),
    ("Account.follower_count", ADA, "activity", "follow_counts", "account { followerCount }",
     ["viewer", "account", "followerCount"]),
    ("Account.following_count", ADA, "activity", "follow_counts", "account { followingCount }",
     ["viewer", "account", "followingCount"]),
    ("PersonalAccount.birthday", ADA, "account", "private_attributes",
     "account { ... on PersonalAccount { birthday } }", ["viewer", "account", "birthday"]),
    ("Activity.author", BO, "account", "account_by_id",
     "home { ... on CreatorHome { ownActivities { edges { node { author { id } } } } } }",
     [*HOME, "ownActivities", "edges", 0, "node", "author"]),
    ("Home.features", ADA, "permission", "features", "home { features { key } }", [*HOME, "features"]),
    ("Home.banners", ADA, "banner", "banners", "home { top: banners { id } }", [*HOME, "top"]),
    ("Home.feed", ADA, "activity", "feed", "home { feed { edges { cursor } } }", [*HOME, "feed"]),
    ("PersonalHome.suggestions", ADA, "activity", "suggestions", "home { ... on PersonalHome { suggestions { id } } }",
     [*HOME, "suggestions"]),
    ("CreatorHome.audience", BO, "activity", "audience", "home { ... on CreatorHome { audience { followers } } }",
     [*HOME, "audience"]),
    ("CreatorHome.own_activities", BO, "activity", "own_activities",
     "home { ... on CreatorHome { ownActivities { edges { cursor } } } }", [*HOME, "ownActivities"]),
    ("BusinessHome.team", CORP, "account", "team", "home { ... on BusinessHome { team { id } } }", [*HOME, "team"]),
    ("BusinessHome.reach", CORP, "activity", "audience", "home { ... on BusinessHome { reach { followers } } }",
     [*HOME, "reach"]),
    ("StaffHome.pending_closures", SAM, "account", "pending_closures",
     "home { ... on StaffHome { pendingClosures { id } } }", [*HOME, "pendingClosures"]),
]  # fmt: skip
CODE = BackendUnavailable.code


def at(data: Any, path: list[str | int]) -> Any:
    for step in path:
        data = data[step]
    return data


@pytest.mark.parametrize(("seam", "viewer", "backend", "loader", "field", "path"), ROWS, ids=[row[0] for row in ROWS])
async def test_a_field_without_its_backend_answers_its_default(
    seam: str, viewer: Identity, backend: str, loader: str, field: str, path: list[str | int]
) -> None:
    context = FakeContext(viewer)
    context.break_down(backend, loader)
    data = await answer(context, f"{{ viewer {{ {field} }} }}")
    default = SEAMS[seam].default
    assert at(data, path) is default
    assert context.degraded == [Degradation(path, backend, "NULL" if default is None else "DEFAULT", CODE, 0)]
    assert SEAMS[seam].backend == backend


def test_every_seam_is_proved() -> None:
    degrading = [name for name, seam in SEAMS.items() if seam.mode is not DegradeMode.FAIL]
    assert [row[0] for row in ROWS] == [name for name in degrading if not name.startswith("Admin")]
    assert {name for name, seam in SEAMS.items() if seam.default is not None} == {"Viewer.can"}


def test_the_schema_shows_what_each_field_does_without_its_backend() -> None:
    fields = SCHEMA._schema.type_map
    banners = SCHEMA.as_str().partition("interface Home")[2].partition("banners(")[2].partition("\n\n")[0]
    assert banners.endswith('@degrade(backend: "banner", mode: STALE, maxAge: 300, criticality: BANNERS)')
    assert (
        cast(Any, fields["Home"])
        .fields["banners"]
        .description.endswith(" Without the banner backend: the last answer, up to 300 seconds old, else null.")
    )
    assert cast(Any, fields["Viewer"]).fields["can"].description.endswith(" Without the permission backend: false.")
    assert SCHEMA.as_str().count("@degrade(") >= len(SEAMS)


KEPT: dict[str, Any] = {
    "account_by_id": account(ADA, "ada"),
    "features": (permission_pb2.Feature(key="orders"),),
    "banners": (banner_pb2.Banner(id=7),),
    "feed": page(2),
    "own_activities": page(2),
    "audience": activity_pb2.Audience(followers=3),
}
"""An answer to each question that a STALE field asks."""
LASTING = [row for row in ROWS if SEAMS[row[0]].mode is DegradeMode.STALE]


@pytest.mark.parametrize(("seam", "viewer", "backend", "loader", "field", "path"), LASTING)
async def test_a_lasting_field_without_its_backend_answers_what_it_answered_last(
    seam: str, viewer: Identity, backend: str, loader: str, field: str, path: list[str | int]
) -> None:
    context, max_age = FakeContext(viewer), SEAMS[seam].max_age
    assert max_age is not None
    context.last_good[loader] = LastGood(KEPT[loader], max_age - 0.5)
    context.break_down(backend, loader)
    data = await answer(context, f"{{ viewer {{ {field} }} }}")
    assert at(data, path)
    assert context.degraded == [Degradation(path, backend, "STALE", CODE, max_age * 1000 - 500)]


@pytest.mark.parametrize(("seam", "viewer", "backend", "loader", "field", "path"), LASTING)
async def test_what_is_older_than_the_field_allows_is_not_shown(
    seam: str, viewer: Identity, backend: str, loader: str, field: str, path: list[str | int]
) -> None:
    context, max_age = FakeContext(viewer), SEAMS[seam].max_age
    assert max_age is not None
    context.last_good[loader] = LastGood(KEPT[loader], max_age + 0.5)
    context.break_down(backend, loader)
    assert at(await answer(context, f"{{ viewer {{ {field} }} }}"), path) is None
    assert context.degraded == [Degradation(path, backend, "NULL", CODE, 0)]


@pytest.mark.parametrize("problem", [DeadlineExceeded(), Overloaded()])
async def test_a_lasting_field_that_is_spared_answers_what_is_remembered_and_asks_nobody(problem: AtriumError) -> None:
    context = FakeContext(ADA)
    context.sparing = problem
    context.last_good["banners"] = LastGood(KEPT["banners"], 2.0)
    data = await answer(context, "{ viewer { home { banners { id } features { key } } } }")
    assert data == {"viewer": {"home": {"banners": [{"id": "ban_7"}], "features": None}}}
    assert context.degraded == [
        Degradation([*HOME, "banners"], "banner", "STALE", problem.code, 2000),
        Degradation([*HOME, "features"], "permission", "NULL", problem.code),
    ]
    assert (context.loaders.banners.keys, context.loaders.features.keys) == ([], [])


@pytest.mark.parametrize("failure", [PermissionDenied("banner.see"), RateLimited(3)])
async def test_what_was_answered_before_covers_nothing_that_the_client_did_wrong(failure: AtriumError) -> None:
    context = FakeContext(ADA)
    failure.last_good = LastGood(KEPT["banners"], 2.0)
    context.loaders.banners.failure = failure
    assert await refusal(context, "{ viewer { home { banners { id } } } }") is failure
    assert context.degraded == []


@pytest.mark.parametrize(
    ("field", "backend", "loader"),
    [
        ('account(id: "acc_1") { handle }', "account", "account_by_id"),
        ('viewer { can(permission: "activity.publish") }', "permission", "permission"),
        ("viewer { account { followerCount } }", "activity", "follow_counts"),
    ],
)
async def test_a_field_that_does_not_say_so_never_shows_what_is_old(field: str, backend: str, loader: str) -> None:
    context = FakeContext(ADA)
    known: dict[str, Any] = {"account_by_id": KEPT["account_by_id"], "permission": True}
    context.last_good[loader] = LastGood(known.get(loader), 0.0)
    context.break_down(backend, loader)
    result = await run(context, f"{{ {field} }}")
    assert result.errors or [entry.mode for entry in context.degraded] in (["DEFAULT"], ["NULL"])


async def test_the_rest_of_the_answer_stays_whole() -> None:
    context = FakeContext(ADA)
    context.break_down("banner", "banners")
    data = await answer(context, "{ viewer { account { id } home { banners { id } features { key } } } }")
    home = {"banners": None, "features": [{"key": "orders"}]}
    assert data == {"viewer": {"account": {"id": "acc_1"}, "home": home}}


async def test_each_place_that_shares_a_failed_call_is_listed() -> None:
    context = FakeContext(ADA)
    context.break_down("account", "account_by_id")
    data = await answer(context, "{ viewer { home { feed { edges { node { author { id } } } } } } }")
    edges = data["viewer"]["home"]["feed"]["edges"]
    assert [edge["node"]["author"] for edge in edges] == [None, None, None]
    paths: list[list[str | int]] = [["viewer", "home", "feed", "edges", place, "node", "author"] for place in range(3)]
    assert context.degraded == [Degradation(path, "account", "NULL", CODE, 0) for path in paths]


async def test_the_backend_that_failed_is_named_where_a_field_asks_two() -> None:
    context = FakeContext(ADA)
    context.break_down("account", "account_by_id")
    data = await answer(context, "{ viewer { home { ... on PersonalHome { suggestions { id } } } } }")
    assert data["viewer"]["home"] == {"suggestions": None}
    assert [entry.backend for entry in context.degraded] == ["account"]


@pytest.mark.parametrize("failure", [BackendUnavailable("banner"), DeadlineExceeded(), Overloaded(), Internal()])
async def test_each_way_not_to_answer_degrades_with_its_code(failure: AtriumError) -> None:
    context = FakeContext(ADA)
    context.loaders.banners.failure = failure
    assert await answer(context, "{ viewer { home { banners { id } } } }") == {"viewer": {"home": {"banners": None}}}
    assert context.degraded == [Degradation(["viewer", "home", "banners"], "banner", "NULL", failure.code, 0)]


async def test_a_field_for_which_no_time_is_left_asks_nobody() -> None:
    context = FakeContext(ADA)
    context.sparing = DeadlineExceeded()
    data = await answer(context, "{ viewer { type home { banners { id } features { key } } } }")
    assert data == {"viewer": {"type": "PERSONAL", "home": {"banners": None, "features": None}}}
    assert context.degraded == [
        Degradation([*HOME, "banners"], "banner", "NULL", DeadlineExceeded.code),
        Degradation([*HOME, "features"], "permission", "NULL", DeadlineExceeded.code),
    ]
    assert (context.loaders.banners.keys, context.loaders.features.keys) == ([], [])


@pytest.mark.parametrize("failure", [PermissionDenied("banner.see"), RateLimited(3)])
async def test_what_the_client_did_wrong_is_an_error(failure: AtriumError) -> None:
    context = FakeContext(ADA)
    context.loaders.banners.failure = failure
    assert await refusal(context, "{ viewer { home { banners { id } } } }") is failure
    assert context.degraded == []


async def test_a_mistake_of_ours_is_an_error() -> None:
    context = FakeContext(ADA)
    context.loaders.banners = type(context.loaders.banners)(lambda _: None)
    result = await run(context, "{ viewer { home { banners { id } } } }")
    assert result.errors is not None
    assert isinstance(result.errors[0].original_error, TypeError)
    assert context.degraded == []
