"""Rules and menu come back as they were stored, by a number of statements that no batch makes grow."""

import pytest
from sqlalchemy import Table, func, insert, select
from sqlalchemy.exc import IntegrityError

from services.permission.biz import Effect, Feature, Permissions, Question, Rules, Viewer
from services.permission.data import METADATA, SqlRuleRepo, feature_table, grant_table, role_table
from services.runtime.backend import Resources
from tests.conftest import MakeResources
from tests.services.counting import statements_run

ROLES = [(1, "account.open"), (2, "orders.view"), (2, "wallet.view"), (3, "studio.use")]
GRANTS = [
    (1, "wallet.view", "DENY"),
    (1, "team.view", "ALLOW"),
    (2**63 - 1, "team.view", "ALLOW"),
]
FEATURES = [
    ("wallet", "Wallet", "https://atrium.example/wallet", "3", "wallet.view", 20),
    ("help", "Help centre", "https://atrium.example/help", None, None, 10),
]
HELP = Feature("help", "Help centre", "https://atrium.example/help", None, None)
WALLET = Feature("wallet", "Wallet", "https://atrium.example/wallet", "3", "wallet.view")


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    filled = await make_resources(METADATA)
    async with filled.database.transaction() as session:
        for table, rows in ((role_table, ROLES), (grant_table, GRANTS), (feature_table, FEATURES)):
            await session.execute(insert(table).values(rows))
    return filled


@pytest.fixture
def repo(resources: Resources) -> SqlRuleRepo:
    return SqlRuleRepo(resources.database)


async def test_roles_and_exceptions_come_by_type_and_account(repo: SqlRuleRepo) -> None:
    assert await repo.rules({1, 2}, {1, 7}) == Rules(
        roles={1: {"account.open"}, 2: {"orders.view", "wallet.view"}},
        exceptions={1: {Effect.DENY: {"wallet.view"}, Effect.ALLOW: {"team.view"}}},
    )


async def test_the_greatest_account_id_and_type_are_asked_for_without_harm(repo: SqlRuleRepo) -> None:
    rules = await repo.rules({2**31 - 1}, {2**63 - 1})
    assert rules == Rules(roles={}, exceptions={2**63 - 1: {Effect.ALLOW: {"team.view"}}})


async def test_features_come_in_the_order_of_the_menu(repo: SqlRuleRepo) -> None:
    assert await repo.rules_and_features({3}, {1}) == (await repo.rules({3}, {1}), [HELP, WALLET])


async def test_no_rows_are_no_rules(make_resources: MakeResources) -> None:
    empty = SqlRuleRepo((await make_resources(METADATA)).database)
    assert await empty.rules_and_features({1, 2}, {1}) == (Rules(roles={}, exceptions={}), [])


@pytest.mark.parametrize("size", [1, 1000])
async def test_a_check_of_any_size_costs_two_statements(resources: Resources, size: int) -> None:
    permissions = Permissions(SqlRuleRepo(resources.database))
    questions = [Question(Viewer(number, 2 + number % 4), "wallet.view") for number in range(1, size + 1)]
    with statements_run(resources.database) as statements:
        assert len(await permissions.check(questions)) == size
    assert len(statements) == 2


@pytest.mark.parametrize("size", [1, 1000])
async def test_menus_for_any_number_of_viewers_cost_three_statements(resources: Resources, size: int) -> None:
    permissions = Permissions(SqlRuleRepo(resources.database))
    with statements_run(resources.database) as statements:
        menus = await permissions.features([Viewer(number, 2) for number in range(1, size + 1)])
    assert [len(menu) for menu in menus] == [1] + [2] * (size - 1)
    assert len(statements) == 3


async def test_guests_cost_no_statement_for_grants(resources: Resources) -> None:
    with statements_run(resources.database) as statements:
        assert await Permissions(SqlRuleRepo(resources.database)).check([Question(Viewer(0, 1), "account.open")]) == [
            True
        ]
    assert len(statements) == 1


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (role_table, {"account_type": 1, "permission": "account.open"}),
        (grant_table, {"account_id": 1, "permission": "wallet.view", "effect": "DENY"}),
        (grant_table, {"account_id": 1, "permission": "wallet.view", "effect": "ALLOW"}),
        (grant_table, {"account_id": 5, "permission": "wallet.view", "effect": "MAYBE"}),
        (feature_table, {"key": "help", "title": "Help", "url": "/help", "position": 30}),
        (feature_table, {"key": "news", "title": "News", "url": "/news", "position": 10}),
    ],
)
async def test_a_row_that_contradicts_another_is_refused(
    resources: Resources, table: Table, row: dict[str, object]
) -> None:
    counting = select(func.count()).select_from(table)
    async with resources.database.read() as session:
        before = await session.scalar(counting)
    with pytest.raises(IntegrityError):
        async with resources.database.transaction() as session:
            await session.execute(insert(table), [row])
    async with resources.database.read() as session:
        assert await session.scalar(counting) == before
