"""Finding accounts in the store, on both stacks."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text

from services.account.biz import Account, AccountFilter, AccountStatus, AccountType
from services.account.data import METADATA, account_table
from services.account.data.statements import matching
from services.runtime.backend import Resources
from tests.conftest import MakeResources
from tests.services.account.examples import ADA, BO, CORP, EVERY_TYPE, SAM, other
from tests.services.account.stores import accounts_in, keep
from tests.services.counting import statements_run

NAMES = ("Anna Straße", "ÅSA 100%", "under_score", "underXscore", "back\\slash", "Ada/Bo")
OTHERS = [other(10 + place, display_name=name) for place, name in enumerate(NAMES)]
BARRED = replace(OTHERS[0], id=20, handle="A_dam", status=AccountStatus.SUSPENDED)
CLOSED = replace(OTHERS[0], id=21, handle="closed_21", status=AccountStatus.CLOSED)


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    made = await make_resources(METADATA)
    await keep(made, *EVERY_TYPE.values(), *OTHERS, BARRED, CLOSED)
    return made


async def ids(resources: Resources, **wanted: Any) -> list[int]:
    found = await accounts_in(resources).search(AccountFilter(**{"first": 100} | wanted))
    return [account.id for account in found]


EVERYBODY = [1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 20, 21]


async def test_everybody_is_found_by_id_closed_ones_too(resources: Resources) -> None:
    assert await ids(resources) == EVERYBODY
    found = await accounts_in(resources).search(AccountFilter(first=4))
    assert found == [ADA, BO, CORP, SAM]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"ids": [3, 99, 1]}, [1, 3]),
        ({"handle_prefix": "ada_l"}, [1]),
        ({"handle_prefix": "a"}, [1, 20]),
        ({"handle_prefix": "a_"}, [20]),
        ({"handle_prefix": "other_1"}, [10, 11, 12, 13, 14, 15]),
        ({"handle_prefix": "other_10x"}, []),
        ({"handle_prefix": "c"}, [3, 21]),
        ({"name_part": "strasse"}, [10, 20, 21]),
        ({"name_part": "åsa"}, [11]),
        ({"name_part": "%"}, [11]),
        ({"name_part": "r_s"}, [12]),
        ({"name_part": "k\\s"}, [14]),
        ({"name_part": "a/b"}, [15]),
        ({"name_part": "''; drop table account"}, []),
        ({"types": [AccountType.CREATOR, AccountType.STAFF]}, [2, 4]),
        ({"types": [0, 99]}, []),
        ({"statuses": [AccountStatus.SUSPENDED, AccountStatus.CLOSED]}, [20, 21]),
        ({"statuses": [99]}, []),
        ({"after_id": 13}, [14, 15, 20, 21]),
        ({"after_id": 2**63 - 1}, []),
    ],
)
async def test_each_filter_leaves_out_what_it_should(
    wanted: dict[str, Any], expected: list[int], resources: Resources
) -> None:
    assert await ids(resources, **wanted) == expected


async def test_all_filters_must_hold(resources: Resources) -> None:
    together: dict[str, Any] = {
        "ids": [1, 10, 20, 21],
        "handle_prefix": "a",
        "name_part": "ann",
        "types": [AccountType.PERSONAL],
        "statuses": [AccountStatus.SUSPENDED],
    }
    assert await ids(resources, **together) == [20]
    for name in together:
        missed = {"ids": [1], "handle_prefix": "b", "name_part": "x", "types": [5], "statuses": [1]}[name]
        assert await ids(resources, **together | {name: missed}) == []


async def test_pages_follow_each_other_without_gap_or_repetition(resources: Resources) -> None:
    for size in (1, 3, 5):
        seen: list[int] = []
        while page := await ids(resources, first=size, after_id=seen[-1] if seen else 0):
            assert len(page) <= size
            seen += page
        assert seen == EVERYBODY


async def test_any_search_is_one_statement(resources: Resources) -> None:
    wanted = AccountFilter(200, 0, range(1, 200), "a", "b", [2, 3], [1, 2])
    with statements_run(resources.database) as statements:
        await accounts_in(resources).search(wanted)
    assert len(statements) == 1


async def plan(resources: Resources, wanted: AccountFilter) -> str:
    """How the store would go about it."""
    query = select(account_table.c.id).where(*matching(wanted)).order_by(account_table.c.id).limit(wanted.first)
    dialect = resources.database.engine.dialect
    compiled = str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    explain = "EXPLAIN QUERY PLAN" if dialect.name == "sqlite" else "EXPLAIN"
    async with resources.database.read() as session:
        rows = (await session.execute(text(f"{explain} {compiled}"))).all()
    return "\n".join(str(value) for row in rows for value in row)


@pytest.fixture
async def crowd(resources: Resources) -> Resources:
    """So many accounts that an index is worth its while."""
    await keep(resources, *(member(number) for number in range(100, 5100)))
    async with resources.database.transaction() as session:
        await session.execute(text("ANALYZE"))
    return resources


def member(number: int) -> Account:
    status = AccountStatus.SUSPENDED if number % 500 == 0 else AccountStatus.ACTIVE
    kind = SAM if number % 500 == 1 else ADA
    return replace(kind, id=number, handle=f"crowd_{number}", status=status)


@pytest.mark.parametrize(
    ("wanted", "indexes"),
    [
        # SQLite numbers the indexes that it makes of constraints: first the key, then the handle.
        (AccountFilter(10, handle_prefix="crowd_155"), ("uq_account_handle_key", "sqlite_autoindex_account_2")),
        (AccountFilter(10, statuses=[AccountStatus.SUSPENDED]), ("ix_account_status",)),
        (AccountFilter(10, types=[AccountType.STAFF]), ("ix_account_type_id",)),
    ],
)
async def test_what_few_have_is_found_by_an_index(
    wanted: AccountFilter, indexes: tuple[str, ...], crowd: Resources
) -> None:
    shown = await plan(crowd, wanted)
    assert [index for index in indexes if index in shown], shown
