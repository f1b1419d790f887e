"""Password hashes and sessions in the store and in the cache, on both stacks."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from services.account.biz import Account, AccountStatus, Credential, Session, token_hash
from services.account.data import (
    METADATA,
    CachedSessionRepo,
    SessionRecord,
    SqlCredentialRepo,
    account_table,
    credential_table,
    session_table,
    to_row,
)
from services.runtime.backend import Resources
from services.runtime.versioned_cache import Entries, Guard, VersionedCache
from tests.conftest import NOON, MakeResources
from tests.services.account.examples import ADA, BO, other
from tests.services.counting import CountingRedis, statements_run

OPEN = Session(token_hash("open"), ADA.id, NOON, NOON + timedelta(days=30))
OVER = Session(token_hash("over"), ADA.id, NOON - timedelta(days=60), NOON - timedelta(days=30))
SUSPENDED = other(5, status=AccountStatus.SUSPENDED)


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    made = await make_resources(METADATA)
    async with made.database.transaction() as session:
        await session.execute(insert(account_table), [to_row(account) for account in (ADA, BO, SUSPENDED)])
        hashes = [{"account_id": key, "password_hash": f"hash {key}"} for key in (ADA.id, SUSPENDED.id)]
        await session.execute(insert(credential_table), hashes)
    return made


def cached(resources: Resources) -> CachedSessionRepo:
    """The repo of one process."""
    cache = VersionedCache(Guard(Entries(resources.cache), "session:"), SessionRecord, lambda _: 1)
    return CachedSessionRepo(resources.database, cache)


@pytest.mark.parametrize("account", [ADA, SUSPENDED])
async def test_a_hash_comes_with_its_account_by_one_statement(account: Account, resources: Resources) -> None:
    with statements_run(resources.database) as statements:
        found = await SqlCredentialRepo(resources.database).by_handle_key(account.handle.lower())
    assert found == Credential(account, f"hash {account.id}")
    assert len(statements) == 1


@pytest.mark.parametrize("key", ["nobody", BO.handle, "Ada_L"])
async def test_who_has_no_password_has_no_hash(key: str, resources: Resources) -> None:
    assert await SqlCredentialRepo(resources.database).by_handle_key(key) is None


async def test_a_renewed_hash_replaces_only_the_one_it_was_made_from(resources: Resources) -> None:
    repo = SqlCredentialRepo(resources.database)
    await repo.replace_hash(Credential(ADA, "hash 1"), "newer")
    await repo.replace_hash(Credential(ADA, "hash 1"), "lost")
    async with resources.database.read() as session:
        rows = await session.execute(select(credential_table).order_by(credential_table.c.account_id))
        assert [tuple(row) for row in rows] == [(ADA.id, "newer"), (SUSPENDED.id, "hash 5")]


async def test_a_session_is_known_to_every_process_without_a_statement(resources: Resources) -> None:
    await cached(resources).open(OPEN)
    with statements_run(resources.database) as statements:
        assert await cached(resources).by_hashes([OPEN.token_hash]) == {OPEN.token_hash: OPEN}
    assert statements == []


async def test_sessions_outlive_the_cache(resources: Resources) -> None:
    repo = cached(resources)
    await repo.open(OPEN)
    await repo.open(OVER)
    await resources.cache.flushdb()
    hashes = [OPEN.token_hash, OVER.token_hash, "unknown"]
    for expected in (1, 0):
        with statements_run(resources.database) as statements:
            assert await repo.by_hashes(hashes) == {OPEN.token_hash: OPEN, OVER.token_hash: OVER}
        assert len(statements) == expected


async def test_any_number_of_sessions_is_one_round_trip_to_the_cache(resources: Resources) -> None:
    counting = CountingRedis(resources.cache)
    cache = VersionedCache(Guard(Entries(counting), "session:"), SessionRecord, lambda _: 1)
    repo, hashes = CachedSessionRepo(resources.database, cache), [f"unknown {number}" for number in range(100)]
    await repo.by_hashes(hashes)
    counting.round_trips = 0
    assert await repo.by_hashes(hashes) == {}
    assert counting.round_trips == 1


async def test_an_ended_session_is_gone_for_every_process_at_once(resources: Resources) -> None:
    one, another = cached(resources), cached(resources)
    await one.open(OPEN)
    await another.by_hashes([OPEN.token_hash])
    assert await one.end(OPEN.token_hash) == OPEN.expires_at
    assert await another.by_hashes([OPEN.token_hash]) == {}
    assert await another.end(OPEN.token_hash) is None
    async with resources.database.read() as session:
        assert (await session.execute(select(session_table))).all() == []


async def test_a_session_of_nobody_is_not_kept(resources: Resources) -> None:
    stray = Session(token_hash("stray"), 999, NOON, NOON)
    with pytest.raises(IntegrityError):
        await cached(resources).open(stray)
    assert await cached(resources).by_hashes([stray.token_hash]) == {}
