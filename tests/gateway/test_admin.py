"""The staff's desk, as a client of the gateway sees it."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.conftest import House

SEARCH = """query ($filter: AdminAccountFilter) { admin {
  accounts(filter: $filter, first: 3) { edges { node { id handle status } } pageInfo { hasNextPage endCursor } }
} }"""
SHOW = """query ($id: ID!) { admin { account(id: $id) {
  account { handle status ... on PersonalAccount { birthday } } birthday followers
  grants { permission allow } recentActivities { author { handle } } recentChanges { kind } merge { state }
} } }"""
AUDITS = (
    "{ admin { audits(first: 50) { edges { node { action actorId accountId outcome after actor { handle } } } } } }"
)
CHANGE = """mutation ($input: AdminChangeAccountInput!) {
  adminChangeAccount(input: $input) { id version displayName ... on CreatorAccount { verified } }
}"""
CREATE = "mutation ($input: AdminCreateAccountInput!) { adminCreateAccount(input: $input) { id __typename handle } }"
ACTIONS = {
    "ChangeAccount": 'adminChangeAccount(input: {accountId: "acc_1", version: 1, bio: "b", reason: "r"}) { id }',
    "CloseAccount": 'adminCloseAccount(accountId: "acc_1", reason: "r") { id }',
    "ReopenAccount": 'adminReopenAccount(accountId: "acc_50", reason: "r") { id }',
    "SuspendAccount": 'adminSuspendAccount(accountId: "acc_1", reason: "r") { id }',
    "GrantPermission": 'adminGrantPermission(accountId: "acc_1", permission: "a.b", reason: "r") { changed }',
    "RevokePermission": 'adminRevokePermission(accountId: "acc_1", permission: "wallet.view", reason: "r") { changed }',
    "MergeAccounts": 'adminMergeAccounts(sourceId: "acc_1", targetId: "acc_2", reason: "r") { id }',
    "RetryMerge": 'adminRetryMerge(sourceId: "acc_1", reason: "r") { state }',
    "CreateAccount": 'adminCreateAccount(input: {reason: "r", type: PERSONAL, handle: "newbie", displayName: "N", '
    'password: "long-enough"}) { id }',
}


def kept(folder: Path) -> dict[str, list[Any]]:
    """Everything in the stores of the backends that staff can change."""
    found = {}
    for backend in ("account", "permission", "activity"):
        with closing(sqlite3.connect(folder / "stores" / f"{backend}.db")) as store:
            for (table,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                found[table] = store.execute(f"SELECT * FROM {table}").fetchall()
    return found


async def audits(house: House) -> list[dict[str, Any]]:
    """What was done and tried at the desk, oldest first."""
    found = (await house.data(AUDITS, "sam"))["admin"]["audits"]["edges"]
    return [edge["node"] for edge in reversed(found)]


async def test_staff_finds_accounts_in_any_state(house: House) -> None:
    data = await house.data(SEARCH, "sam", filter={"statuses": ["CLOSING"]})
    found = data["admin"]["accounts"]
    assert [edge["node"]["id"] for edge in found["edges"]] == ["acc_50", "acc_51", "acc_52"]
    assert found["pageInfo"] == {"hasNextPage": False, "endCursor": "at_52"}
    assert {name: count for name, count in house.rpcs().items() if not name.startswith("account.")} == {
        "permission.BatchCheckPermissions": 1,
        "admin.SearchAccounts": 1,
    }


async def test_staff_sees_all_that_hangs_on_an_account(house: House) -> None:
    shown = (await house.data(SHOW, "sam", id="acc_1"))["admin"]["account"]
    assert shown["account"] == {"handle": "ada", "status": "ACTIVE", "birthday": "1990-12-10"}
    assert (shown["birthday"], shown["followers"] >= 20) == ("1990-12-10", True)
    assert shown["grants"] == [{"permission": "wallet.view", "allow": False}]
    assert shown["recentActivities"] == [{"author": {"handle": "ada"}}] * 10
    assert (shown["recentChanges"], shown["merge"]) == ([], None)


async def test_a_backend_that_is_down_costs_staff_its_part(house: House) -> None:
    await house.backends.stop("activity")
    answer = await house.ask(SHOW, "sam", variables={"id": "acc_1"})
    shown = answer["data"]["admin"]["account"]
    assert (shown["followers"], shown["recentActivities"], shown["birthday"]) == (None, None, "1990-12-10")
    gaps = {tuple(gap["path"]): (gap["backend"], gap["code"]) for gap in answer["extensions"]["degraded"]}
    path = ("admin", "account")
    assert gaps == dict.fromkeys([(*path, "followers"), (*path, "recentActivities")], ("activity", 5030100))
    assert "errors" not in answer


async def test_staff_changes_an_account_and_everybody_sees_it(house: House) -> None:
    change = {"accountId": "acc_2", "version": 1, "displayName": "Bo B.", "verified": False, "reason": "asked"}
    changed = {"id": "acc_2", "version": 2, "displayName": "Bo B.", "verified": False}
    assert (await house.data(CHANGE, "sam", input=change))["adminChangeAccount"] == changed
    public = await house.data('{ accountByHandle(handle: "bo") { displayName } }')
    assert public == {"accountByHandle": {"displayName": "Bo B."}}
    assert (await house.error(CHANGE, "sam", input=change))[0] == 4090100
    first, second = await audits(house)
    assert json.loads(first["after"])["display_name"] == "Bo B."
    assert (first["outcome"], second["outcome"], second["after"]) == (2000000, 4090100, None)
    assert first["actor"] == {"handle": "sam"}


async def test_staff_opens_an_account_that_can_sign_in(house: House) -> None:
    new = {"reason": "asked", "type": "BUSINESS", "handle": "acme", "displayName": "Acme", "password": "long-enough"}
    variables = {"input": new | {"business": {"companyName": "Acme Ltd"}}}
    created = await house.ask(CREATE, "sam", variables=variables)
    while "errors" in created:  # The identifier has just started, and has no number yet.
        assert created["errors"][0]["extensions"]["retryable"] is True
        created = await house.ask(CREATE, "sam", variables=variables)
    account = created["data"]["adminCreateAccount"]
    assert (account["__typename"], account["handle"]) == ("BusinessAccount", "acme")
    signed_in = 'mutation { signIn(handle: "acme", password: "long-enough") { viewer { account { id } } } }'
    assert (await house.data(signed_in))["signIn"] == {"viewer": {"account": {"id": account["id"]}}}
    assert (await house.error(CREATE, "sam", input=new))[0] == 4000100
    assert "long-enough" not in json.dumps(await audits(house))


@pytest.mark.parametrize("who", ["ada", "corp"])
async def test_nobody_without_the_permission_changes_anything_and_the_attempt_is_kept(
    house: House, tmp_path: Path, who: str
) -> None:
    before = kept(tmp_path)
    for action in ACTIONS.values():
        code, message = await house.error("mutation { " + action + " }", who)
        assert (code, message.partition(" admin.")[0]) == (4030100, "this needs the permission")
    assert kept(tmp_path) == before
    tried = [(audit["action"], audit["actorId"], audit["outcome"]) for audit in await audits(house)]
    number = {"ada": "acc_1", "corp": "acc_3"}[who]
    assert tried == [(action, number, 4030100) for action in ACTIONS]


async def test_a_guest_is_not_even_let_in(house: House, tmp_path: Path) -> None:
    before = kept(tmp_path)
    for action in ACTIONS.values():
        assert (await house.error("mutation { " + action + " }"))[0] == 4030100
    assert (await house.error(SEARCH))[0] == 4030100
    assert kept(tmp_path) == before
    assert await audits(house) == []


@pytest.mark.parametrize("who", ["ada", "bo", "corp"])
async def test_nobody_without_the_permission_reads_anything(house: House, who: str) -> None:
    answer = await house.ask(SEARCH, who)
    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == [4030100]
    assert house.rpcs()["admin.SearchAccounts"] == 0


async def test_staff_that_lacks_one_permission_gets_the_rest(house: House) -> None:
    deny = (
        'mutation { adminGrantPermission(accountId: "acc_4", permission: "%s", allow: false, reason: "r") { changed } }'
    )
    await house.data(deny % "admin.activities.read", "sam")
    both = "{ admin { activities { edges { cursor } } accounts(first: 1) { edges { cursor } } } }"
    answer = await house.ask(both, "sam")
    assert answer["data"] == {"admin": {"activities": None, "accounts": {"edges": [{"cursor": "at_1"}]}}}
    [error] = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["admin", "activities"], 4030100)


async def test_without_the_permission_backend_the_answer_is_no(house: House, tmp_path: Path) -> None:
    before = kept(tmp_path)
    await house.backends.stop("permission")
    assert (await house.error(SEARCH, "sam"))[0] == 5030100
    assert (await house.error("mutation { " + ACTIONS["CloseAccount"] + " }", "sam"))[0] == 5030100
    assert kept(tmp_path) == before
