"""The demo's roles, menu and exceptions hold together, and load all or nothing."""

from collections import Counter

import pytest
from sqlalchemy import Table, func, insert, select
from sqlalchemy.exc import IntegrityError

from services.permission.biz import AccountType, Permissions, Question, Viewer
from services.permission.data import METADATA, SqlRuleRepo, feature_table, grant_table, role_table
from services.permission.demo import FEATURES, GRANTS, ROLES, count_demo, load_demo
from services.runtime.backend import Demo, Resources
from tests.conftest import MakeResources

ADA = Viewer(1, AccountType.PERSONAL)
BO = Viewer(2, AccountType.CREATOR)


def quiet(_rows: int) -> None:
    """A report that nobody reads."""


async def count(resources: Resources, table: Table) -> int:
    async with resources.database.read() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def test_it_loads_what_it_counted_and_reports_each_row(make_resources: MakeResources) -> None:
    resources, reported = await make_resources(METADATA), Counter[str]()
    demo = Demo(accounts=240, report=lambda rows: reported.update(rows=rows))
    await load_demo(resources, demo)
    loaded = {table: await count(resources, table) for table in (role_table, grant_table, feature_table)}
    assert loaded[feature_table] == 30
    assert loaded[grant_table] == len(GRANTS)
    assert sum(loaded.values()) == reported["rows"] == count_demo(demo)


async def test_what_is_there_already_leaves_the_tables_as_they_were(make_resources: MakeResources) -> None:
    resources = await make_resources(METADATA)
    async with resources.database.transaction() as session:
        row = {"key": "help", "title": "Help", "url": "/help", "position": 99}
        await session.execute(insert(feature_table), [row])
    with pytest.raises(IntegrityError):
        await load_demo(resources, Demo(accounts=240, report=quiet))
    assert [await count(resources, table) for table in (role_table, grant_table, feature_table)] == [0, 0, 1]


async def test_ada_lacks_what_is_denied_and_bo_has_what_is_granted(make_resources: MakeResources) -> None:
    resources = await make_resources(METADATA)
    await load_demo(resources, Demo(accounts=240, report=quiet))
    permissions = Permissions(SqlRuleRepo(resources.database))
    names = ("wallet.view", "invoices.view", "activity.publish")
    questions = [Question(viewer, name) for viewer in (ADA, BO) for name in names]
    assert await permissions.check(questions) == [False, False, True, True, True, True]
    ada, bo = await permissions.features([ADA, BO])
    assert "wallet" not in {feature.key for feature in ada}
    assert {"wallet", "invoices"} <= {feature.key for feature in bo}


def test_no_exception_is_made_for_an_account_that_a_small_demo_lacks() -> None:
    small, large = (count_demo(Demo(accounts=size, report=quiet)) for size in (4, 240))
    assert large - small == sum(account_id > 4 for account_id, *_ in GRANTS) > 0


def test_every_type_has_a_role() -> None:
    assert set(ROLES) == set(AccountType)


def test_every_feature_is_open_to_somebody() -> None:
    needed = {feature.permission for feature in FEATURES} - {None}
    assert needed <= {permission for permissions in ROLES.values() for permission in permissions}


def test_some_features_carry_a_badge_and_some_are_for_everybody() -> None:
    assert sum(feature.badge is not None for feature in FEATURES) == 4
    assert sum(feature.permission is None for feature in FEATURES) == 4
