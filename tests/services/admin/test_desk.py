"""Nothing is done at the desk without leave, and nothing without a trace."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from schema.errcode import OK, BackendUnavailable, InvalidArgument, PermissionDenied, VersionConflict
from services.admin.biz import (
    AccountChange,
    AccountFilter,
    Accounts,
    AccountType,
    Activities,
    ActivityFilter,
    AuditFilter,
    CreatorAttributes,
    Grant,
    Grants,
    History,
    Merges,
    NewAccount,
    Overview,
    Viewer,
)
from tests.conftest import NOON
from tests.services.admin.fakes import ADA, EVERYTHING, GUEST, LIAR, SAM, House, facts

NEW = NewAccount(AccountType.CREATOR, "new", "New", CreatorAttributes("art", False), "long-enough")
WHY = "asked by the owner"
Do = Callable[[House, Viewer], Awaitable[Any]]


def accounts(house: House) -> Accounts:
    return Accounts(house.desk, house.accounts)


def merges(house: House) -> Merges:
    return Merges(house.desk, house.accounts, house.permissions, house.activities, house.jobs)


def grants(house: House) -> Grants:
    return Grants(house.desk, house.accounts, house.permissions)


def overview(house: House) -> Overview:
    return Overview(house.desk, house.accounts, house.permissions, house.activities, house.jobs)


def history(house: House) -> History:
    return History(house.desk, house.jobs, house.log)


async def export(house: House, actor: Viewer) -> int:
    written = Activities(house.desk, house.activities).export(actor, ActivityFilter())
    return sum([piece.rows async for piece in written])


READ, WRITE, CLOSE = "admin.accounts.read", "admin.accounts.write", "admin.accounts.close"
READS: dict[str, tuple[tuple[str, ...], Do]] = {
    "SearchAccounts": ((READ,), lambda house, actor: accounts(house).search(actor, AccountFilter(5, name_part="b"))),
    "GetAccount": ((READ,), lambda house, actor: overview(house).details(actor, 2)),
    "ListChanges": ((READ,), lambda house, actor: history(house).changes(actor, 2, 5, "")),
    "ListAudits": ((READ,), lambda house, actor: history(house).audits(actor, AuditFilter(5, account_id=2))),
    "CheckMerge": ((READ,), lambda house, actor: merges(house).check(actor, 2, 3)),
    "GetMerge": ((READ,), lambda house, actor: merges(house).progress(actor, 2)),
    "SearchActivities": (
        ("admin.activities.read",),
        lambda house, actor: Activities(house.desk, house.activities).search(actor, ActivityFilter((2,)), 5, 0),
    ),
    "ExportActivities": (("admin.activities.read",), export),
}
CHANGES: dict[str, tuple[tuple[str, ...], Do]] = {
    "CreateAccount": ((WRITE,), lambda house, actor: accounts(house).create(actor, NEW, WHY)),
    "ChangeAccount": (
        (WRITE,),
        lambda house, actor: accounts(house).change(actor, 2, 3, AccountChange(bio="new"), WHY),
    ),
    "CloseAccount": ((CLOSE,), lambda house, actor: accounts(house).close(actor, 2, WHY)),
    "ReopenAccount": ((CLOSE,), lambda house, actor: accounts(house).reopen(actor, 2, WHY)),
    "SuspendAccount": ((CLOSE,), lambda house, actor: accounts(house).suspend(actor, 2, WHY)),
    "GrantPermission": (
        ("admin.permissions.grant",),
        lambda house, actor: grants(house).grant(actor, 2, Grant("studio.use", True), WHY),
    ),
    "RevokePermission": (
        ("admin.permissions.grant",),
        lambda house, actor: grants(house).revoke(actor, 2, "studio.use", WHY),
    ),
    "MergeAccounts": ((WRITE, CLOSE), lambda house, actor: merges(house).start(actor, 2, 3, WHY)),
    "RetryMerge": ((WRITE, CLOSE), lambda house, actor: merges(house).retry(actor, 2, WHY)),
}
CALLS = READS | CHANGES
OF_NO_ACCOUNT = {"SearchAccounts", "SearchActivities", "ExportActivities", "ListAudits"}
"""The calls that are on no account in particular."""
EACH = [(name, needs, do) for name, (needs, do) in CALLS.items()]
EACH_CHANGE = [(name, do) for name, (_, do) in CHANGES.items()]


@pytest.fixture
def house() -> House:
    return House()


@pytest.mark.parametrize(("name", "needs", "do"), EACH, ids=list(CALLS))
async def test_every_call_that_succeeds_is_written_down(
    house: House, name: str, needs: tuple[str, ...], do: Do
) -> None:
    house.permissions.given = frozenset(needs)
    await do(house, SAM)
    audit = house.log.only()
    assert (audit.action, audit.actor_id, audit.at, audit.outcome) == (name, 4, NOON, OK)
    assert audit.reason == (WHY if name in CHANGES else "")
    assert audit.account_id == {"CreateAccount": 77}.get(name, 0 if name in OF_NO_ACCOUNT else 2)


@pytest.mark.parametrize(("name", "needs", "do"), EACH, ids=list(CALLS))
@pytest.mark.parametrize("actor", [ADA, GUEST, LIAR, Viewer(9, 99)])
async def test_nobody_but_staff_is_let_in_whatever_they_were_granted(
    house: House, name: str, needs: tuple[str, ...], do: Do, actor: Viewer
) -> None:
    with pytest.raises(PermissionDenied, match=needs[0]):
        await do(house, actor)
    assert house.changes == []
    audit = house.log.only()
    assert (audit.action, audit.actor_id, audit.outcome) == (name, actor.account_id, 4030100)


@pytest.mark.parametrize(
    ("name", "needed", "do"), [(name, needed, do) for name, (needs, do) in CALLS.items() for needed in needs]
)
async def test_each_call_needs_each_of_its_permissions(house: House, name: str, needed: str, do: Do) -> None:
    house.permissions.given = EVERYTHING - {needed}
    with pytest.raises(PermissionDenied) as refusal:
        await do(house, SAM)
    assert refusal.value.message == f"this needs the permission {needed}"
    assert house.changes == []
    assert (house.log.only().action, house.log.only().outcome) == (name, 4030100)


@pytest.mark.parametrize(("name", "needs", "do"), EACH, ids=list(CALLS))
async def test_permissions_that_cannot_be_asked_about_are_not_given(
    house: House, name: str, needs: tuple[str, ...], do: Do
) -> None:
    house.permissions.failures["allowed"] = BackendUnavailable("permission")
    with pytest.raises(BackendUnavailable):
        await do(house, SAM)
    assert house.changes == []
    assert (house.log.only().action, house.log.only().outcome) == (name, 5030100)


@pytest.mark.parametrize(("name", "do"), EACH_CHANGE, ids=list(CHANGES))
async def test_nothing_changes_when_its_trace_cannot_be_written(house: House, name: str, do: Do) -> None:
    house.log.fails_after = 0
    with pytest.raises(OSError, match="disk is full"):
        await do(house, SAM)
    assert house.changes == []


@pytest.mark.parametrize(("name", "needs", "do"), EACH, ids=list(CALLS))
async def test_no_answer_leaves_the_desk_without_a_trace(
    house: House, name: str, needs: tuple[str, ...], do: Do
) -> None:
    house.log.fails_after = 0
    with pytest.raises(OSError, match="disk is full"):
        await do(house, SAM)


@pytest.mark.parametrize(("name", "do"), EACH_CHANGE, ids=list(CHANGES))
async def test_a_change_is_written_down_before_it_is_made_and_again_after(house: House, name: str, do: Do) -> None:
    await do(house, SAM)
    intent, end = house.log.written
    assert (intent.id, intent.outcome, end.outcome) == (end.id, 0, OK)
    assert intent.after == ""
    assert intent.before == end.before
    assert replace(end, account_id=0) == replace(intent, account_id=0, after=end.after, outcome=OK)


@pytest.mark.parametrize(("name", "do"), EACH_CHANGE, ids=list(CHANGES))
async def test_a_change_whose_end_cannot_be_written_down_has_happened_and_leaves_its_intent(
    house: House, name: str, do: Do
) -> None:
    house.log.fails_after = 1
    await do(house, SAM)
    assert len(house.changes) == 1
    assert (house.log.only().action, house.log.only().outcome) == (name, 0)


@pytest.mark.parametrize("reason", ["", "  ", "\t\n"])
@pytest.mark.parametrize("name", list(CHANGES))
async def test_no_change_without_a_reason(house: House, name: str, reason: str) -> None:
    told: dict[str, Callable[[], Awaitable[Any]]] = {
        "CreateAccount": lambda: accounts(house).create(SAM, NEW, reason),
        "ChangeAccount": lambda: accounts(house).change(SAM, 2, 3, AccountChange(bio="new"), reason),
        "CloseAccount": lambda: accounts(house).close(SAM, 2, reason),
        "ReopenAccount": lambda: accounts(house).reopen(SAM, 2, reason),
        "SuspendAccount": lambda: accounts(house).suspend(SAM, 2, reason),
        "GrantPermission": lambda: grants(house).grant(SAM, 2, Grant("studio.use", True), reason),
        "RevokePermission": lambda: grants(house).revoke(SAM, 2, "studio.use", reason),
        "MergeAccounts": lambda: merges(house).start(SAM, 2, 3, reason),
        "RetryMerge": lambda: merges(house).retry(SAM, 2, reason),
    }
    with pytest.raises(InvalidArgument, match="reason: must not be blank"):
        await told[name]()
    assert house.changes == []
    assert (house.log.only().action, house.log.only().outcome) == (name, 4000100)


@pytest.mark.parametrize(
    ("error", "code"), [(VersionConflict(3), 4090100), (RuntimeError("a bug"), 5000000), (OSError("gone"), 5000000)]
)
async def test_a_change_that_fails_is_written_down_with_its_code(house: House, error: Exception, code: int) -> None:
    house.accounts.failures["change"] = error
    with pytest.raises(type(error)):
        await accounts(house).change(SAM, 2, 3, AccountChange(bio="new"), WHY)
    audit = house.log.only()
    assert (audit.outcome, audit.after) == (code, "")
    assert facts(audit.before)["bio"] == "words"


async def test_of_a_caller_who_leaves_in_between_nobody_knows_how_it_ended(house: House) -> None:
    begun = asyncio.Event()

    class Hanging(type(house.accounts)):  # type: ignore[misc]
        async def close(self, actor: Viewer, account_id: int, reason: str) -> Any:
            begun.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        leaving = group.create_task(Accounts(house.desk, Hanging()).close(SAM, 2, WHY))
        await begun.wait()
        leaving.cancel()
    assert leaving.cancelled()
    assert (house.log.only().action, house.log.only().outcome) == ("CloseAccount", 0)
