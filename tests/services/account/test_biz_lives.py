"""How accounts are closed, reopened, suspended, and ended, and by whom."""

from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from schema import errcode
from services.account.biz import (
    NO_ATTRIBUTES,
    Account,
    AccountStatus,
    AccountType,
    Happening,
    Lives,
    StatusChanged,
    Viewer,
)
from tests.conftest import NOON, HandClock
from tests.services.account.examples import (
    ADA,
    BO,
    EVERY_TYPE,
    SAM,
    MemoryAccounts,
    MemoryChanges,
    other,
    viewer,
)

ACTIVE, CLOSING, CLOSED, MERGED, SUSPENDED = AccountStatus
WEEK = timedelta(days=7)
GUEST = Viewer(0, AccountType.GUEST)
CLOSING_ADA = replace(ADA, status=CLOSING, closes_at=NOON + WEEK)


class Office:
    """The lives of accounts in memory."""

    def __init__(self, clock: HandClock) -> None:
        self.repo = MemoryAccounts(*EVERY_TYPE.values())
        self.changes = MemoryChanges(self.repo)
        self.lives = Lives(self.changes, clock, WEEK)

    def has(self, *accounts: Account) -> None:
        self.repo.accounts |= {account.id: account for account in accounts}

    @property
    def seen(self) -> object:
        """Everything that a refusal must leave as it was."""
        return dict(self.repo.accounts), list(self.repo.told), list(self.changes.done)


@pytest.fixture
def office(clock: HandClock) -> Office:
    return Office(clock)


@pytest.mark.parametrize("actor", [viewer(ADA), viewer(SAM)])
async def test_closing_begins_a_week_in_which_it_can_be_undone(actor: Viewer, office: Office) -> None:
    assert await office.lives.close(actor, ADA.id, " moving on ") == replace(CLOSING_ADA, version=4)
    assert office.repo.accounts[ADA.id] == replace(CLOSING_ADA, version=4)
    assert office.repo.told == [(ADA.id, Happening(StatusChanged(ACTIVE), actor.account_id, "moving on"))]


@pytest.mark.parametrize("status", [CLOSING, CLOSED, MERGED, SUSPENDED])
@pytest.mark.parametrize("actor", [viewer(ADA), viewer(SAM)])
async def test_only_an_active_account_can_be_closed(actor: Viewer, status: AccountStatus, office: Office) -> None:
    office.has(replace(ADA, status=status))
    before = office.seen
    with pytest.raises(errcode.AccountState, match=f"^the account is {status.name}: only an ACTIVE one can be closed$"):
        await office.lives.close(actor, ADA.id, "why")
    assert office.seen == before


@pytest.mark.parametrize(
    ("actor", "account_id", "reason", "error", "message"),
    [
        (GUEST, 1, "why", errcode.Unauthenticated, "sign in first"),
        (viewer(BO), 1, "why", errcode.PermissionDenied, "this needs the permission admin.accounts.close"),
        (Viewer(77, 99), 1, "why", errcode.PermissionDenied, "this needs the permission admin.accounts.close"),
        (viewer(SAM), 99, "why", errcode.AccountNotFound, "there is no account 99"),
        (viewer(ADA), 1, "", errcode.InvalidArgument, "reason: must not be blank"),
        (viewer(ADA), 1, " \n\t ", errcode.InvalidArgument, "reason: must not be blank"),
        (viewer(ADA), 1, "\x07", errcode.InvalidArgument, "reason: must not contain control characters"),
    ],
)
async def test_a_refused_closing_changes_nothing_and_is_told_to_nobody(
    *, actor: Viewer, account_id: int, reason: str, error: type[Exception], message: str, office: Office
) -> None:
    before = office.seen
    with pytest.raises(error, match=f"^{message}$"):
        await office.lives.close(actor, account_id, reason)
    assert office.seen == before


@pytest.mark.parametrize(("actor", "reason"), [(viewer(ADA), ""), (viewer(ADA), "I stay"), (viewer(SAM), "asked us")])
async def test_a_closure_is_undone_within_its_period(
    actor: Viewer, reason: str, office: Office, clock: HandClock
) -> None:
    office.has(CLOSING_ADA)
    clock.advance(days=7, microseconds=-1)
    assert await office.lives.reopen(actor, ADA.id, reason) == replace(ADA, version=4)
    assert office.repo.told == [(ADA.id, Happening(StatusChanged(CLOSING), actor.account_id, reason))]


async def test_a_suspension_is_undone_by_staff(office: Office) -> None:
    office.has(replace(ADA, status=SUSPENDED))
    assert await office.lives.reopen(viewer(SAM), ADA.id, "a mistake") == replace(ADA, version=4)
    assert office.repo.told == [(ADA.id, Happening(StatusChanged(SUSPENDED), SAM.id, "a mistake"))]


NOTHING = "the account is {}: there is no closure or suspension to undo"


@pytest.mark.parametrize(
    ("actor", "account", "message"),
    [
        *((viewer(ADA), replace(ADA, status=status), NOTHING.format(status.name)) for status in (ACTIVE, CLOSED)),
        *((viewer(SAM), replace(ADA, status=status), NOTHING.format(status.name)) for status in (CLOSED, MERGED)),
        (viewer(ADA), replace(ADA, status=SUSPENDED), "the account is SUSPENDED: only staff reopens it"),
        (
            viewer(SAM),
            replace(ADA, status=SUSPENDED, merging_into=2),
            "the account is SUSPENDED: it is being merged into another",
        ),
        *(
            (
                actor,
                replace(CLOSING_ADA, closes_at=NOON),
                "the account is CLOSING, and its cooling-off period is over",
            )
            for actor in (viewer(ADA), viewer(SAM))
        ),
    ],
)
async def test_what_cannot_be_undone_names_the_state_and_changes_nothing(
    actor: Viewer, account: Account, message: str, office: Office
) -> None:
    office.has(account)
    before = office.seen
    with pytest.raises(errcode.AccountState, match=f"^{message}$"):
        await office.lives.reopen(actor, ADA.id, "why")
    assert office.seen == before


@pytest.mark.parametrize(
    ("actor", "reason", "error"),
    [
        (GUEST, "why", errcode.Unauthenticated),
        (viewer(BO), "why", errcode.PermissionDenied),
        (viewer(SAM), "", errcode.InvalidArgument),
        (viewer(SAM), " ", errcode.InvalidArgument),
        (viewer(ADA), "\x00", errcode.InvalidArgument),
    ],
)
async def test_staff_says_why_it_reopens_and_others_may_not(
    actor: Viewer, reason: str, error: type[Exception], office: Office
) -> None:
    office.has(CLOSING_ADA)
    before = office.seen
    with pytest.raises(error):
        await office.lives.reopen(actor, ADA.id, reason)
    assert office.seen == before


@pytest.mark.parametrize("account", [ADA, CLOSING_ADA])
async def test_suspending_ends_the_sessions_and_a_closure(account: Account, office: Office) -> None:
    office.has(account)
    assert await office.lives.suspend(viewer(SAM), ADA.id, "spam") == replace(ADA, status=SUSPENDED, version=4)
    assert office.changes.done == [("end_sessions", ADA.id)]
    assert office.repo.told == [(ADA.id, Happening(StatusChanged(account.status), SAM.id, "spam"))]


@pytest.mark.parametrize(
    ("actor", "account", "reason", "error", "message"),
    [
        (viewer(ADA), ADA, "why", errcode.PermissionDenied, "this needs the permission admin.accounts.close"),
        (GUEST, ADA, "why", errcode.PermissionDenied, "this needs the permission admin.accounts.close"),
        (viewer(SAM), ADA, "  ", errcode.InvalidArgument, "reason: must not be blank"),
        *(
            (
                viewer(SAM),
                replace(ADA, status=status),
                "why",
                errcode.AccountState,
                f"the account is {status.name}: only an ACTIVE or CLOSING one is suspended",
            )
            for status in (SUSPENDED, CLOSED, MERGED)
        ),
    ],
)
async def test_a_refused_suspension_changes_nothing(
    *, actor: Viewer, account: Account, reason: str, error: type[Exception], message: str, office: Office
) -> None:
    office.has(account)
    before = office.seen
    with pytest.raises(error, match=f"^{message}$"):
        await office.lives.suspend(actor, ADA.id, reason)
    assert office.seen == before


def closing(account_id: int, hours: float) -> Account:
    return other(account_id, status=CLOSING, closes_at=NOON + timedelta(hours=hours))


async def test_closures_end_when_they_are_due_those_that_were_due_first_coming_first(
    office: Office, clock: HandClock
) -> None:
    office.has(closing(11, 3), closing(12, 2), closing(13, 4), closing(14, 1))
    assert await office.lives.end_closures(10) == ([], False)
    clock.advance(hours=3)
    assert await office.lives.end_closures(2) == ([14, 12], True)
    assert await office.lives.end_closures(2) == ([11], False)
    assert await office.lives.end_closures(2) == ([], False)
    assert office.repo.accounts[13] == closing(13, 4)


@pytest.mark.parametrize("account", EVERY_TYPE.values(), ids=lambda account: str(account.type.name))
async def test_nothing_personal_is_left_of_a_closed_account(account: Account, office: Office, clock: HandClock) -> None:
    office.has(replace(account, status=CLOSING, closes_at=NOON))
    assert await office.lives.end_closures(1) == ([account.id], False)
    assert office.repo.accounts[account.id] == Account(
        id=account.id,
        type=account.type,
        status=CLOSED,
        version=4,
        handle=f"closed_{account.id}",
        display_name="Closed account",
        avatar_url=None,
        bio=None,
        created_at=account.created_at,
        closes_at=None,
        attributes=NO_ATTRIBUTES[account.type],
    )
    assert office.changes.done == [(what, account.id) for what in ("end_sessions", "forget_password", "leave_teams")]
    happening = Happening(StatusChanged(CLOSING), actor_id=0, reason="the cooling-off period is over")
    assert office.repo.told == [(account.id, happening)]


def test_what_is_left_of_every_type_says_nothing() -> None:
    assert {type(attributes) for attributes in NO_ATTRIBUTES.values()} == {
        type(account.attributes) for account in EVERY_TYPE.values()
    }
    values = [value for attributes in NO_ATTRIBUTES.values() for value in asdict(attributes).values()]
    assert len(values) == 7
    assert not any(values)


async def test_accounts_that_were_merged_into_one_are_closed_with_it(office: Office) -> None:
    office.has(closing(11, 0), other(12, status=MERGED, merged_into=11), other(13, status=MERGED, merged_into=14))
    assert await office.lives.end_closures(5) == ([11], False)
    states = {key: office.repo.accounts[key] for key in (11, 12, 13)}
    assert [(one.status, one.handle) for one in states.values()] == [
        (CLOSED, "closed_11"),
        (CLOSED, "closed_12"),
        (MERGED, "other_13"),
    ]
    assert states[12].merged_into == 11
    assert [(key, told.what) for key, told in office.repo.told] == [
        (11, StatusChanged(CLOSING)),
        (12, StatusChanged(MERGED)),
    ]


async def test_an_account_that_others_are_being_merged_into_stays_until_that_has_ended(office: Office) -> None:
    office.has(closing(11, 0), other(12, status=SUSPENDED, merging_into=11))
    before = office.seen
    assert (await office.lives.end_closures(5))[0] == []
    assert office.seen == before


class Slow(MemoryChanges):
    """Finds accounts due that somebody has just reopened."""

    async def due(self, now: object, first: int) -> list[int]:
        return [ADA.id, 99]


async def test_what_is_no_longer_due_when_its_turn_comes_is_left_alone(office: Office, clock: HandClock) -> None:
    lives = Lives(Slow(office.repo), clock, WEEK)
    before = office.seen
    assert await lives.end_closures(5) == ([], False)
    assert office.seen == before
