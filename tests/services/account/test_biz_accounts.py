"""Who sees which account, and who may change what of it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from schema import errcode
from schema.generated.account.v1 import account_pb2
from schema.generated.identity.v1 import identity_pb2
from services.account.biz import (
    ATTRIBUTES,
    Accounts,
    AccountStatus,
    AccountType,
    PrivateAttributes,
    ProfileChange,
    SessionState,
    Viewer,
)
from tests.services.account.examples import ADA, BO, CORP, EVERY_TYPE, SAM, MemoryAccounts, other, viewer

GUEST = Viewer(0, AccountType.GUEST)
CLOSED = other(5, status=AccountStatus.CLOSED)
SHOWN = [other(6 + status, status=status) for status in AccountStatus if status is not AccountStatus.CLOSED]


@pytest.fixture
def repo() -> MemoryAccounts:
    return MemoryAccounts(*EVERY_TYPE.values(), CLOSED, *SHOWN)


@pytest.fixture
def accounts(repo: MemoryAccounts) -> Accounts:
    return Accounts(repo)


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (AccountType, identity_pb2.AccountType.DESCRIPTOR),
        (AccountStatus, account_pb2.AccountStatus.DESCRIPTOR),
        (SessionState, account_pb2.VerifiedSession.State.DESCRIPTOR),
    ],
)
def test_words_are_numbered_as_in_the_contract(words: Any, numbers: Any) -> None:
    prefix = numbers.values_by_number[0].name.removesuffix("UNSPECIFIED")
    contract = {value.name.removeprefix(prefix): value.number for value in numbers.values if value.number}
    assert {word.name: word.value for word in words} == contract


def test_every_type_but_the_guest_has_attributes_of_its_own() -> None:
    assert set(ATTRIBUTES) == set(AccountType) - {AccountType.GUEST}
    assert {type(account.attributes) for account in EVERY_TYPE.values()} == set(ATTRIBUTES.values())


async def test_a_closed_account_is_left_out_of_every_answer(accounts: Accounts) -> None:
    assert await accounts.by_ids([CLOSED.id, ADA.id, 999]) == [ADA]
    assert await accounts.by_handles([CLOSED.handle]) == []
    assert await accounts.private_attributes([(viewer(SAM), CLOSED.id)]) == []


async def test_accounts_of_every_other_status_are_shown(accounts: Accounts) -> None:
    assert await accounts.by_ids([account.id for account in SHOWN]) == SHOWN
    assert {account.status for account in SHOWN} == set(AccountStatus) - {AccountStatus.CLOSED}


async def test_handles_are_compared_without_case_and_asked_for_once(accounts: Accounts, repo: MemoryAccounts) -> None:
    assert await accounts.by_handles(["ADA_l", "ada_L", "bo"]) == [ADA, BO]
    assert repo.asked == [["ada_l", "bo"]]


@pytest.mark.parametrize("handle", ["", "1ada", "a b", "a\x00", "ä", "a" * 31, "\u212aate"])
async def test_what_can_be_nobodys_handle_is_not_looked_up(
    handle: str, accounts: Accounts, repo: MemoryAccounts
) -> None:
    assert await accounts.by_handles([handle]) == []
    assert repo.asked == []


async def test_only_the_account_itself_and_staff_see_private_attributes(accounts: Accounts) -> None:
    newer = Viewer(77, 99)
    questions = [(asking, ADA.id) for asking in (viewer(ADA), viewer(SAM), viewer(BO), GUEST, newer)]
    birthday = PrivateAttributes(birthday=date(1990, 12, 10))
    assert await accounts.private_attributes(questions) == [
        (viewer(ADA), ADA.id, birthday),
        (viewer(SAM), ADA.id, birthday),
    ]


async def test_an_account_without_private_attributes_answers_that_it_has_none(accounts: Accounts) -> None:
    assert await accounts.private_attributes([(viewer(BO), BO.id)]) == [(viewer(BO), BO.id, PrivateAttributes())]


async def test_nothing_is_read_for_viewers_who_may_see_nothing(accounts: Accounts, repo: MemoryAccounts) -> None:
    assert await accounts.private_attributes([(viewer(BO), ADA.id)]) == []
    assert await accounts.pending_closures([(viewer(CORP), 5), (GUEST, 5)]) == []
    assert repo.asked == []


async def test_pending_closures_are_read_once_for_all_staff(accounts: Accounts, repo: MemoryAccounts) -> None:
    answers = await accounts.pending_closures([(viewer(SAM), 1), (viewer(ADA), 2), (viewer(SAM), 3)])
    assert answers == [(viewer(SAM), 1, [51]), (viewer(SAM), 3, [51, 50, 52])]
    assert repo.asked == [3]


async def test_a_change_replaces_what_it_sets_and_nothing_else(accounts: Accounts, repo: MemoryAccounts) -> None:
    changed = await accounts.update_profile(viewer(ADA), 3, ProfileChange(display_name="  Ada L.  ", handle="Lady"))
    assert changed == replace(ADA, display_name="Ada L.", handle="Lady", version=4)
    assert repo.accounts[ADA.id] == changed


async def test_empty_texts_remove_picture_and_bio(accounts: Accounts) -> None:
    changed = await accounts.update_profile(viewer(ADA), 3, ProfileChange(avatar_url="", bio="  "))
    assert (changed.avatar_url, changed.bio) == (None, None)


@pytest.mark.parametrize(
    "change",
    [
        ProfileChange(display_name="👩\u200d👩\u200d👧 Grüße"),
        ProfileChange(handle="abc"),
        ProfileChange(handle="a" * 30),
        ProfileChange(avatar_url="http://localhost:8000/a.png"),
        ProfileChange(bio="One line\nand\tanother 👩\u200d🚀"),
    ],
)
async def test_what_is_allowed_is_kept_as_it_is(change: ProfileChange, accounts: Accounts) -> None:
    changed = await accounts.update_profile(viewer(ADA), 3, change)
    wanted = {name: getattr(change, name) for name in change.__slots__ if getattr(change, name) is not None}
    assert {name: getattr(changed, name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (ProfileChange(), "input: must set displayName, handle, avatarUrl or bio"),
        (ProfileChange(display_name=""), "displayName: must not be empty"),
        (ProfileChange(display_name=" \t\n"), "displayName: must not be empty"),
        (ProfileChange(display_name="\u200b\u200d"), "displayName: must not be empty"),
        (ProfileChange(display_name="a\nb"), "displayName: must be one line without control characters"),
        (ProfileChange(display_name="a\x00b"), "displayName: must be one line without control characters"),
        *(
            (ProfileChange(handle=handle), "handle: must be 2 to 30 letters, digits or underscores, a letter first")
            for handle in ("", "a", "a" * 31, "1abc", "_abc", "a-b-c", "a b c", "äbc", "abc\n", "abc\x00", " abc")
        ),
        *(
            (ProfileChange(avatar_url=url), "avatarUrl: must be an http or https address, or empty")
            for url in (
                *("a.png", "//cdn.example/a.png", "ftp://cdn.example/a.png", "javascript:alert(1)", "https://"),
                *("https://cdn.example/a b.png", "https://cdn.example/\x00", "http://[::1", "http://a:99999/"),
            )
        ),
        (ProfileChange(bio="a\x00b"), "bio: must not contain control characters"),
        (ProfileChange(display_name="Fine", bio="\x1b[31m"), "bio: must not contain control characters"),
    ],
)
async def test_what_is_not_allowed_is_named_and_changes_nothing(
    change: ProfileChange, message: str, accounts: Accounts, repo: MemoryAccounts
) -> None:
    with pytest.raises(errcode.InvalidArgument, match=f"^{message}$"):
        await accounts.update_profile(viewer(ADA), 3, change)
    assert repo.accounts[ADA.id] == ADA


CHANGE = ProfileChange(bio="New")


@pytest.mark.parametrize(
    ("asking", "version", "error"),
    [
        (GUEST, 3, errcode.Unauthenticated),
        (Viewer(999, AccountType.PERSONAL), 3, errcode.AccountNotFound),
        (viewer(CLOSED), 3, errcode.AccountClosed),
        (viewer(ADA), 2, errcode.VersionConflict),
        (viewer(ADA), 4, errcode.VersionConflict),
    ],
)
async def test_who_may_not_change_changes_nothing(
    asking: Viewer, version: int, error: type[Exception], accounts: Accounts, repo: MemoryAccounts
) -> None:
    before = dict(repo.accounts)
    with pytest.raises(error):
        await accounts.update_profile(asking, version, CHANGE)
    assert repo.accounts == before


@pytest.mark.parametrize("account", SHOWN, ids=lambda account: str(account.status.name))
async def test_accounts_act_while_they_are_active_or_closing(
    account: Any, accounts: Accounts, repo: MemoryAccounts
) -> None:
    if account.status in (AccountStatus.ACTIVE, AccountStatus.CLOSING):
        assert (await accounts.update_profile(viewer(account), 3, CHANGE)).bio == "New"
        return
    with pytest.raises(errcode.AccountClosed):
        await accounts.update_profile(viewer(account), 3, CHANGE)
    assert repo.accounts[account.id] == account


async def test_the_handle_of_another_is_taken(accounts: Accounts, repo: MemoryAccounts) -> None:
    with pytest.raises(errcode.HandleTaken, match=r"^handle: corp is taken$"):
        await accounts.update_profile(viewer(ADA), 3, ProfileChange(handle="corp", bio="New"))
    assert repo.accounts[ADA.id] == ADA
