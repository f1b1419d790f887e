"""How one account takes over another, and when it cannot."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schema import errcode
from services.account.biz import (
    Account,
    Accounts,
    AccountStatus,
    AccountType,
    Happening,
    Merged,
    Merges,
    MergeStarted,
    Session,
    Viewer,
)
from tests.conftest import NOON, HandClock
from tests.services.account.examples import (
    ADA,
    BO,
    CORP,
    SAM,
    MemoryAccounts,
    MemoryChanges,
    MemorySessions,
    other,
    viewer,
)

ACTIVE, CLOSING, CLOSED, MERGED, SUSPENDED = AccountStatus
CY = other(6)
LEE = other(7, type=AccountType.STAFF, attributes=SAM.attributes)
STAFF = viewer(SAM)


class Office:
    """Merges of accounts in memory."""

    def __init__(self, clock: HandClock) -> None:
        self.repo = MemoryAccounts(ADA, BO, CORP, SAM, CY, LEE)
        self.changes = MemoryChanges(self.repo)
        self.sessions = MemorySessions()
        self.merges = Merges(self.repo, self.changes, self.sessions, clock)
        self.accounts = Accounts(self.repo)

    def has(self, *accounts: Account) -> None:
        self.repo.accounts |= {account.id: account for account in accounts}

    async def merge(self, source_id: int, target_id: int) -> Account:
        await self.merges.start(STAFF, source_id, target_id, "why")
        return await self.merges.finish(source_id, target_id, SAM.id, "why")

    async def answering(self, account_id: int) -> int | None:
        """Id of the account that answers to this id."""
        accounts, merged = await self.accounts.answering([account_id])
        assert [account.id for account in accounts] in ([], [merged.get(account_id, account_id)])
        return accounts[0].id if accounts else None

    @property
    def seen(self) -> object:
        """Everything that a refusal must leave as it was."""
        return dict(self.repo.accounts), list(self.repo.told), list(self.changes.done), dict(self.sessions.sessions)


@pytest.fixture
def office(clock: HandClock) -> Office:
    return Office(clock)


BARRED = replace(ADA, status=SUSPENDED, merging_into=BO.id)
REFUSED: list[tuple[list[Account], str]] = [
    ([replace(ADA, status=CLOSING)], "account 1 is CLOSING"),
    ([replace(ADA, status=CLOSED)], "account 1 is CLOSED"),
    ([replace(ADA, status=SUSPENDED)], "account 1 is SUSPENDED"),
    ([replace(BO, status=CLOSING)], "account 2 is CLOSING"),
    ([replace(BO, status=CLOSED)], "account 2 is CLOSED"),
    ([replace(BO, status=SUSPENDED)], "account 2 is SUSPENDED"),
    ([replace(ADA, status=MERGED, merged_into=6)], "account 1 was merged into account 6 already"),
    ([replace(ADA, status=MERGED, merged_into=2)], "account 1 was merged into account 2 already"),
    ([replace(BO, status=MERGED, merged_into=6)], "account 2 was merged into account 6 already"),
    ([replace(ADA, status=SUSPENDED, merging_into=6)], "account 1 is being merged into account 6 already"),
    ([replace(BO, status=SUSPENDED, merging_into=6)], "account 2 is being merged into account 6 already"),
    ([replace(CY, status=SUSPENDED, merging_into=1)], "account 6 is still being merged into account 1"),
    (
        [replace(BO, status=SUSPENDED, merging_into=1)],
        "account 2 is merged into account 1: the other way round would be a circle",
    ),
    (
        [replace(BO, status=MERGED, merged_into=1)],
        "account 2 is merged into account 1: the other way round would be a circle",
    ),
    (
        [replace(BO, type=AccountType.STAFF, attributes=SAM.attributes)],
        "a STAFF account is merged with another STAFF account only",
    ),
    (
        [replace(ADA, type=AccountType.STAFF, attributes=SAM.attributes)],
        "a STAFF account is merged with another STAFF account only",
    ),
]
"""What is there of accounts 1 and 2, and why 1 cannot be merged into 2."""


@pytest.mark.parametrize(("accounts", "message"), REFUSED, ids=[message for _, message in REFUSED])
async def test_a_merge_that_cannot_be_says_why_and_changes_nothing(
    accounts: list[Account], message: str, office: Office
) -> None:
    office.has(*accounts)
    before = office.seen
    assert await office.merges.check(STAFF, ADA.id, BO.id) == (message, 0)
    with pytest.raises(errcode.MergeRefused, match=f"^{message}$"):
        await office.merges.start(STAFF, ADA.id, BO.id, "why")
    assert office.seen == before


async def test_an_account_is_not_merged_with_itself_and_not_with_nobody(office: Office) -> None:
    before = office.seen
    for source_id, target_id, error, message in (
        (1, 1, errcode.InvalidArgument, "targetId: must be the id of another account"),
        (99, 1, errcode.AccountNotFound, "there is no account 99"),
        (1, 99, errcode.AccountNotFound, "there is no account 99"),
    ):
        calls = (
            office.merges.check(STAFF, source_id, target_id),
            office.merges.start(STAFF, source_id, target_id, "why"),
            office.merges.move_sessions(source_id, target_id),
            office.merges.finish(source_id, target_id, 0, ""),
        )
        for call in calls:
            with pytest.raises(error, match=f"^{message}$"):
                await call
    assert office.seen == before


@pytest.mark.parametrize("asking", [viewer(ADA), Viewer(0, AccountType.GUEST), Viewer(9, 99)])
async def test_only_staff_checks_and_begins(asking: Viewer, office: Office) -> None:
    before = office.seen
    with pytest.raises(errcode.PermissionDenied, match=r"admin\.accounts\.write"):
        await office.merges.check(asking, ADA.id, BO.id)
    with pytest.raises(errcode.PermissionDenied, match=r"admin\.accounts\.write"):
        await office.merges.start(asking, ADA.id, BO.id, "why")
    assert office.seen == before


@pytest.mark.parametrize("reason", ["", "  ", "a\x00b"])
async def test_a_merge_needs_a_reason(reason: str, office: Office) -> None:
    before = office.seen
    with pytest.raises(errcode.InvalidArgument, match=r"^reason: "):
        await office.merges.start(STAFF, ADA.id, BO.id, reason)
    assert office.seen == before


def session(number: int, account_id: int, days: int) -> Session:
    return Session(f"hash {number}", account_id, NOON, NOON + timedelta(days=days))


async def test_a_check_counts_the_sessions_that_would_move(office: Office) -> None:
    for number, (account_id, days) in enumerate([(1, 3), (1, 4), (1, 0), (1, -2), (2, 3)]):
        await office.sessions.open(session(number, account_id, days))
    before = office.seen
    assert await office.merges.check(STAFF, ADA.id, BO.id) == ("", 2)
    assert office.seen == before


@pytest.mark.parametrize(("source", "target"), [(ADA, BO), (BO, ADA), (CORP, ADA), (LEE, SAM)])
async def test_a_merge_that_has_begun_bars_the_source(source: Account, target: Account, office: Office) -> None:
    barred = await office.merges.start(STAFF, source.id, target.id, " two of one person ")
    assert barred == replace(source, status=SUSPENDED, merging_into=target.id, version=4)
    assert office.repo.accounts[source.id] == barred
    assert office.repo.accounts[target.id] == target
    assert office.repo.told == [(source.id, Happening(MergeStarted(target.id), SAM.id, "two of one person"))]


async def test_beginning_again_changes_nothing(office: Office) -> None:
    first = await office.merges.start(STAFF, ADA.id, BO.id, "why")
    before = office.seen
    assert await office.merges.start(STAFF, ADA.id, BO.id, "again") == first
    assert office.seen == before


async def test_open_sessions_move_once_and_only_while_merging(office: Office) -> None:
    for number, (account_id, days) in enumerate([(1, 3), (1, 4), (1, -2), (2, 3)]):
        await office.sessions.open(session(number, account_id, days))
    before = office.seen
    with pytest.raises(errcode.MergeRefused, match=r"^account 1 is not being merged into account 2$"):
        await office.merges.move_sessions(ADA.id, BO.id)
    assert office.seen == before
    await office.merges.start(STAFF, ADA.id, BO.id, "why")
    assert [await office.merges.move_sessions(ADA.id, BO.id) for _ in range(2)] == [2, 0]
    assert [one.account_id for one in office.sessions.sessions.values()] == [2, 2, 1, 2]


async def test_the_end_makes_the_id_answer_the_target(office: Office) -> None:
    await office.merges.start(STAFF, ADA.id, BO.id, "why")
    assert await office.answering(ADA.id) == ADA.id
    merged = await office.merges.finish(ADA.id, BO.id, SAM.id, "two of one person")
    assert merged == replace(ADA, status=MERGED, merged_into=BO.id, version=5)
    assert await office.answering(ADA.id) == BO.id
    assert office.changes.done == [("move_teams", ADA.id, BO.id)]
    assert office.repo.told[1:] == [(ADA.id, Happening(Merged(BO.id), SAM.id, "two of one person"))]


async def test_ending_again_changes_nothing(office: Office) -> None:
    first = await office.merge(ADA.id, BO.id)
    before = office.seen
    assert await office.merges.finish(ADA.id, BO.id, 0, "") == first
    assert await office.merges.move_sessions(ADA.id, BO.id) == 0
    assert office.seen == before


@pytest.mark.parametrize(
    "source", [ADA, replace(ADA, status=SUSPENDED), replace(ADA, status=SUSPENDED, merging_into=6)]
)
async def test_nothing_ends_that_has_not_begun(source: Account, office: Office) -> None:
    office.has(source)
    before = office.seen
    with pytest.raises(errcode.MergeRefused, match=r"^account 1 is not being merged into account 2$"):
        await office.merges.finish(ADA.id, BO.id, 0, "")
    assert office.seen == before


async def test_of_a_chain_every_id_answers_its_end_by_one_step(office: Office) -> None:
    await office.merge(ADA.id, BO.id)
    await office.merge(BO.id, CY.id)
    assert [await office.answering(key) for key in (ADA.id, BO.id, CY.id)] == [CY.id] * 3
    assert [office.repo.accounts[key].merged_into for key in (ADA.id, BO.id)] == [CY.id, CY.id]
    happened = [(key, told.what) for key, told in office.repo.told]
    assert happened[-2:] == [(ADA.id, Merged(CY.id)), (BO.id, Merged(CY.id))]
    before = office.seen
    assert (await office.merges.finish(ADA.id, BO.id, 0, "")).merged_into == CY.id
    assert office.seen == before


async def test_a_chain_is_not_closed_into_a_circle(office: Office) -> None:
    await office.merge(ADA.id, BO.id)
    await office.merge(BO.id, CY.id)
    before = office.seen
    for target_id in (ADA.id, BO.id):
        with pytest.raises(errcode.MergeRefused, match=r"would be a circle$"):
            await office.merges.start(STAFF, CY.id, target_id, "why")
    assert office.seen == before


async def test_a_merge_that_ends_while_ids_are_followed_is_followed_too(office: Office) -> None:
    """As a reader sees it that asked for the account of a chain before its ways were made short."""
    office.has(
        replace(ADA, status=MERGED, merged_into=BO.id),
        replace(BO, status=MERGED, merged_into=CY.id),
    )
    accounts, merged = await office.accounts.answering([ADA.id, BO.id, CY.id])
    assert (accounts, merged) == ([CY], {ADA.id: CY.id, BO.id: CY.id})


async def test_handles_of_merged_accounts_answer_whoever_took_over(office: Office) -> None:
    office.has(replace(ADA, status=MERGED, merged_into=CORP.id))
    assert await office.accounts.answering_handles(["ADA_L", "bo"]) == ([CORP, BO], {"ada_l": CORP.id})


async def test_an_id_that_leads_to_a_closed_account_answers_nobody(office: Office) -> None:
    office.has(replace(ADA, status=MERGED, merged_into=BO.id), replace(BO, status=CLOSED))
    assert await office.accounts.answering([ADA.id]) == ([], {})
    assert await office.accounts.answering_handles([ADA.handle]) == ([], {})


async def test_following_costs_one_more_question_and_only_for_merged_ids(office: Office) -> None:
    office.has(replace(ADA, status=MERGED, merged_into=BO.id), replace(CORP, status=MERGED, merged_into=CY.id))
    await office.accounts.answering([BO.id, CY.id])
    await office.accounts.answering([ADA.id, CORP.id, BO.id])
    assert office.repo.asked == [[2, 6], [1, 2, 3], [6]]
