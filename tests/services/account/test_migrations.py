"""What the migrations make of accounts that are there already, on both stacks."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from services.account.biz import AccountFilter
from services.account.wire import BACKEND
from services.runtime.backend import Resources
from services.runtime.cache import open_cache
from services.runtime.database import Database, open_database
from services.runtime.ids import TimeOrderedIds
from services.runtime.migrate import downgrade, migrate
from services.runtime.settings import Settings
from services.runtime.trust import Trust
from tests.conftest import HandClock
from tests.services.account.stores import accounts_in

ACCOUNT = """
INSERT INTO account (id, type, status, version, handle, handle_key, display_name, created_at, attributes)
VALUES (:id, 2, 1, 1, :handle, :handle, :name, '2026-01-01 00:00:00+00:00', '{}')
"""
SESSION = """
INSERT INTO account_session (token_hash, account_id, created_at, expires_at)
VALUES ('hash', 1, '2026-01-01 00:00:00+00:00', '2026-02-01 00:00:00+00:00')
"""
NAMES = ("ÅSA", "Anna Straße", "plain")
MANY = 5003


@pytest.fixture
async def old(stack: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A store of the first version, with accounts."""
    url = f"sqlite+aiosqlite:///{tmp_path}/old.db" if stack == "embedded" else request.getfixturevalue("empty_postgres")
    async with open_database(url) as database:
        await migrate(BACKEND, database, "0001")
        rows = [{"id": number, "handle": f"h_{number}", "name": name_of(number)} for number in range(1, MANY + 1)]
        async with database.transaction() as session:
            await session.execute(text(ACCOUNT), rows)
            await session.execute(text(SESSION))
        yield database


def name_of(number: int) -> str:
    return NAMES[number % 3]


async def column(database: Database, query: str) -> list[Any]:
    async with database.read() as session:
        return list(await session.scalars(text(query)))


async def test_accounts_that_are_there_already_are_found_by_name_and_handle(old: Database, clock: HandClock) -> None:
    await migrate(BACKEND, old)
    keys = await column(old, "SELECT name_key FROM account ORDER BY id")
    assert keys == [name_of(number).casefold() for number in range(1, MANY + 1)]
    async with open_cache("memory://") as cache:
        repo = accounts_in(Resources(old, cache, TimeOrderedIds(clock), clock, Trust(Settings())))
        found = await repo.search(AccountFilter(first=2, handle_prefix="h_50", name_part="strasse"))
    assert [(one.id, one.display_name, one.merging_into, one.merged_into) for one in found] == [
        (502, "Anna Straße", None, None),
        (505, "Anna Straße", None, None),
    ]


async def test_taking_the_second_back_keeps_accounts_and_sessions(old: Database) -> None:
    await migrate(BACKEND, old)
    await downgrade(BACKEND, old, "0001")
    assert await column(old, "SELECT count(*) FROM account") == [MANY]
    assert await column(old, "SELECT token_hash FROM account_session") == ["hash"]
    await migrate(BACKEND, old)
    assert await column(old, "SELECT count(*) FROM account WHERE name_key = ''") == [0]


async def test_handles_are_compared_byte_by_byte(old: Database) -> None:
    """As it must be, for those that begin alike to lie side by side."""
    await migrate(BACKEND, old)
    rows = [{"id": 9000 + place, "handle": handle, "name": "x"} for place, handle in enumerate(("ab", "a_b", "aab"))]
    async with old.transaction() as session:
        await session.execute(text(ACCOUNT), rows)
    ordered = await column(old, "SELECT handle_key FROM account WHERE id >= 9000 ORDER BY handle_key")
    assert ordered == ["a_b", "aab", "ab"]
