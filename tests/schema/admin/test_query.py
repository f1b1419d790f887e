from datetime import UTC, datetime
from typing import Any

import pytest

from schema.errcode import AccountNotFound, BackendUnavailable, InvalidArgument, PermissionDenied
from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.admin.change import AdminDifference
from schema.graphql.admin.ports import AccountsKey, ActivitiesKey, AuditsKey
from schema.graphql.ports import GUEST, Degradation, Identity
from tests.schema.admin.desk import account, at_the_desk, details
from tests.schema.fakes import ADA, SAM, FakeContext, answer, refusal, run

ACCOUNTS = "{ admin { accounts%s { edges { cursor node { id handle status } } pageInfo { hasNextPage endCursor } } } }"
ACTIVITIES = "{ admin { activities%s { edges { cursor authorId node { id kind text } } pageInfo { hasNextPage } } } }"
AUDITS = "{ admin { audits%s { edges { cursor node { actorId accountId action outcome after } } } } }"
PART = pb.GetAccountResponse


@pytest.fixture
def context() -> FakeContext:
    return at_the_desk()


@pytest.mark.parametrize(("viewer", "permissions"), [(GUEST, {"admin.accounts.read"}), (ADA, set()), (SAM, set())])
async def test_nobody_without_a_permission_of_the_desk_comes_in(viewer: Identity, permissions: set[str]) -> None:
    context = at_the_desk(viewer, permissions)
    error = await refusal(context, ACCOUNTS % "")
    assert (type(error), error.message) == (PermissionDenied, "this needs the permission admin.accounts.read")
    assert context.admin.told == []


async def test_one_permission_of_the_desk_opens_the_door() -> None:
    context = at_the_desk(permissions={"admin.activities.read"})
    assert (await answer(context, ACTIVITIES % ""))["admin"]["activities"]["edges"] != []
    assert [key.permission for key in context.loaders.permission.keys] == [
        "admin.accounts.read",
        "admin.accounts.write",
        "admin.accounts.close",
        "admin.activities.read",
        "admin.permissions.grant",
    ]


async def test_permissions_that_cannot_be_checked_are_not_given(context: FakeContext) -> None:
    context.loaders.permission.failure = BackendUnavailable("permission")
    assert type(await refusal(context, ACCOUNTS % "")) is BackendUnavailable
    assert context.admin.told == []


async def test_a_field_that_is_refused_leaves_the_others_whole(context: FakeContext) -> None:
    both = "{ viewer { type } admin { __typename accounts { edges { cursor } } } }"
    context.admin.refusal = PermissionDenied("admin.accounts.read")
    result = await run(context, both)
    assert result.data == {"viewer": {"type": "STAFF"}, "admin": {"__typename": "Admin", "accounts": None}}
    assert [error.path for error in result.errors or []] == [["admin", "accounts"]]


async def test_accounts_are_found_in_any_state(context: FakeContext) -> None:
    found = (await answer(context, ACCOUNTS % "(first: 2)"))["admin"]["accounts"]
    nodes = [{"id": f"acc_{one}", "handle": f"h{one}", "status": "CLOSED"} for one in (7, 9)]
    assert found["edges"] == [{"cursor": f"at_{one}", "node": node} for one, node in zip((7, 9), nodes, strict=True)]
    assert found["pageInfo"] == {"hasNextPage": True, "endCursor": "at_9"}
    assert context.admin.told == [("search_accounts", SAM, AccountsKey(first=2))]


async def test_every_filter_of_accounts_is_passed_on(context: FakeContext) -> None:
    wanted = 'ids: ["acc_7"], handlePrefix: "h", namePart: "n", types: [CREATOR], statuses: [MERGED]'
    await answer(context, ACCOUNTS % ('(after: "at_5", filter: {' + wanted + "})"))
    types, statuses = (identity_pb2.ACCOUNT_TYPE_CREATOR,), (account_pb2.ACCOUNT_STATUS_MERGED,)
    key = AccountsKey(20, 5, (7,), "h", "n", types, statuses)
    assert context.admin.told == [("search_accounts", SAM, key)]


async def test_every_filter_of_activities_is_passed_on(context: FakeContext) -> None:
    day = ('"2026-03-01T00:00:00+00:00"', datetime(2026, 3, 1, tzinfo=UTC))
    wanted = f'authorIds: ["acc_7"], kinds: [PURCHASE], since: {day[0]}, until: {day[0]}'
    found = await answer(context, ACTIVITIES % ('(after: "at_5", first: 3, filter: {' + wanted + "})"))
    node = {"id": "act_11", "kind": "PURCHASE", "text": "a book"}
    assert found["admin"]["activities"]["edges"] == [{"cursor": "at_11", "authorId": "acc_2", "node": node}]
    key = ActivitiesKey(3, 5, (7,), (activity_pb2.ACTIVITY_KIND_PURCHASE,), day[1], day[1])
    assert context.admin.told == [("search_activities", SAM, key)]


async def test_every_filter_of_audits_is_passed_on(context: FakeContext) -> None:
    wanted = '(after: "at_95", filter: {actorId: "acc_4", accountId: "acc_7", action: "ChangeAccount"})'
    [edge] = (await answer(context, AUDITS % wanted))["admin"]["audits"]["edges"]
    node = {"actorId": "acc_4", "accountId": "acc_7", "action": "ChangeAccount", "outcome": 2000000}
    assert edge == {"cursor": "at_90", "node": node | {"after": '{"bio": "b"}'}}
    assert context.admin.told == [("audits", SAM, AuditsKey(20, 95, 4, 7, "ChangeAccount"))]


async def test_the_history_tells_each_difference_and_who_made_it(context: FakeContext) -> None:
    fields = "kind reason erased actor { handle } differences { field before after }"
    page = 'changes(accountId: "acc_7", after: "c0") { edges { cursor node { ' + fields + " } } }"
    [edge] = (await answer(context, "{ admin { " + page + " } }"))["admin"]["changes"]["edges"]
    bio = {"field": "bio", "before": "old", "after": None}
    handle = {"field": "handle", "before": "a", "after": "b"}
    node = {"kind": "ATTRIBUTES", "reason": "asked", "erased": True, "actor": {"handle": "sam"}}
    assert edge == {"cursor": "c1", "node": node | {"differences": [bio, handle]}}
    assert context.admin.told == [("changes", SAM, 7, 20, "c0")]


@pytest.mark.parametrize("field", ["merging_into", "merged_into", "took_over"])
def test_a_difference_that_is_an_account_shows_its_public_id(field: str) -> None:
    told = AdminDifference.from_message(pb.Difference(field=field, after="30"))
    assert (told.field_name, told.before, told.after) == (field, None, "acc_30")


async def test_an_actor_who_cannot_be_shown_right_now_is_a_gap(context: FakeContext) -> None:
    context.break_down("account", "account_by_id")
    document = '{ admin { changes(accountId: "acc_7") { edges { node { actor { id } } } } } }'
    [edge] = (await answer(context, document))["admin"]["changes"]["edges"]
    assert edge == {"node": {"actor": None}}
    path: list[str | int] = ["admin", "changes", "edges", 0, "node", "actor"]
    assert context.degraded == [Degradation(path, "account", "NULL", BackendUnavailable.code)]


DETAILS = """{ admin { account(id: "acc_7") {
  account { handle ... on CreatorAccount { category } } birthday followers following grants { permission allow }
  recentActivities { text } recentChanges { reason } merge { state problem sourceId targetId steps { name done } }
} } }"""
WHOLE = {
    "account": {"handle": "h7", "category": "music"},
    "birthday": "1990-12-31",
    "followers": 5,
    "following": 6,
    "grants": [{"permission": "studio.use", "allow": True}],
    "recentActivities": [{"text": "a book"}],
    "recentChanges": [{"reason": "asked"}],
    "merge": {
        "state": "FAILED",
        "problem": "account acc_8 is CLOSED",
        "sourceId": "acc_7",
        "targetId": "acc_8",
        "steps": [{"name": "follows", "done": True}],
    },
}


async def test_an_account_comes_with_all_that_hangs_on_it(context: FakeContext) -> None:
    assert (await answer(context, DETAILS))["admin"]["account"] == WHOLE
    assert context.admin.told == [("account", SAM, 7)]
    assert context.degraded == []


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        (PART.PART_PRIVATE_ATTRIBUTES, ["birthday"]),
        (PART.PART_FOLLOW_COUNTS, ["followers", "following"]),
        (PART.PART_GRANTS, ["grants"]),
        (PART.PART_ACTIVITIES, ["recentActivities"]),
        (PART.PART_CHANGES, ["recentChanges"]),
        (PART.PART_MERGE, ["merge"]),
    ],
)
async def test_what_cannot_be_told_is_null_and_listed(context: FakeContext, part: Any, fields: list[str]) -> None:
    gap = pb.GetAccountResponse.Gap(part=part, backend="activity", code=5030100)
    context.admin.details = details(gaps=[gap])
    assert (await answer(context, DETAILS))["admin"]["account"] == WHOLE | dict.fromkeys(fields)
    paths: list[list[str | int]] = [["admin", "account", field] for field in fields]
    assert context.degraded == [Degradation(path, "activity", "NULL", 5030100) for path in paths]


async def test_activities_are_withheld_from_whoever_may_not_read_them(context: FakeContext) -> None:
    context.admin.details = details(withheld=[PART.PART_ACTIVITIES])
    result = await run(context, DETAILS)
    assert result.data == {"admin": {"account": WHOLE | {"recentActivities": None}}}
    [error] = result.errors or []
    assert isinstance(error.original_error, PermissionDenied)
    assert error.message == "this needs the permission admin.activities.read"


async def test_what_was_never_there_is_null_without_a_gap(context: FakeContext) -> None:
    context.admin.details = pb.GetAccountResponse(account=account())
    found = (await answer(context, DETAILS))["admin"]["account"]
    nothing: dict[str, Any] = {"grants": [], "recentActivities": [], "recentChanges": []}
    none = {"birthday": None, "followers": 0, "following": 0, "merge": None}
    assert found == {"account": WHOLE["account"], **nothing, **none}
    assert context.degraded == []


async def test_a_merge_can_be_followed(context: FakeContext) -> None:
    document = '{ admin { merge(sourceId: "acc_7") { state problem steps { total moved } finishedAt } } }'
    merge = {
        "state": "FAILED",
        "problem": "account acc_8 is CLOSED",
        "steps": [{"total": 8, "moved": 8}],
        "finishedAt": "2026-01-01T00:00:00+00:00",
    }
    assert await answer(context, document) == {"admin": {"merge": merge}}
    context.admin.found_merge = None
    assert await answer(context, document) == {"admin": {"merge": None}}


async def test_a_merge_can_be_checked(context: FakeContext) -> None:
    document = '{ admin { checkMerge(sourceId: "acc_7", targetId: "acc_8") { refusal moves { what count } } } }'
    check = {"refusal": "account acc_7 is CLOSED", "moves": [{"what": "sessions", "count": 2}]}
    assert await answer(context, document) == {"admin": {"checkMerge": check}}
    assert context.admin.told == [("check_merge", SAM, 7, 8)]


@pytest.mark.parametrize(
    ("field", "kind", "message"),
    [
        ('accounts(after: "x") { edges { cursor } }', InvalidArgument, "after: must be a cursor of this list"),
        ("accounts(first: 101) { edges { cursor } }", InvalidArgument, "first: must be between 1 and 100"),
        ('accounts(filter: {ids: ["act_1"]}) { edges { cursor } }', InvalidArgument, "ids: must be ids of accounts"),
        ('account(id: "act_7") { followers }', AccountNotFound, "there is no account act_7"),
        ('account(id: "") { followers }', InvalidArgument, "id: must not be empty"),
        ('audits(filter: {actorId: "x"}) { edges { cursor } }', AccountNotFound, "there is no account x"),
        ("activities(filter: {kinds: [OTHER]}) { edges { cursor } }", InvalidArgument,
         "kinds: OTHER is no kind to ask for"),
        ("accounts(filter: {types: [OTHER]}) { edges { cursor } }", InvalidArgument,
         "types: OTHER is no type to ask for"),
        ("accounts(filter: {statuses: [OTHER]}) { edges { cursor } }", InvalidArgument,
         "statuses: OTHER is no status to ask for"),
    ],
)  # fmt: skip
async def test_what_cannot_be_asked_is_refused(context: FakeContext, field: str, kind: type, message: str) -> None:
    error = await refusal(context, "{ admin { " + field + " } }")
    assert (type(error), error.message) == (kind, message)
    assert context.admin.told == []


async def test_an_account_that_nobody_has_is_named_by_its_public_id(context: FakeContext) -> None:
    context.admin.refusal = AccountNotFound(7)
    error = await refusal(context, '{ admin { account(id: "acc_7") { followers } } }')
    assert error.message == "there is no account acc_7"
