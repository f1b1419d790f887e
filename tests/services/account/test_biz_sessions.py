"""Who signs in, what a token is worth, and for how long."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schema import errcode
from services.account.biz import (
    AccountStatus,
    Credential,
    Sessions,
    SessionState,
    VerifiedSession,
    token_hash,
)
from tests.conftest import NOON, HandClock
from tests.services.account.examples import (
    ADA,
    BO,
    MemoryAccounts,
    MemoryCredentials,
    MemorySessions,
    PlainPasswords,
    other,
)


class Desk:
    """Sessions on stores in memory."""

    def __init__(self, clock: HandClock) -> None:
        self.accounts = MemoryAccounts(ADA, BO)
        self.credentials = MemoryCredentials(ada_l=Credential(ADA, "new secret"), bo=Credential(BO, "old films"))
        self.store = MemorySessions()
        self.passwords = PlainPasswords()
        self.sessions = Sessions(self.accounts, self.credentials, self.store, self.passwords, clock)


@pytest.fixture
def desk(clock: HandClock) -> Desk:
    return Desk(clock)


async def test_signing_in_opens_a_session_of_thirty_days(desk: Desk) -> None:
    opened = await desk.sessions.sign_in("ADA_l", "secret")
    assert (opened.account, opened.expires_at) == (ADA, NOON + timedelta(days=30))
    assert await desk.sessions.verify([opened.token]) == [
        VerifiedSession(SessionState.VALID, ADA, NOON + timedelta(days=30))
    ]


async def test_only_a_hash_of_the_token_is_kept_and_none_is_shown(desk: Desk) -> None:
    opened = await desk.sessions.sign_in("ada_l", "secret")
    assert list(desk.store.sessions) == [token_hash(opened.token)]
    assert len(opened.token) == 43
    for shown in (repr(opened), repr(desk.store.sessions.values()), repr(desk.credentials.hashes)):
        assert opened.token not in shown
        assert "secret" not in shown


async def test_two_sessions_of_one_account_have_different_tokens(desk: Desk) -> None:
    first, second = [await desk.sessions.sign_in("ada_l", "secret") for _ in range(2)]
    assert first.token != second.token
    assert len(desk.store.sessions) == 2


@pytest.mark.parametrize("handle", ["nobody", "", "not a handle", "a\x00"])
async def test_an_unknown_handle_costs_a_comparison_and_reads_like_a_wrong_password(handle: str, desk: Desk) -> None:
    with pytest.raises(errcode.BadCredentials) as unknown:
        await desk.sessions.sign_in(handle, "secret")
    with pytest.raises(errcode.BadCredentials) as wrong:
        await desk.sessions.sign_in("ada_l", "wrong")
    assert unknown.value.message == wrong.value.message
    assert desk.passwords.compared == [None, "new secret"]
    assert desk.store.sessions == {}


@pytest.mark.parametrize("status", [AccountStatus.CLOSED, AccountStatus.MERGED, AccountStatus.SUSPENDED])
async def test_that_an_account_is_closed_is_told_only_to_who_knows_its_password(
    status: AccountStatus, desk: Desk
) -> None:
    desk.credentials.hashes["ada_l"] = Credential(replace(ADA, status=status), "old secret")
    with pytest.raises(errcode.BadCredentials):
        await desk.sessions.sign_in("ada_l", "wrong")
    with pytest.raises(errcode.AccountClosed):
        await desk.sessions.sign_in("ada_l", "secret")
    assert desk.store.sessions == {}
    assert desk.credentials.hashes["ada_l"].password_hash == "old secret"


async def test_an_account_in_its_cooling_off_period_signs_in(desk: Desk) -> None:
    closing = replace(ADA, status=AccountStatus.CLOSING)
    desk.credentials.hashes["ada_l"] = Credential(closing, "new secret")
    assert (await desk.sessions.sign_in("ada_l", "secret")).account == closing


async def test_an_outdated_hash_is_renewed_once_its_password_was_right(desk: Desk) -> None:
    with pytest.raises(errcode.BadCredentials):
        await desk.sessions.sign_in("bo", "wrong")
    assert desk.credentials.hashes["bo"].password_hash == "old films"
    await desk.sessions.sign_in("bo", "films")
    assert desk.credentials.hashes["bo"].password_hash == "new films"


async def test_each_token_is_answered_in_its_place(desk: Desk, clock: HandClock) -> None:
    old = (await desk.sessions.sign_in("ada_l", "secret")).token
    clock.advance(days=30)
    new = (await desk.sessions.sign_in("ada_l", "secret")).token
    states = [session.state for session in await desk.sessions.verify(["x", new, old, "x", new])]
    assert states == [
        *(SessionState.UNKNOWN, SessionState.VALID, SessionState.EXPIRED, SessionState.UNKNOWN, SessionState.VALID)
    ]
    assert desk.accounts.asked == [[ADA.id]]


async def test_a_session_counts_until_just_before_it_expires(desk: Desk, clock: HandClock) -> None:
    token = (await desk.sessions.sign_in("ada_l", "secret")).token
    clock.advance(days=30, microseconds=-1)
    assert (await desk.sessions.verify([token]))[0].state is SessionState.VALID
    clock.advance(microseconds=1)
    assert await desk.sessions.verify([token]) == [VerifiedSession(SessionState.EXPIRED)]


async def test_a_session_tells_the_status_of_its_account(desk: Desk) -> None:
    token = (await desk.sessions.sign_in("ada_l", "secret")).token
    suspended = desk.accounts.accounts[ADA.id] = replace(ADA, status=AccountStatus.SUSPENDED)
    assert [session.account for session in await desk.sessions.verify([token])] == [suspended]


async def test_a_session_of_an_account_that_is_gone_is_unknown(desk: Desk) -> None:
    token = (await desk.sessions.sign_in("ada_l", "secret")).token
    desk.accounts.accounts = {9: other(9)}
    assert await desk.sessions.verify([token]) == [VerifiedSession(SessionState.UNKNOWN)]


async def test_signing_out_ends_only_that_session(desk: Desk) -> None:
    first, second = [(await desk.sessions.sign_in("ada_l", "secret")).token for _ in range(2)]
    assert await desk.sessions.sign_out(first)
    assert not await desk.sessions.sign_out(first)
    assert not await desk.sessions.sign_out("never given")
    states = [session.state for session in await desk.sessions.verify([first, second])]
    assert states == [SessionState.UNKNOWN, SessionState.VALID]


async def test_signing_out_of_an_expired_session_ends_nothing_that_was_open(desk: Desk, clock: HandClock) -> None:
    token = (await desk.sessions.sign_in("ada_l", "secret")).token
    clock.advance(days=31)
    assert not await desk.sessions.sign_out(token)
