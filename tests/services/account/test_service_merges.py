"""Merging accounts, as a caller sees it over gRPC."""

import asyncio
from typing import Any

import pytest
from google.protobuf.message import Message

from schema import errcode
from schema.generated.account.v1 import account_pb2 as pb
from services.account.biz import AccountStatus
from services.account.data import account_table, team_table
from services.account.demo import ADA, BO, CORP, CORP_TEAM, SAM
from services.runtime.backend import Resources
from tests.conftest import HandClock
from tests.services.account.asking import (
    ACTIVE,
    ADA_ASKS,
    BO_ASKS,
    CLOSED,
    GUEST_ASKS,
    MERGED,
    SAM_ASKS,
    SUSPENDED,
    account,
    close,
    finish,
    merge,
    reopen,
    search,
    sign_in,
    suspend,
    verified,
)
from tests.services.account.stores import everything, rows_of, set_columns, told

CY, DEE, STAFF = 5, 6, 33


def check(actor: Any = SAM_ASKS, source: int = ADA, target: int = BO) -> pb.CheckMergeRequest:
    return pb.CheckMergeRequest(actor=actor, source_id=source, target_id=target)


def move(source: int = ADA, target: int = BO) -> pb.MoveSessionsRequest:
    return pb.MoveSessionsRequest(source_id=source, target_id=target)


async def merged(service: Any, source: int, target: int) -> None:
    """Merges two accounts."""
    await service.StartMerge(merge(source=source, target=target))
    await service.MoveSessions(move(source, target))
    await service.FinishMerge(finish(source, target))


async def answering(service: Any, *ids: int) -> list[int]:
    """Ids of the accounts that answer to these; each is told once."""
    reply = await service.BatchGetAccounts(pb.BatchGetAccountsRequest(ids=ids))
    known = {one.id for one in reply.accounts}
    assert len(known) == len(reply.accounts)
    assert set(reply.merged.values()) <= known
    return [reply.merged.get(one, one if one in known else 0) for one in ids]


async def test_a_merge_from_its_dry_run_to_its_end(service: Any, filled: Resources) -> None:
    tokens = [await sign_in(service) for _ in range(2)]
    for token in tokens:
        await verified(service, token)
    await account(service, ADA)
    assert await service.CheckMerge(check()) == pb.CheckMergeResponse(sessions=2)

    source = (await service.StartMerge(merge())).source
    assert (source.id, source.status, source.version) == (ADA, SUSPENDED, 2)
    assert await answering(service, ADA, BO) == [ADA, BO]
    assert (await verified(service, tokens[0])).account_status == SUSPENDED

    assert [(await service.MoveSessions(move())).moved for _ in range(2)] == [2, 0]
    for token in tokens:
        session = await verified(service, token)
        assert (session.viewer.account_id, session.account_status) == (BO_ASKS.account_id, ACTIVE)

    source = (await service.FinishMerge(finish())).source
    assert (source.id, source.status, source.version) == (ADA, MERGED, 3)
    assert await answering(service, ADA, BO, CORP) == [BO, BO, CORP]
    assert await account(service, ADA) == await account(service, BO)
    named = await service.BatchGetAccountsByHandle(pb.BatchGetAccountsByHandleRequest(handles=["ADA", "corp"]))
    assert ({one.id for one in named.accounts}, dict(named.merged)) == ({BO, CORP}, {"ada": BO})
    assert [one.status for one in await search(service, ADA, BO)] == [MERGED, ACTIVE]

    started, ended = await told(filled)
    assert (started.account_id, started.actor_id, started.reason) == (ADA, SAM, "twins")
    assert started.account_merge_started.target_id == BO
    assert (ended.account_id, ended.actor_id, ended.reason) == (ADA, SAM, "twins")
    assert (ended.account_merged.target_id, ended.account_merged.version) == (BO, 3)


async def test_the_source_does_nothing_from_the_beginning_on(service: Any, filled: Resources) -> None:
    for step, request in ((service.StartMerge, merge()), (service.FinishMerge, finish())):
        await step(request)
        before = await everything(filled)
        for version in (2, 3):
            with pytest.raises(errcode.AccountClosed):
                await service.UpdateProfile(pb.UpdateProfileRequest(viewer=ADA_ASKS, version=version, bio="New"))
        for refuse, asked in (
            (service.CloseAccount, close()),
            (service.ReopenAccount, reopen(SAM_ASKS, reason="why")),
            (service.SuspendAccount, suspend()),
        ):
            with pytest.raises(errcode.AccountState, match=r"^the account is (SUSPENDED|MERGED)"):
                await refuse(asked)
        assert await everything(filled) == before


async def test_nobody_signs_in_to_the_source(service: Any) -> None:
    for step, request in ((service.StartMerge, merge()), (service.FinishMerge, finish())):
        await step(request)
        with pytest.raises(errcode.AccountClosed):
            await sign_in(service)


async def test_each_step_again_changes_nothing(service: Any, filled: Resources) -> None:
    await sign_in(service)
    for step, request in (
        (service.StartMerge, merge()),
        (service.MoveSessions, move()),
        (service.FinishMerge, finish()),
    ):
        await step(request)
        once = await everything(filled)
        await step(request)
        assert await everything(filled) == once
    assert (await service.MoveSessions(move())).moved == 0


REFUSED: list[tuple[str, Message, type[errcode.AtriumError], str]] = [
    *(
        (method, request, errcode.InvalidArgument, r"^targetId: must be the id of another account$")
        for method, request in (
            ("CheckMerge", check(target=ADA)),
            ("StartMerge", merge(target=ADA)),
            ("MoveSessions", move(target=ADA)),
            ("FinishMerge", finish(target=ADA)),
        )
    ),
    ("CheckMerge", check(ADA_ASKS), errcode.PermissionDenied, r"admin\.accounts\.write"),
    ("StartMerge", merge(ADA_ASKS), errcode.PermissionDenied, r"admin\.accounts\.write"),
    ("StartMerge", merge(GUEST_ASKS), errcode.PermissionDenied, r"admin\.accounts\.write"),
    ("StartMerge", merge(reason=""), errcode.InvalidArgument, "reason: must not be empty"),
    ("StartMerge", merge(reason=" "), errcode.InvalidArgument, "reason: must not be blank"),
    ("StartMerge", merge(source=999), errcode.AccountNotFound, "999"),
    ("StartMerge", merge(target=999), errcode.AccountNotFound, "999"),
    ("StartMerge", merge(source=50), errcode.MergeRefused, "account 50 is CLOSING"),
    ("StartMerge", merge(target=50), errcode.MergeRefused, "account 50 is CLOSING"),
    ("StartMerge", merge(source=SAM), errcode.MergeRefused, "a STAFF account is merged with another STAFF"),
    ("StartMerge", merge(target=SAM), errcode.MergeRefused, "a STAFF account is merged with another STAFF"),
    ("MoveSessions", move(), errcode.MergeRefused, "account 1 is not being merged into account 2"),
    ("FinishMerge", finish(), errcode.MergeRefused, "account 1 is not being merged into account 2"),
    ("FinishMerge", finish(source=999), errcode.AccountNotFound, "999"),
]
"""A method, a request, its error, and what the message says."""


async def test_what_is_refused_says_why_and_leaves_everything_as_it_was(service: Any, filled: Resources) -> None:
    await sign_in(service)
    before = await everything(filled)
    for method, request, error, message in REFUSED:
        with pytest.raises(error, match=message):
            await getattr(service, method)(request)
        assert await everything(filled) == before, request


async def refused(service: Any, filled: Resources, source: int, target: int, message: str) -> None:
    """Asserts that the two cannot be merged, and that trying leaves everything as it was."""
    before = await everything(filled)
    with pytest.raises(errcode.MergeRefused, match=f"^{message}$"):
        await service.StartMerge(merge(source=source, target=target))
    assert (await service.CheckMerge(check(source=source, target=target))) == pb.CheckMergeResponse(refusal=message)
    assert await everything(filled) == before


async def test_merging_twice_or_in_a_circle_is_refused(service: Any, filled: Resources) -> None:
    await service.StartMerge(merge())
    await refused(service, filled, ADA, CY, "account 1 is being merged into account 2 already")
    await refused(service, filled, CY, ADA, "account 1 is being merged into account 2 already")
    await refused(service, filled, BO, CY, "account 1 is still being merged into account 2")
    circle = "account 1 is merged into account 2: the other way round would be a circle"
    await refused(service, filled, BO, ADA, circle)
    await service.FinishMerge(finish())
    await refused(service, filled, ADA, CY, "account 1 was merged into account 2 already")
    await refused(service, filled, CY, ADA, "account 1 was merged into account 2 already")
    await refused(service, filled, BO, ADA, circle)
    before = await everything(filled)
    with pytest.raises(errcode.MergeRefused, match=r"^account 1 was merged into account 2 already$"):
        await service.StartMerge(merge())
    assert await everything(filled) == before


@pytest.mark.parametrize("status", [AccountStatus.CLOSING, AccountStatus.CLOSED, AccountStatus.SUSPENDED])
async def test_only_active_accounts_are_merged(status: AccountStatus, service: Any, filled: Resources) -> None:
    await set_columns(filled, CY, status=status)
    await refused(service, filled, CY, BO, f"account 5 is {status.name}")
    await refused(service, filled, BO, CY, f"account 5 is {status.name}")


async def test_staff_is_merged_with_staff(service: Any, filled: Resources) -> None:
    await merged(service, STAFF, SAM)
    assert await answering(service, STAFF) == [SAM]


async def test_of_a_chain_every_id_answers_its_end(service: Any, filled: Resources) -> None:
    token = await sign_in(service)
    for source, target in ((ADA, BO), (DEE, BO), (BO, CY)):
        await answering(service, ADA, BO, CY, DEE)
        await merged(service, source, target)
    assert await answering(service, ADA, BO, CY, DEE) == [CY, CY, CY, CY]
    rows = {row.id: row for row in await rows_of(filled, account_table)}
    assert [rows[key].merged_into for key in (ADA, BO, DEE)] == [CY, CY, CY]
    assert (await verified(service, token)).viewer.account_id == CY
    ended = [event for event in await told(filled) if event.HasField("account_merged")]
    assert [(event.account_id, event.account_merged.target_id) for event in ended] == [
        *((ADA, BO), (DEE, BO)),
        *((ADA, CY), (BO, CY), (DEE, CY)),
    ]
    await refused(service, filled, CY, ADA, "account 1 is merged into account 5: the other way round would be a circle")
    once = await everything(filled)
    await service.FinishMerge(finish())
    assert await everything(filled) == once


async def test_places_in_teams_go_to_the_target(service: Any, filled: Resources) -> None:
    member = CORP_TEAM[0]
    await merged(service, member, CY)
    reply = await service.BatchListTeams(pb.BatchListTeamsRequest(business_ids=[CORP]))
    assert list(reply.teams[0].account_ids) == [CY, *CORP_TEAM[1:]]
    assert member not in {row.member_id for row in await rows_of(filled, team_table)}


async def test_whoever_took_over_is_closed_with_all_that_was_merged_into_it(
    service: Any, filled: Resources, clock: HandClock
) -> None:
    await merged(service, ADA, BO)
    await service.CloseAccount(close(BO_ASKS, BO))
    clock.advance(days=7)
    assert BO in (await service.EndClosures(pb.EndClosuresRequest(limit=10))).account_ids
    assert await answering(service, ADA, BO) == [0, 0]
    assert [(one.status, one.handle) for one in await search(service, ADA, BO)] == [
        (CLOSED, "closed_1"),
        (CLOSED, "closed_2"),
    ]
    named = await service.BatchGetAccountsByHandle(pb.BatchGetAccountsByHandleRequest(handles=["ada", "bo"]))
    assert (list(named.accounts), dict(named.merged)) == ([], {})


async def test_a_target_is_not_closed_for_good_while_the_merge_is_under_way(
    service: Any, filled: Resources, clock: HandClock
) -> None:
    await service.StartMerge(merge())
    await service.CloseAccount(close(BO_ASKS, BO))
    clock.advance(days=30)
    end = pb.EndClosuresRequest(limit=10)
    assert sorted((await service.EndClosures(end)).account_ids) == [50, 51, 52]
    await service.MoveSessions(move())
    await service.FinishMerge(finish())
    assert list((await service.EndClosures(end)).account_ids) == [BO]


# Races.


async def outcome(*calls: Any) -> tuple[int, list[str]]:
    """How many of the calls made at once were done, and why the others were refused."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    errors = [one for one in results if isinstance(one, BaseException)]
    assert all(isinstance(error, errcode.MergeRefused | errcode.AccountState) for error in errors), errors
    return len(results) - len(errors), [str(error) for error in errors]


async def test_of_merges_in_both_directions_at_once_exactly_one_begins(service: Any) -> None:
    for one, other in ((11, 14), (15, 16), (17, 18), (19, 21)):
        done, _ = await outcome(
            service.StartMerge(merge(source=one, target=other)), service.StartMerge(merge(source=other, target=one))
        )
        assert done == 1
        assert sorted(found.status for found in await search(service, one, other)) == [ACTIVE, SUSPENDED]


async def test_of_merges_of_one_source_at_once_exactly_one_begins(service: Any, filled: Resources) -> None:
    done, _ = await outcome(*(service.StartMerge(merge(source=CY, target=target)) for target in (11, 14, 15, 16)))
    assert done == 1
    assert len(await told(filled)) == 1


async def test_a_chain_never_begins_before_its_first_link_has_ended(service: Any, filled: Resources) -> None:
    for first in (11, 15, 18, 21):
        source, between, target = first, first + 1 + (first == 11) * 2, CY
        done, _ = await outcome(
            service.StartMerge(merge(source=source, target=between)),
            service.StartMerge(merge(source=between, target=target)),
        )
        assert done == 1
    rows = [row for row in await rows_of(filled, account_table) if row.merging_into]
    assert not {row.merging_into for row in rows} & {row.id for row in rows}


async def test_a_merge_that_is_begun_or_ended_twice_at_once_is_told_once(service: Any, filled: Resources) -> None:
    assert await outcome(*(service.StartMerge(merge()) for _ in range(4))) == (4, [])
    assert await outcome(*(service.FinishMerge(finish()) for _ in range(4))) == (4, [])
    assert [event.WhichOneof("what") for event in await told(filled)] == ["account_merge_started", "account_merged"]


async def test_a_merge_and_a_suspension_at_once_never_mix(service: Any, filled: Resources) -> None:
    for account_id in (11, 14, 15, 16):
        done, _ = await outcome(
            service.SuspendAccount(suspend(account_id=account_id)), service.StartMerge(merge(source=account_id))
        )
        assert done == 1
    events = [event.account_id for event in await told(filled)]
    assert sorted(events) == [11, 14, 15, 16]
