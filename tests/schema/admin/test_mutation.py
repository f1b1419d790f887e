from typing import Any

import pytest

from schema.errcode import (
    AccountNotFound,
    AccountState,
    AtriumError,
    BackendUnavailable,
    HandleTaken,
    InvalidArgument,
    MergeRefused,
    PermissionDenied,
    VersionConflict,
)
from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.admin.ports import Change, Creation
from schema.graphql.ports import GUEST, Identity
from tests.schema.admin.desk import at_the_desk
from tests.schema.fakes import ADA, SAM, FakeContext, answer, refusal

CREATE = "mutation ($input: AdminCreateAccountInput!) { adminCreateAccount(input: $input) { id handle } }"
CHANGE = "mutation ($input: AdminChangeAccountInput!) { adminChangeAccount(input: $input) { id version } }"
NEW: dict[str, Any] = {
    "reason": "asked",
    "type": "CREATOR",
    "handle": "h7",
    "displayName": "Name",
    "password": "long-enough",
    "creator": {"category": "music", "verified": True},
}
TURN = 'mutation { admin%sAccount(accountId: "acc_7", reason: "asked") { id status } }'
GRANT = (
    'mutation { adminGrantPermission(accountId: "acc_7", permission: "studio.use", reason: "asked"%s) '
    "{ changed grants { permission allow } } }"
)
REVOKE = (
    'mutation { adminRevokePermission(accountId: "acc_7", permission: "studio.use", reason: "asked") '
    "{ changed grants { permission } } }"
)
MERGE = 'mutation { adminMergeAccounts(sourceId: "acc_7", targetId: "acc_8", reason: "twins") { id status } }'
RETRY = 'mutation { adminRetryMerge(sourceId: "acc_7", reason: "again") { state } }'
EACH: list[tuple[str, dict[str, Any]]] = [
    (CREATE, {"input": NEW}),
    (CHANGE, {"input": {"reason": "asked", "accountId": "acc_7", "version": 3}}),
    (TURN % "Close", {}),
    (TURN % "Reopen", {}),
    (TURN % "Suspend", {}),
    (GRANT % "", {}),
    (REVOKE, {}),
    (MERGE, {}),
    (RETRY, {}),
]


@pytest.fixture
def context() -> FakeContext:
    return at_the_desk()


async def test_an_account_is_opened_with_what_only_its_type_has(context: FakeContext) -> None:
    data = await answer(context, CREATE, input=NEW)
    assert data == {"adminCreateAccount": {"id": "acc_7", "handle": "h7"}}
    own = pb.CreatorAttributes(category="music", verified=True)
    kind = identity_pb2.ACCOUNT_TYPE_CREATOR
    [(what, viewer, creation)] = context.admin.told
    assert (what, viewer) == ("create_account", SAM)
    assert creation == Creation("asked", kind, "h7", "Name", "long-enough", own)
    assert "long-enough" not in repr(creation)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"business": {"companyName": "C", "industry": "i"}}, pb.BusinessAttributes(company_name="C", industry="i")),
        ({"staff": {"department": "d"}}, pb.StaffAttributes(department="d")),
        ({}, None),
    ],
)
async def test_each_type_has_its_own_input(context: FakeContext, own: dict[str, Any], message: Any) -> None:
    without = {name: value for name, value in NEW.items() if name != "creator"}
    await answer(context, CREATE, input=without | own)
    assert context.admin.told[0][2].attributes == message


async def test_no_account_is_of_two_types(context: FakeContext) -> None:
    error = await refusal(context, CREATE, input=NEW | {"staff": {"department": "d"}})
    assert error.message == "input: must set at most one of creator, business and staff"
    assert context.admin.told == []


@pytest.mark.parametrize("type_", ["GUEST", "OTHER"])
async def test_no_account_is_of_a_type_that_none_has(context: FakeContext, type_: str) -> None:
    error = await refusal(context, CREATE, input=NEW | {"type": type_})
    assert error.message == f"type: no account has the type {type_}"
    assert context.admin.told == []


async def test_what_only_accounts_of_a_type_have_is_passed_on(context: FakeContext) -> None:
    own = {"category": "", "companyName": "C", "industry": "i", "department": "d", "birthday": "1990-12-31"}
    change = {"reason": "asked", "accountId": "acc_7", "version": 3} | own
    await answer(context, CHANGE, input=change)
    expected = Change("asked", 7, 3, category="", company_name="C", industry="i", department="d", birthday="1990-12-31")
    assert context.admin.told == [("change_account", SAM, expected)]


async def test_what_is_left_out_or_null_of_an_account_stays(context: FakeContext) -> None:
    change = {"reason": "asked", "accountId": "acc_7", "version": 3, "bio": "", "handle": None, "verified": False}
    assert await answer(context, CHANGE, input=change) == {"adminChangeAccount": {"id": "acc_7", "version": 3}}
    expected = Change("asked", 7, 3, bio="", verified=False)
    assert context.admin.told == [("change_account", SAM, expected)]


@pytest.mark.parametrize("turn", ["Close", "Reopen", "Suspend"])
async def test_lives_take_turns(context: FakeContext, turn: str) -> None:
    data = await answer(context, TURN % turn)
    assert data == {f"admin{turn}Account": {"id": "acc_7", "status": "CLOSED"}}
    assert context.admin.told == [(f"{turn.lower()}_account", SAM, 7, "asked")]


@pytest.mark.parametrize(("argument", "allow"), [("", True), (", allow: false", False)])
async def test_permissions_are_granted_and_denied(context: FakeContext, argument: str, allow: bool) -> None:
    grants = {"changed": True, "grants": [{"permission": "studio.use", "allow": True}]}
    assert await answer(context, GRANT % argument) == {"adminGrantPermission": grants}
    assert context.admin.told == [("grant_permission", SAM, 7, "studio.use", allow, "asked")]


async def test_permissions_are_taken_back(context: FakeContext) -> None:
    assert await answer(context, REVOKE) == {"adminRevokePermission": {"changed": False, "grants": []}}
    assert context.admin.told == [("revoke_permission", SAM, 7, "studio.use", "asked")]


async def test_two_accounts_are_merged_and_a_failed_merge_taken_up_again(context: FakeContext) -> None:
    assert await answer(context, MERGE) == {"adminMergeAccounts": {"id": "acc_7", "status": "CLOSED"}}
    assert await answer(context, RETRY) == {"adminRetryMerge": {"state": "FAILED"}}
    assert context.admin.told == [("merge_accounts", SAM, 7, 8, "twins"), ("retry_merge", SAM, 7, "again")]


@pytest.mark.parametrize(("document", "variables"), EACH)
async def test_a_guest_does_not_even_come_to_the_desk(document: str, variables: dict[str, Any]) -> None:
    context = at_the_desk(GUEST)
    assert type(await refusal(context, document, **variables)) is PermissionDenied
    assert context.admin.told == []


@pytest.mark.parametrize("viewer", [ADA, SAM])
@pytest.mark.parametrize(("document", "variables"), EACH)
async def test_the_desk_itself_refuses_whoever_may_not(
    viewer: Identity, document: str, variables: dict[str, Any]
) -> None:
    """It writes down that they tried."""
    context = at_the_desk(viewer, permissions=set())
    context.admin.refusal = PermissionDenied("admin.accounts.write")
    error = await refusal(context, document, **variables)
    assert (type(error), error.code) == (PermissionDenied, 4030100)
    [(_, asked_for, *_)] = context.admin.told
    assert asked_for == viewer
    assert context.loaders.permission.keys == []


@pytest.mark.parametrize(
    "error",
    [VersionConflict(3), HandleTaken("h7"), AccountState("no"), MergeRefused("no"), BackendUnavailable("admin")],
)
@pytest.mark.parametrize(("document", "variables"), EACH)
async def test_a_refusal_comes_through_and_all_is_read_anew(
    context: FakeContext, document: str, variables: dict[str, Any], error: AtriumError
) -> None:
    context.admin.refusal = error
    assert await refusal(context, document, **variables) is error
    assert context.renewals == 1


async def test_refusals_use_the_words_of_the_client(context: FakeContext) -> None:
    context.admin.refusal = InvalidArgument("display_name", "must not be empty")
    assert (await refusal(context, CREATE, input=NEW)).message == "displayName: must not be empty"
    context.admin.refusal = AccountNotFound(7)
    assert (await refusal(context, TURN % "Close")).message == "there is no account acc_7"
    context.admin.refusal = MergeRefused("account 7 is merged into account 8: the other way round would be a circle")
    refused = await refusal(context, TURN % "Close")
    assert refused.message == "account acc_7 is merged into account acc_8: the other way round would be a circle"
    assert type(refused) is MergeRefused


async def test_what_is_no_account_is_not_closed(context: FakeContext) -> None:
    document = 'mutation { adminCloseAccount(accountId: "act_7", reason: "asked") { id } }'
    assert (await refusal(context, document)).message == "there is no account act_7"
    assert context.admin.told == []
