"""What staff finds, opens and changes, and what is refused."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schema import errcode
from services.account.biz import (
    Account,
    AccountChange,
    AccountFilter,
    AccountStatus,
    AccountType,
    Administration,
    Attributes,
    BusinessAttributes,
    Changed,
    CreatorAttributes,
    Difference,
    Happening,
    NewAccount,
    Opened,
    PersonalAttributes,
    StaffAttributes,
    Viewer,
)
from tests.conftest import NOON, HandClock
from tests.services.account.examples import (
    ADA,
    BO,
    CORP,
    EVERY_TYPE,
    SAM,
    CountedIds,
    MemoryAccounts,
    PlainPasswords,
    other,
    viewer,
)

STAFF = viewer(SAM)
TODAY, TOMORROW = (f"{NOON.date() + timedelta(days=days)}" for days in (0, 1))
NEW = NewAccount(AccountType.CREATOR, "dora", " Dora ", "long enough", CreatorAttributes("Maps"))
OTHERS = [viewer(ADA), viewer(BO), viewer(CORP), Viewer(0, AccountType.GUEST), Viewer(9, 99)]


@pytest.fixture
def repo() -> MemoryAccounts:
    return MemoryAccounts(*EVERY_TYPE.values())


@pytest.fixture
def desk(repo: MemoryAccounts, clock: HandClock) -> Administration:
    return Administration(repo, PlainPasswords(), CountedIds(), clock)


# Finding.


async def test_a_page_tells_whether_more_come_after(desk: Administration, repo: MemoryAccounts) -> None:
    assert await desk.search(STAFF, AccountFilter(first=2)) == ([ADA, BO], True)
    assert await desk.search(STAFF, AccountFilter(first=2, after_id=2)) == ([CORP, SAM], False)
    assert await desk.search(STAFF, AccountFilter(first=9, after_id=4)) == ([], False)
    assert repo.asked[0] == AccountFilter(first=3)


async def test_handles_and_names_are_looked_for_without_case(desk: Administration, repo: MemoryAccounts) -> None:
    await desk.search(STAFF, AccountFilter(first=1, handle_prefix="ADA_", name_part="GROẞ"))
    assert repo.asked == [AccountFilter(first=2, handle_prefix="ada_", name_part="gross")]


@pytest.mark.parametrize(
    "wanted",
    [
        *(AccountFilter(first=1, handle_prefix=prefix) for prefix in ("%", "a%", "a\\", "ä", "a b", "\x00", "a" * 31)),
        *(AccountFilter(first=1, name_part=part) for part in ("\x00", "a\nb", "\x1b")),
    ],
)
async def test_what_nobody_can_be_called_is_not_looked_for(
    wanted: AccountFilter, desk: Administration, repo: MemoryAccounts
) -> None:
    assert await desk.search(STAFF, wanted) == ([], False)
    assert repo.asked == []


@pytest.mark.parametrize("asking", OTHERS)
async def test_only_staff_finds_opens_and_changes(asking: Viewer, desk: Administration, repo: MemoryAccounts) -> None:
    with pytest.raises(errcode.PermissionDenied, match=r"admin\.accounts\.read"):
        await desk.search(asking, AccountFilter(first=1))
    with pytest.raises(errcode.PermissionDenied, match=r"admin\.accounts\.write"):
        await desk.create(asking, NEW, "why")
    with pytest.raises(errcode.PermissionDenied, match=r"admin\.accounts\.write"):
        await desk.change(asking, ADA.id, 3, AccountChange(bio="New"), "why")
    assert (list(repo.accounts.values()), repo.told, repo.asked) == (list(EVERY_TYPE.values()), [], [])


# Opening.


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        (AccountType.PERSONAL, None, PersonalAttributes()),
        (AccountType.CREATOR, CreatorAttributes(" Maps ", True), CreatorAttributes("Maps", True)),
        (AccountType.CREATOR, CreatorAttributes(""), CreatorAttributes()),
        (AccountType.BUSINESS, BusinessAttributes(" D Ltd", ""), BusinessAttributes("D Ltd")),
        (AccountType.STAFF, StaffAttributes("Legal"), StaffAttributes("Legal")),
    ],
)
async def test_an_account_is_opened_as_its_first_version_with_a_hash_of_its_password(
    kind: AccountType, given: Attributes | None, kept: Attributes, desk: Administration, repo: MemoryAccounts
) -> None:
    opened = await desk.create(STAFF, replace(NEW, type=kind, attributes=given), "  asked by phone ")
    assert opened == Account(
        id=1001,
        type=kind,
        status=AccountStatus.ACTIVE,
        version=1,
        handle="dora",
        display_name="Dora",
        avatar_url=None,
        bio=None,
        created_at=NOON,
        closes_at=None,
        attributes=kept,
    )
    assert (repo.accounts[1001], repo.hashes) == (opened, {1001: "new long enough"})
    assert repo.told == [(1001, Happening(Opened(), SAM.id, "asked by phone"))]


@pytest.mark.parametrize(
    ("changes", "reason", "message"),
    [
        ({}, " \t", "reason: must not be blank"),
        ({}, "\u200b", "reason: must not be blank"),
        ({}, "a\x00b", "reason: must not contain control characters"),
        ({"handle": "d"}, "why", "handle: must be 2 to 30 letters, digits or underscores, a letter first"),
        ({"handle": "Closed_7"}, "why", "handle: must not be closed_ and a number: such handles are reserved"),
        ({"display_name": " "}, "why", "displayName: must not be empty"),
        ({"attributes": None}, "why", "creator: must be set for a CREATOR account"),
        ({"attributes": StaffAttributes("Legal")}, "why", "staff: must not be set for a CREATOR account"),
        ({"attributes": CreatorAttributes("a\nb")}, "why", "category: must be one line without control characters"),
        ({"attributes": CreatorAttributes("a" * 101)}, "why", "category: must be at most 100 characters"),
        ({"type": AccountType.PERSONAL}, "why", "creator: must not be set for a PERSONAL account"),
        ({"type": AccountType.STAFF, "attributes": None}, "why", "staff: must be set for a STAFF account"),
        (
            {"type": AccountType.BUSINESS, "attributes": BusinessAttributes(" ")},
            "why",
            "companyName: must not be empty",
        ),
        ({"type": AccountType.STAFF, "attributes": StaffAttributes("")}, "why", "department: must not be empty"),
    ],
)
async def test_what_cannot_be_opened_is_named_and_opens_nothing(
    changes: dict[str, Any], reason: str, message: str, desk: Administration, repo: MemoryAccounts
) -> None:
    with pytest.raises(errcode.InvalidArgument, match=f"^{message}$"):
        await desk.create(STAFF, replace(NEW, **changes), reason)
    assert (list(repo.accounts.values()), repo.told) == (list(EVERY_TYPE.values()), [])


def test_a_password_is_not_shown() -> None:
    assert "long enough" not in repr(NEW)


# Changing.


async def test_a_change_tells_what_differs_who_did_it_and_why(desk: Administration, repo: MemoryAccounts) -> None:
    change = AccountChange(display_name="Bo L.", bio="", verified=False)
    changed = await desk.change(STAFF, BO.id, 3, change, "as agreed")
    assert changed == replace(
        BO, version=4, display_name="Bo L.", bio=None, attributes=CreatorAttributes("Films", verified=False)
    )
    differences = (
        Difference("bio", "Reads.", None),
        Difference("creator.verified", "true", "false"),
        Difference("display_name", "Ada", "Bo L."),
    )
    assert repo.told == [(BO.id, Happening(Changed(differences), SAM.id, "as agreed"))]


@pytest.mark.parametrize(
    ("before", "change", "attributes", "difference"),
    [
        (BO, AccountChange(category="Art"), CreatorAttributes("Art", True), ("creator.category", "Films", "Art")),
        (BO, AccountChange(category=""), CreatorAttributes(None, True), ("creator.category", "Films", None)),
        (
            CORP,
            AccountChange(company_name=" Acme Ltd "),
            BusinessAttributes("Acme Ltd", "Printing", True),
            ("business.company_name", "Corp Ltd", "Acme Ltd"),
        ),
        (
            SAM,
            AccountChange(department="Legal"),
            StaffAttributes("Legal"),
            ("staff.department", "Care", "Legal"),
        ),
        (ADA, AccountChange(birthday=TODAY), PersonalAttributes(NOON.date()), ("birthday", None, None)),
        (ADA, AccountChange(birthday=""), PersonalAttributes(), ("birthday", None, None)),
    ],
)
async def test_what_only_one_type_has_is_changed_for_accounts_of_the_type(
    *,
    before: Account,
    change: AccountChange,
    attributes: Attributes,
    difference: tuple[str, str | None, str | None],
    desk: Administration,
    repo: MemoryAccounts,
) -> None:
    changed = await desk.change(STAFF, before.id, 3, change, "as agreed")
    assert changed == replace(before, version=4, attributes=attributes)
    assert repo.told == [(before.id, Happening(Changed((Difference(*difference),)), SAM.id, "as agreed"))]


@pytest.mark.parametrize(
    ("account_id", "version", "change", "reason", "error", "message"),
    [
        (1, 3, AccountChange(bio="x"), " ", errcode.InvalidArgument, "reason: must not be blank"),
        (1, 3, AccountChange(), "why", errcode.InvalidArgument, "input: must set displayName, .*"),
        (1, 3, AccountChange(handle="x"), "why", errcode.InvalidArgument, "handle: must be 2 to 30 .*"),
        (1, 3, AccountChange(verified=True), "why", errcode.InvalidArgument, "verified: .* a PERSONAL account"),
        (4, 3, AccountChange(verified=True), "why", errcode.InvalidArgument, "verified: .* a STAFF account"),
        (4, 3, AccountChange(company_name="x"), "why", errcode.InvalidArgument, "companyName: .* a STAFF account"),
        (4, 3, AccountChange(department=" "), "why", errcode.InvalidArgument, "department: must not be empty"),
        (3, 3, AccountChange(company_name="x" * 101), "why", errcode.InvalidArgument, "companyName: .* 100 characters"),
        (3, 3, AccountChange(birthday="1990-12-31"), "why", errcode.InvalidArgument, "birthday: .* a BUSINESS account"),
        (1, 3, AccountChange(birthday="1990-02-30"), "why", errcode.InvalidArgument, "birthday: must be a day"),
        (1, 3, AccountChange(birthday="1899-12-31"), "why", errcode.InvalidArgument, "birthday: must be between"),
        (1, 3, AccountChange(birthday=TOMORROW), "why", errcode.InvalidArgument, "birthday: must be between .* today"),
        (1, 2, AccountChange(bio="x"), "why", errcode.VersionConflict, "version: 2 .*"),
        (9, 1, AccountChange(bio="x"), "why", errcode.AccountNotFound, "there is no account 9"),
        (1, 3, AccountChange(handle="corp"), "why", errcode.HandleTaken, "handle: corp is taken"),
        (5, 3, AccountChange(bio="x"), "why", errcode.AccountState, "the account is CLOSED: it changes no more"),
        (6, 3, AccountChange(bio="x"), "why", errcode.AccountState, "the account is MERGED: it changes no more"),
    ],
)
async def test_a_refused_change_is_told_to_nobody(
    *,
    account_id: int,
    version: int,
    change: AccountChange,
    reason: str,
    error: type[Exception],
    message: str,
    desk: Administration,
    repo: MemoryAccounts,
) -> None:
    repo.accounts |= {5: other(5, status=AccountStatus.CLOSED), 6: other(6, status=AccountStatus.MERGED)}
    before = dict(repo.accounts)
    with pytest.raises(error, match=f"^{message}"):
        await desk.change(STAFF, account_id, version, change, reason)
    assert (repo.accounts, repo.told) == (before, [])


@pytest.mark.parametrize("status", [AccountStatus.ACTIVE, AccountStatus.CLOSING, AccountStatus.SUSPENDED])
async def test_staff_changes_accounts_that_are_barred_or_closing_too(
    status: AccountStatus, desk: Administration, repo: MemoryAccounts
) -> None:
    repo.accounts[7] = other(7, status=status)
    assert (await desk.change(STAFF, 7, 3, AccountChange(bio="New"), "why")).bio == "New"
