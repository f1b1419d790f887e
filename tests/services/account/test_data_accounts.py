"""Accounts in the store and in the cache, on both stacks."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from schema.errcode import AccountNotFound, HandleTaken, VersionConflict
from services.account.biz import Account, AccountRepo, AccountStatus, Changed, Happening
from services.account.data import (
    METADATA,
    AccountRecord,
    CachedAccountRepo,
    SqlAccountRepo,
    account_table,
    from_record,
    team_table,
    to_record,
    to_row,
)
from services.runtime.backend import Resources
from services.runtime.versioned_cache import Entries, Guard, VersionedCache
from tests.conftest import NOON, MakeResources
from tests.services.account.examples import ADA, BO, CORP, EVERY_TYPE, SAM, other
from tests.services.account.stores import accounts_in, keep, outbox_of
from tests.services.counting import statements_run

EDITED = Happening(Changed(()), actor_id=ADA.id)
CLOSED = other(5, status=AccountStatus.CLOSED)


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    made = await make_resources(METADATA)
    await keep(made, *EVERY_TYPE.values(), CLOSED)
    return made


def cached(resources: Resources) -> CachedAccountRepo:
    """The repo of one process."""
    cache = VersionedCache(Guard(Entries(resources.cache), "account:"), AccountRecord, lambda record: record.version)
    return CachedAccountRepo(accounts_in(resources), cache)


@pytest.fixture(params=["plain", "cached"])
def repo(request: pytest.FixtureRequest, resources: Resources) -> AccountRepo:
    return accounts_in(resources) if request.param == "plain" else cached(resources)


async def stored(resources: Resources) -> dict[int, Account]:
    return await accounts_in(resources).by_ids(range(1, 100))


async def test_accounts_come_back_as_they_were_kept(repo: AccountRepo) -> None:
    wanted = {account.id: account for account in (*EVERY_TYPE.values(), CLOSED)}
    for _ in range(2):
        assert await repo.by_ids([*wanted, 999]) == wanted


async def test_handles_are_found_in_lower_case(repo: AccountRepo) -> None:
    found = await repo.by_handle_keys(["ada_l", "Ada_L", "bo", "nobody"])
    assert sorted(found, key=lambda account: account.id) == [ADA, BO]


async def test_any_number_of_keys_is_one_statement(resources: Resources) -> None:
    repo = accounts_in(resources)
    questions = [
        repo.by_ids(range(1, 1000)),
        repo.by_handle_keys([f"handle_{number}" for number in range(1000)]),
        repo.teams(range(1, 1000)),
        repo.pending_closures(100),
    ]
    for question in questions:
        with statements_run(resources.database) as statements:
            await question
        assert len(statements) == 1


async def test_what_was_read_by_id_comes_from_the_cache(resources: Resources) -> None:
    repo = cached(resources)
    await repo.by_ids([ADA.id, BO.id, 999])
    with statements_run(resources.database) as statements:
        assert await repo.by_ids([999, BO.id, ADA.id]) == {ADA.id: ADA, BO.id: BO}
    assert statements == []


async def test_a_save_is_the_next_version_and_seen_by_every_process(resources: Resources) -> None:
    one, another = cached(resources), cached(resources)
    await another.by_ids([ADA.id])
    suspended = await one.save(replace(ADA, status=AccountStatus.SUSPENDED, handle="Lady", bio=None), EDITED)
    assert suspended == replace(ADA, status=AccountStatus.SUSPENDED, handle="Lady", bio=None, version=4)
    with statements_run(resources.database) as statements:
        assert await another.by_ids([ADA.id]) == {ADA.id: suspended}
    assert statements == []
    assert await another.stored(ADA.id) == suspended
    assert await another.by_handle_keys(["lady", "ada_l"]) == [suspended]


async def test_a_save_is_one_statement_besides_its_event(repo: AccountRepo, resources: Resources) -> None:
    with statements_run(resources.database) as statements:
        await repo.save(replace(ADA, bio="New"), EDITED)
    kinds = [statement.split()[0] for statement in statements if "advisory" not in statement]
    assert kinds == ["UPDATE", "INSERT"]


async def test_a_lost_version_changes_nothing(repo: AccountRepo, resources: Resources) -> None:
    before = await stored(resources)
    for version in (2, 4):
        with pytest.raises(VersionConflict, match=f"^version: {version} is no longer"):
            await repo.save(replace(ADA, version=version, bio="New"), EDITED)
    assert await stored(resources) == before
    assert await repo.by_ids([ADA.id]) == {ADA.id: ADA}


async def test_an_account_that_is_not_there_is_not_found(repo: AccountRepo, resources: Resources) -> None:
    before = await stored(resources)
    with pytest.raises(AccountNotFound, match="there is no account 99"):
        await repo.save(other(99), EDITED)
    assert await stored(resources) == before


async def test_a_handle_that_differs_in_case_only_is_taken(repo: AccountRepo, resources: Resources) -> None:
    before = await stored(resources)
    with pytest.raises(HandleTaken, match=r"^handle: CORP is taken$"):
        await repo.save(replace(ADA, handle="CORP", bio="New"), EDITED)
    assert await stored(resources) == before
    assert await repo.by_ids([ADA.id]) == {ADA.id: ADA}


async def test_the_own_handle_in_other_case_is_not_taken(repo: AccountRepo) -> None:
    assert (await repo.save(replace(ADA, handle="ADA_L"), EDITED)).handle == "ADA_L"


async def test_of_two_saves_of_one_version_exactly_one_wins(repo: AccountRepo, resources: Resources) -> None:
    for version in range(3, 9):
        changes = [replace(ADA, version=version, bio=bio) for bio in ("this", "that")]
        results = await asyncio.gather(*(repo.save(change, EDITED) for change in changes), return_exceptions=True)
        winners = [result for result in results if isinstance(result, Account)]
        losers = [result for result in results if isinstance(result, VersionConflict)]
        assert (len(winners), len(losers)) == (1, 1)
        assert (await stored(resources))[ADA.id] == winners[0]
        assert await repo.by_ids([ADA.id]) == {ADA.id: winners[0]}


async def test_of_two_that_want_one_handle_at_once_exactly_one_gets_it(repo: AccountRepo, resources: Resources) -> None:
    for number in range(6):
        before = await stored(resources)
        changes = [replace(before[key], handle=f"wanted_{number}") for key in (ADA.id, SAM.id)]
        results = await asyncio.gather(*(repo.save(change, EDITED) for change in changes), return_exceptions=True)
        winners = [result for result in results if isinstance(result, Account)]
        losers = [result for result in results if isinstance(result, HandleTaken)]
        assert (len(winners), len(losers)) == (1, 1)
        assert await stored(resources) == before | {winners[0].id: winners[0]}


async def join(resources: Resources, business_id: int, *member_ids: int) -> None:
    rows = [
        {"business_id": business_id, "member_id": member_id, "joined_at": NOON + timedelta(days=day)}
        for day, member_id in enumerate(member_ids)
    ]
    async with resources.database.transaction() as session:
        await session.execute(insert(team_table), rows)


async def test_teams_are_in_order_of_joining_without_closed_accounts(repo: AccountRepo, resources: Resources) -> None:
    await keep(resources, other(6), other(7, status=AccountStatus.SUSPENDED))
    await join(resources, CORP.id, 7, ADA.id, CLOSED.id, 6)
    await join(resources, 6, BO.id)
    assert await repo.teams([CORP.id, 6, ADA.id, 999]) == {CORP.id: [7, ADA.id, 6], 6: [BO.id]}


async def test_pending_closures_begin_with_those_that_end_first(repo: AccountRepo, resources: Resources) -> None:
    closing = [
        other(10 + place, status=AccountStatus.CLOSING, closes_at=NOON + timedelta(days=days))
        for place, days in enumerate([5, 2, 9, 2])
    ]
    await keep(resources, *closing)
    assert await repo.pending_closures(100) == [11, 13, 10, 12]
    assert await repo.pending_closures(2) == [11, 13]


@pytest.mark.parametrize("account", EVERY_TYPE.values(), ids=lambda account: str(account.type.name))
def test_a_record_is_the_whole_account(account: Account) -> None:
    assert from_record(to_record(account)) == account


async def test_no_account_is_kept_with_a_handle_that_nobody_could_look_up(resources: Resources) -> None:
    assert to_row(other(6, handle="a-b"))["handle_key"] is None
    async with resources.database.read() as session:
        assert await session.scalar(select(func.count()).where(account_table.c.handle_key.is_(None))) == 0


class Stubborn(SqlAccountRepo):
    """Hears nothing of its commit."""

    async def save(self, account: Account, happening: Happening) -> Account:
        await super().save(account, happening)
        raise ConnectionResetError


async def test_a_commit_that_nobody_heard_of_is_read_all_the_same(resources: Resources) -> None:
    cache = VersionedCache(Guard(Entries(resources.cache), "account:"), AccountRecord, lambda record: record.version)
    repo = CachedAccountRepo(Stubborn(resources.database, outbox_of(resources)), cache)
    await repo.by_ids([ADA.id])
    with pytest.raises(ConnectionResetError):
        await repo.save(replace(ADA, bio="New"), EDITED)
    assert await repo.by_ids([ADA.id]) == {ADA.id: replace(ADA, bio="New", version=4)}
