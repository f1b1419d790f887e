"""Banners come from one statement, whatever is asked; rows that make no sense are refused."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from services.banner.biz import AccountType, Banner, Slot
from services.banner.data import METADATA, SqlBannerRepo, banner_table, target_table
from services.runtime.backend import Resources
from tests.conftest import NOON, MakeResources
from tests.services.counting import statements_run

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def row(number: int, slot: int = 1, starts: datetime = NOON, ends: datetime = NOON + HOUR) -> dict[str, object]:
    words = {"title": f"Offer {number}", "image_url": f"/{number}.png", "target_url": f"/offers/{number}"}
    return {"id": number, "slot": slot, **words, "weight": 7, "daily_cap": 3, "starts_at": starts, "ends_at": ends}


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    filled = await make_resources(METADATA)
    banners = [
        row(1),
        row(2, starts=NOON + SECOND),
        row(3, starts=NOON - HOUR, ends=NOON),
        row(4, slot=2),
        row(5, slot=3),
    ]
    targets = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (4, 2), (5, 3)]
    async with filled.database.transaction() as session:
        await session.execute(insert(banner_table), banners)
        await session.execute(insert(target_table).values(targets))
    return filled


async def running_ids(resources: Resources, now: datetime) -> dict[tuple[int, int], list[int]]:
    found = await SqlBannerRepo(resources.database).running(now, set(Slot), set(AccountType))
    return {key: sorted(banner.id for banner in banners) for key, banners in found.items()}


async def test_a_banner_comes_back_as_it_was_stored(resources: Resources) -> None:
    found = await SqlBannerRepo(resources.database).running(NOON, {Slot.HOME_TOP}, {AccountType.GUEST})
    assert found == {(1, 1): [Banner(1, Slot.HOME_TOP, "Offer 1", "/1.png", "/offers/1", weight=7, daily_cap=3)]}


async def test_a_banner_runs_from_its_start_until_just_before_its_end(resources: Resources) -> None:
    key = (Slot.HOME_TOP, AccountType.GUEST)
    at = {moment: (await running_ids(resources, moment)).get(key) for moment in (NOON - SECOND, NOON, NOON + SECOND)}
    assert at == {NOON - SECOND: [3], NOON: [1], NOON + SECOND: [1, 2]}


async def test_banners_are_grouped_by_slot_and_account_type(resources: Resources) -> None:
    assert await running_ids(resources, NOON) == {(1, 1): [1], (1, 2): [1], (2, 2): [4], (3, 3): [5]}


async def test_slots_and_types_nobody_knows_have_no_banner(resources: Resources) -> None:
    assert await SqlBannerRepo(resources.database).running(NOON, {9}, {2**31 - 1}) == {}


async def test_all_slots_and_types_cost_one_statement(resources: Resources) -> None:
    with statements_run(resources.database) as statements:
        await running_ids(resources, NOON)
    assert len(statements) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"weight": 0}, {"daily_cap": -1}, {"ends_at": NOON}, {"id": 1}],
    ids=["no weight", "negative cap", "over before it starts", "same id"],
)
async def test_a_banner_that_makes_no_sense_is_refused(resources: Resources, wrong: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        async with resources.database.transaction() as session:
            await session.execute(insert(banner_table), [{**row(6), **wrong}])
    async with resources.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(banner_table)) == 5


async def test_a_target_needs_its_banner(resources: Resources) -> None:
    with pytest.raises(IntegrityError):
        async with resources.database.transaction() as session:
            await session.execute(insert(target_table).values(banner_id=99, account_type=1))
    async with resources.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(target_table)) == 8
