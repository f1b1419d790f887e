"""The demo's banners: forty, some for everybody but companies in each slot, and enough that no slot runs dry."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Table, func, insert, select
from sqlalchemy.exc import IntegrityError

from services.banner.biz import LIMIT, AccountType, Banner, Slot
from services.banner.data import METADATA, SqlBannerRepo, banner_table, target_table
from services.banner.demo import PLANS, banner_rows, count_demo, load_demo
from services.runtime.backend import Demo, Resources
from tests.conftest import NOON, HandClock, MakeResources

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


def quiet(_rows: int) -> None:
    """A report that nobody reads."""


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(METADATA)


async def count(resources: Resources, table: Table) -> int:
    async with resources.database.read() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def running(resources: Resources, moment: datetime) -> dict[tuple[int, int], list[Banner]]:
    return await SqlBannerRepo(resources.database).running(moment, set(Slot), set(AccountType))


async def test_it_loads_what_it_counted_and_reports_each_row(resources: Resources) -> None:
    reported: list[int] = []
    demo = Demo(accounts=240, report=reported.append)
    await load_demo(resources, demo)
    banners, targets = await count(resources, banner_table), await count(resources, target_table)
    assert banners == 40
    assert banners + targets == sum(reported) == count_demo(demo)


async def test_what_is_there_already_leaves_the_tables_as_they_were(resources: Resources) -> None:
    async with resources.database.transaction() as session:
        await session.execute(insert(banner_table), [list(banner_rows(MIDNIGHT))[-1]])
    with pytest.raises(IntegrityError):
        await load_demo(resources, Demo(accounts=240, report=quiet))
    assert [await count(resources, table) for table in (banner_table, target_table)] == [1, 0]


async def test_every_slot_has_enough_without_a_cap_for_all_but_companies(resources: Resources) -> None:
    await load_demo(resources, Demo(accounts=240, report=quiet))
    found = await running(resources, NOON)
    assert set(found) == {(slot, type_) for slot in Slot for type_ in set(AccountType) - {AccountType.BUSINESS}}
    uncapped = {key: sum(not banner.daily_cap for banner in banners) for key, banners in found.items()}
    assert min(uncapped.values()) >= LIMIT - 1
    assert min(count for (slot, _), count in uncapped.items() if slot == Slot.HOME_TOP) >= LIMIT


async def test_its_days_count_from_the_day_it_is_made(resources: Resources, clock: HandClock) -> None:
    clock.advance(hours=11)
    await load_demo(resources, Demo(accounts=240, report=quiet))
    async with resources.database.read() as session:
        starts = set(await session.scalars(select(banner_table.c.starts_at)))
    assert starts == {MIDNIGHT + timedelta(days) for days in (-30, -60, 30)}


async def test_some_are_over_and_some_are_to_come(resources: Resources) -> None:
    await load_demo(resources, Demo(accounts=240, report=quiet))

    async def ids(moment: datetime) -> set[int]:
        return {banner.id for banners in (await running(resources, moment)).values() for banner in banners}

    now = await ids(NOON)
    assert len(now) == 34
    assert len(await ids(NOON - timedelta(days=31))) == 3
    assert len(await ids(NOON + timedelta(days=31)) - now) == 3


def test_titles_differ_and_two_caps_are_low() -> None:
    plans = [plan for plans in PLANS.values() for plan in plans]
    assert len({title for title, *_ in plans}) == 40
    assert sorted(cap for *_, cap, _ in plans if cap)[:3] == [2, 3, 50]
