"""The demo's accounts: the well-known four, and as many others as wanted."""

from datetime import date, timedelta

import pytest
from sqlalchemy import Table, func, insert, select
from sqlalchemy.exc import IntegrityError

from services.account.biz import (
    AccountStatus,
    AccountType,
    BusinessAttributes,
    CreatorAttributes,
    PersonalAttributes,
    StaffAttributes,
)
from services.account.biz.rules import HANDLE
from services.account.data import (
    METADATA,
    Argon2Passwords,
    SqlAccountRepo,
    SqlCredentialRepo,
    account_table,
    credential_table,
    team_table,
    to_row,
)
from services.account.demo import CORP, CORP_TEAM, PASSWORD, account_of, count_demo, load_demo, team_of, type_of
from services.runtime.backend import Demo, Resources
from tests.conftest import NOON, HandClock, MakeResources

TODAY = NOON.replace(hour=0)
SIZE = 240


def quiet(_rows: int) -> None:
    """A report that nobody reads."""


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(METADATA)


async def count(resources: Resources, table: Table) -> int:
    async with resources.database.read() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def test_it_loads_what_it_counted_and_reports_each_row(resources: Resources) -> None:
    reported: list[int] = []
    demo = Demo(accounts=SIZE, report=reported.append)
    await load_demo(resources, demo)
    counts = [await count(resources, table) for table in (account_table, credential_table, team_table)]
    assert counts[:2] == [SIZE, SIZE]
    assert sum(counts) == sum(reported) == count_demo(demo)


async def test_what_is_there_already_leaves_the_tables_as_they_were(resources: Resources) -> None:
    async with resources.database.transaction() as session:
        await session.execute(insert(account_table), [to_row(account_of(SIZE, SIZE, TODAY))])
    with pytest.raises(IntegrityError):
        await load_demo(resources, Demo(accounts=SIZE, report=quiet))
    assert [await count(resources, table) for table in (account_table, credential_table, team_table)] == [1, 0, 0]


async def test_everybody_signs_in_with_the_one_password(resources: Resources) -> None:
    await load_demo(resources, Demo(accounts=20, report=quiet))
    passwords = Argon2Passwords()
    credential = await SqlCredentialRepo(resources.database).by_handle_key("bo")
    assert credential is not None
    assert await passwords.match(PASSWORD, credential.password_hash)
    assert await passwords.renew(PASSWORD, credential.password_hash) is None
    async with resources.database.read() as session:
        hashes = await session.scalars(select(credential_table.c.password_hash))
        assert set(hashes) == {credential.password_hash}


async def test_it_comes_back_the_same_and_later_in_the_day_too(resources: Resources, clock: HandClock) -> None:
    await load_demo(resources, Demo(accounts=20, report=quiet))
    first = await SqlAccountRepo(resources.database).by_ids(range(1, 21))
    async with resources.database.transaction() as session:
        await session.execute(account_table.delete())
    clock.advance(hours=9)
    await load_demo(resources, Demo(accounts=20, report=quiet))
    assert await SqlAccountRepo(resources.database).by_ids(range(1, 21)) == first


def test_the_well_known_four_are_of_the_four_types() -> None:
    four = [account_of(account_id, SIZE, TODAY) for account_id in (1, 2, 3, 4)]
    assert [(account.handle, account.type) for account in four] == [
        ("ada", AccountType.PERSONAL),
        ("bo", AccountType.CREATOR),
        ("corp", AccountType.BUSINESS),
        ("sam", AccountType.STAFF),
    ]
    assert [account.attributes for account in four] == [
        PersonalAttributes(birthday=date(1990, 12, 10)),
        CreatorAttributes(category="Short films", verified=True),
        BusinessAttributes(company_name="Northwind Print & Paper Ltd", industry="Printing", verified=True),
        StaffAttributes(department="Account Care"),
    ]
    assert all(account.bio and account.avatar_url for account in four)


def test_types_follow_the_ids() -> None:
    types = [type_of(account_id) for account_id in range(1, SIZE + 1)]
    assert [types.count(kind) for kind in AccountType] == [0, 200, 25, 11, 4]


def test_three_accounts_are_in_their_cooling_off_period() -> None:
    accounts = [account_of(account_id, SIZE, TODAY) for account_id in range(1, SIZE + 1)]
    closing = {account.id: account.closes_at for account in accounts if account.status is AccountStatus.CLOSING}
    assert closing == {50: TODAY + timedelta(9), 51: TODAY + timedelta(3), 52: TODAY + timedelta(21)}
    assert all(account.status is AccountStatus.ACTIVE for account in accounts if account.id not in closing)


def test_handles_are_different_and_allowed_also_among_many() -> None:
    keys = {str(to_row(account_of(account_id, 5000, TODAY))["handle_key"]) for account_id in range(1, 5001)}
    assert len(keys) == 5000
    assert [key for key in keys if not HANDLE.fullmatch(key)] == []


def test_lower_ids_are_older_and_all_are_older_than_what_they_do() -> None:
    born = [account_of(account_id, SIZE, TODAY).created_at for account_id in range(1, SIZE + 1)]
    assert born == sorted(born)
    assert born[-1] == TODAY - timedelta(days=90)


def test_a_company_has_people_who_exist_and_are_no_companies() -> None:
    assert team_of(CORP, SIZE) == list(CORP_TEAM)
    teams = [team_of(business, SIZE) for business in (7, 32, 57, 82)]
    assert all(2 <= len(set(team)) == len(team) <= 7 for team in teams)
    assert {type_of(member) for team in teams for member in team} <= set(AccountType) - {AccountType.BUSINESS}


@pytest.mark.parametrize("accounts", [1, 5, 9])
async def test_a_small_demo_names_nobody_who_is_not_there(accounts: int, resources: Resources) -> None:
    reported: list[int] = []
    demo = Demo(accounts=accounts, report=reported.append)
    await load_demo(resources, demo)
    assert await count(resources, account_table) == accounts
    assert sum(reported) == count_demo(demo)
