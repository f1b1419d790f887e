"""Closing, reopening, suspending and the end of accounts, as a caller sees them over gRPC."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.message import Message

from schema import errcode
from schema.generated.account.v1 import account_pb2 as pb
from schema.generated.account.v1.account_pb2_grpc import AccountServiceStub
from services.account.biz import AccountStatus
from services.account.data import account_table, credential_table, session_table, team_table
from services.account.demo import ADA, BO, CORP
from services.account.service import moment_to_message
from services.account.wire import BACKEND
from services.runtime.backend import Resources
from services.runtime.settings import Settings
from tests.conftest import NOON, HandClock, Serve
from tests.services.account.asking import (
    ACTIVE,
    ADA_ASKS,
    BO_ASKS,
    CLOSED,
    CLOSING,
    GUEST_ASKS,
    SAM_ASKS,
    SUSPENDED,
    account,
    close,
    reopen,
    search,
    sign_in,
    suspend,
    verified,
)
from tests.services.account.stores import everything, rows_of, set_columns, told

TODAY = NOON.replace(hour=0)
END = pb.EndClosuresRequest(limit=10)


async def statuses_told(resources: Resources) -> list[tuple[int, str, str]]:
    changes = [(event.account_id, event.account_status_changed) for event in await told(resources)]
    return [(account_id, change.before, change.after) for account_id, change in changes]


async def test_a_closure_can_be_undone_for_a_week_and_the_account_is_used_meanwhile(
    service: Any, filled: Resources, clock: HandClock
) -> None:
    token = await sign_in(service)
    await account(service, ADA)
    closing = (await service.CloseAccount(close())).account
    assert (closing.status, closing.version) == (CLOSING, 2)
    assert await account(service, ADA) == closing
    assert (await verified(service, token)).account_status == CLOSING
    clock.advance(days=7, microseconds=-1)
    active = (await service.ReopenAccount(reopen())).account
    assert (active.status, active.version) == (ACTIVE, 3)
    assert await account(service, ADA) == active
    assert await statuses_told(filled) == [(ADA, "ACTIVE", "CLOSING"), (ADA, "CLOSING", "ACTIVE")]
    first, second = await told(filled)
    assert [(event.actor_id, event.reason) for event in (first, second)] == [(ADA, "moving on"), (ADA, "")]


async def test_how_long_a_closure_can_be_undone_is_a_setting(filled: Resources, serve: Serve, clock: HandClock) -> None:
    hasty = replace(filled, settings=Settings(cooling_off_days=0.5))
    service: Any = AccountServiceStub(await serve(BACKEND, hasty))
    await service.CloseAccount(close())
    clock.advance(hours=12)
    with pytest.raises(errcode.AccountState, match="period is over"):
        await service.ReopenAccount(reopen())
    assert ADA in (await service.EndClosures(END)).account_ids


async def test_staff_suspends_and_reopens_and_the_sessions_stay_ended(service: Any, filled: Resources) -> None:
    token, of_bo = await sign_in(service), await sign_in(service, "bo")
    await verified(service, token)
    assert (await service.SuspendAccount(suspend())).account.status == SUSPENDED
    for ask, request in ((service.CloseAccount, close()), (service.ReopenAccount, reopen())):
        with pytest.raises(errcode.AccountState, match=r"^the account is SUSPENDED: only "):
            await ask(request)
    with pytest.raises(errcode.AccountClosed):
        await sign_in(service)
    assert (await service.ReopenAccount(reopen(SAM_ASKS, reason="a mistake"))).account.status == ACTIVE
    assert (await verified(service, token)).state == pb.VerifiedSession.STATE_UNKNOWN
    assert (await verified(service, of_bo)).state == pb.VerifiedSession.STATE_VALID
    assert await statuses_told(filled) == [(ADA, "ACTIVE", "SUSPENDED"), (ADA, "SUSPENDED", "ACTIVE")]


REFUSED: list[tuple[str, Message, type[errcode.AtriumError], str]] = [
    ("CloseAccount", close(reason=""), errcode.InvalidArgument, "reason: must not be empty"),
    ("CloseAccount", close(reason=" \t"), errcode.InvalidArgument, "reason: must not be blank"),
    ("CloseAccount", close(reason="x" * 501), errcode.InvalidArgument, "reason: "),
    ("CloseAccount", close(reason="a\x00"), errcode.InvalidArgument, "reason: must not contain control characters"),
    ("CloseAccount", close(BO_ASKS), errcode.PermissionDenied, r"admin\.accounts\.close"),
    ("CloseAccount", close(GUEST_ASKS), errcode.Unauthenticated, "sign in"),
    ("CloseAccount", close(SAM_ASKS, 999), errcode.AccountNotFound, "999"),
    ("CloseAccount", close(SAM_ASKS, 50), errcode.AccountState, "the account is CLOSING: only an ACTIVE one"),
    ("ReopenAccount", reopen(), errcode.AccountState, "the account is ACTIVE: there is no closure"),
    ("ReopenAccount", reopen(BO_ASKS), errcode.PermissionDenied, r"admin\.accounts\.close"),
    ("ReopenAccount", reopen(SAM_ASKS, 50), errcode.InvalidArgument, "reason: must not be blank"),
    ("SuspendAccount", suspend(ADA_ASKS), errcode.PermissionDenied, r"admin\.accounts\.close"),
    ("SuspendAccount", suspend(reason=""), errcode.InvalidArgument, "reason: must not be empty"),
    ("SuspendAccount", suspend(reason=" "), errcode.InvalidArgument, "reason: must not be blank"),
    ("SuspendAccount", suspend(account_id=999), errcode.AccountNotFound, "999"),
    ("EndClosures", pb.EndClosuresRequest(limit=0), errcode.InvalidArgument, "limit"),
    ("EndClosures", pb.EndClosuresRequest(limit=1001), errcode.InvalidArgument, "limit"),
    ("PurgeSessions", pb.PurgeSessionsRequest(limit=1), errcode.InvalidArgument, "before"),
    *(
        (
            "PurgeSessions",
            pb.PurgeSessionsRequest(before=moment_to_message(NOON), limit=limit),
            errcode.InvalidArgument,
            "limit",
        )
        for limit in (0, 10001)
    ),
]
"""A method, a request, its error, and what the message says."""


async def test_what_is_refused_says_why_and_leaves_everything_as_it_was(service: Any, filled: Resources) -> None:
    before = await everything(filled)
    for method, request, error, message in REFUSED:
        with pytest.raises(error, match=message):
            await getattr(service, method)(request)
        assert await everything(filled) == before, request


async def test_closing_twice_and_reopening_after_the_end_are_refused(
    service: Any, filled: Resources, clock: HandClock
) -> None:
    await service.CloseAccount(close())
    once = await everything(filled)
    for actor in (ADA_ASKS, SAM_ASKS):
        with pytest.raises(errcode.AccountState, match=r"^the account is CLOSING: only an ACTIVE one can be closed$"):
            await service.CloseAccount(close(actor))
    assert await everything(filled) == once
    clock.advance(days=7)
    with pytest.raises(errcode.AccountState, match=r"^the account is CLOSING, and its cooling-off period is over$"):
        await service.ReopenAccount(reopen())
    assert await everything(filled) == once
    await service.EndClosures(END)
    ended = await everything(filled)
    late = ((service.ReopenAccount, reopen(SAM_ASKS, reason="please")), (service.CloseAccount, close(SAM_ASKS)))
    for ask, request in late:
        with pytest.raises(errcode.AccountState, match=r"^the account is CLOSED: "):
            await ask(request)
    assert await everything(filled) == ended


async def test_the_end_erases_what_is_personal_and_ends_the_sessions(
    service: Any, filled: Resources, clock: HandClock
) -> None:
    token = await sign_in(service, "corp")
    await verified(service, token)
    await account(service, CORP)
    await service.CloseAccount(close(SAM_ASKS, CORP))
    clock.advance(days=7)
    assert list((await service.EndClosures(END)).account_ids) == [51, CORP]
    (closed,) = await search(service, CORP)
    (row,) = [row for row in await rows_of(filled, account_table) if row.id == CORP]
    assert closed == pb.Account(
        id=CORP,
        type=closed.type,
        status=CLOSED,
        version=3,
        handle="closed_3",
        display_name="Closed account",
        created_at=closed.created_at,
        business=pb.BusinessAttributes(),
    )
    assert (row.handle_key, row.name_key, row.closes_at) == ("closed_3", "closed account", None)
    assert (await verified(service, token)).state == pb.VerifiedSession.STATE_UNKNOWN
    with pytest.raises(errcode.BadCredentials):
        await sign_in(service, "corp")
    assert await account(service, CORP) is None
    for table, column in ((credential_table, "account_id"), (session_table, "account_id"), (team_table, "business_id")):
        assert CORP not in {getattr(row, column) for row in await rows_of(filled, table)}
    named = await service.BatchGetAccountsByHandle(pb.BatchGetAccountsByHandleRequest(handles=["corp", "closed_3"]))
    assert list(named.accounts) == []
    assert [event.reason for event in await told(filled)][1:] == 2 * ["the cooling-off period is over"]
    assert "Northwind" not in str([event for event in await told(filled) if event.account_id == CORP])


async def test_the_handle_of_a_closed_account_can_be_had_by_another_but_never_one_that_is_reserved(
    service: Any, filled: Resources, clock: HandClock
) -> None:
    await service.CloseAccount(close())
    clock.advance(days=8)
    await service.EndClosures(END)
    renamed = pb.UpdateProfileRequest(viewer=BO_ASKS, version=1, handle="Ada_2")
    assert (await service.UpdateProfile(renamed)).account.handle == "Ada_2"
    before = await everything(filled)
    with pytest.raises(errcode.InvalidArgument, match=r"^handle: .* reserved$"):
        await service.UpdateProfile(pb.UpdateProfileRequest(viewer=BO_ASKS, version=2, handle="CLOSED_2"))
    assert await everything(filled) == before


async def test_closures_end_in_portions_and_none_before_its_time(
    service: Any, filled: Resources, clock: HandClock
) -> None:
    clock.now = TODAY + timedelta(days=9)
    portions = [await service.EndClosures(pb.EndClosuresRequest(limit=1)) for _ in range(3)]
    assert [(list(reply.account_ids), reply.has_more) for reply in portions] == [
        ([51], True),
        ([50], False),
        ([], False),
    ]
    assert [one.status for one in await search(service, 50, 51, 52)] == [CLOSED, CLOSED, CLOSING]


# Races.


async def all_of(*calls: Awaitable[Any]) -> tuple[list[Any], list[BaseException]]:
    """What the calls answered that were made at once, and what the others were refused with."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    refused = [one for one in results if isinstance(one, BaseException)]
    return [one for one in results if not isinstance(one, BaseException)], refused


async def test_of_closures_at_once_exactly_one_begins(service: Any, filled: Resources) -> None:
    for account_id in range(5, 9):
        done, refused = await all_of(*(service.CloseAccount(close(SAM_ASKS, account_id)) for _ in range(4)))
        assert [reply.account.version for reply in done] == [2]
        assert [type(error) for error in refused] == 3 * [errcode.AccountState]
    assert await statuses_told(filled) == [(account_id, "ACTIVE", "CLOSING") for account_id in range(5, 9)]


async def test_a_closure_and_a_suspension_at_once_end_in_a_suspension(service: Any, filled: Resources) -> None:
    for account_id in range(11, 17):
        calls = [
            service.CloseAccount(close(SAM_ASKS, account_id)),
            service.SuspendAccount(suspend(account_id=account_id)),
        ]
        done, refused = await all_of(*calls[:: 1 if account_id % 2 else -1])
        # The closure comes first and is overtaken, or it comes second and is refused.
        assert all(isinstance(error, errcode.AccountState) for error in refused)
        assert (await search(service, account_id))[0].status == SUSPENDED
        chain = [change[1:] for change in await statuses_told(filled) if change[0] == account_id]
        assert len(chain) == len(done)
        assert chain in ([("ACTIVE", "SUSPENDED")], [("ACTIVE", "CLOSING"), ("CLOSING", "SUSPENDED")])


async def test_closures_that_are_ended_twice_at_once_end_once(
    service: Any, filled: Resources, clock: HandClock
) -> None:
    wanted = list(range(5, 30))
    for account_id in wanted:
        await service.CloseAccount(close(SAM_ASKS, account_id))
    clock.advance(days=7)
    runs, refused = await all_of(*(service.EndClosures(pb.EndClosuresRequest(limit=100)) for _ in range(4)))
    assert refused == []
    assert sorted(account_id for run in runs for account_id in run.account_ids) == sorted([*wanted, 51])
    ended = [change[0] for change in await statuses_told(filled) if change[2] == "CLOSED"]
    assert sorted(ended) == sorted([*wanted, 51])
    assert {one.version for one in await search(service, *wanted)} == {3}


async def test_an_end_and_a_suspension_at_once_never_mix(service: Any, filled: Resources, clock: HandClock) -> None:
    clock.now = TODAY + timedelta(days=3)
    await all_of(service.EndClosures(END), service.SuspendAccount(suspend(account_id=51)))
    (one,) = await search(service, 51)
    told_of = [change for change in await statuses_told(filled) if change[0] == 51]
    ended = (CLOSED, "closed_51", [(51, "CLOSING", "CLOSED")])
    barred = (SUSPENDED, one.handle, [(51, "CLOSING", "SUSPENDED")])
    assert (one.status, one.handle, told_of) in (ended, barred)


# Sessions that are over.


async def test_sessions_that_are_over_are_purged_and_open_ones_never(
    service: Any, filled: Resources, clock: HandClock
) -> None:
    old = [await sign_in(service) for _ in range(3)]
    clock.advance(days=29)
    new = await sign_in(service)
    clock.advance(days=1, seconds=1)
    await verified(service, old[0])
    far = moment_to_message(NOON + timedelta(days=900))
    replies = [await service.PurgeSessions(pb.PurgeSessionsRequest(before=far, limit=2)) for _ in range(3)]
    assert [(reply.removed, reply.has_more) for reply in replies] == [(2, True), (1, False), (0, False)]
    assert [(await verified(service, token)).state for token in (*old, new)] == [
        *(3 * [pb.VerifiedSession.STATE_UNKNOWN]),
        pb.VerifiedSession.STATE_VALID,
    ]
    assert len(await rows_of(filled, session_table)) == 1


async def test_only_what_was_over_before_the_moment_is_purged(
    service: Any, filled: Resources, clock: HandClock
) -> None:
    await sign_in(service)
    clock.advance(days=40)
    ended = NOON + timedelta(days=30)
    for before, removed in ((ended, 0), (ended + timedelta(microseconds=1), 1)):
        request = pb.PurgeSessionsRequest(before=moment_to_message(before), limit=9)
        assert (await service.PurgeSessions(request)).removed == removed


@pytest.mark.parametrize("status", list(AccountStatus))
async def test_every_state_is_refused_or_left_as_the_rules_say(
    status: AccountStatus, service: Any, filled: Resources
) -> None:
    """Closing, reopening and suspending by staff, from each state: what is not allowed changes nothing."""
    allowed = {
        "CloseAccount": {AccountStatus.ACTIVE},
        "ReopenAccount": {AccountStatus.CLOSING, AccountStatus.SUSPENDED},
        "SuspendAccount": {AccountStatus.ACTIVE, AccountStatus.CLOSING},
    }
    requests = {
        "CloseAccount": close(SAM_ASKS, BO),
        "ReopenAccount": reopen(SAM_ASKS, BO, "why"),
        "SuspendAccount": suspend(account_id=BO),
    }
    for method, states in allowed.items():
        await set_columns(filled, BO, status=status, closes_at=NOON + timedelta(days=1))
        before = await everything(filled)
        if status in states:
            await getattr(service, method)(requests[method])
            continue
        with pytest.raises(errcode.AccountState, match=f"^the account is {status.name}"):
            await getattr(service, method)(requests[method])
        assert await everything(filled) == before
