"""Exceptions change one at a time, tell of themselves when they do, and move with an account."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import select, text

from schema.generated.event.v1 import event_pb2
from services.permission.biz import Act, Effect, Grant
from services.permission.data import METADATA, SqlGrantRepo, feature_table, grant_table, outbox_table, role_table
from services.permission.wire import BACKEND
from services.runtime.backend import Resources
from services.runtime.migrate import migrate
from services.runtime.outbox import Outbox
from tests.conftest import HandClock, MakeResources
from tests.services.counting import statements_run
from tests.services.telling import Told, events_told

ACT = Act(actor_id=4, account_id=1, reason="asked for")
STUDIO, NO_STUDIO = Grant("studio.use", Effect.ALLOW), Grant("studio.use", Effect.DENY)
WALLET, TEAM = Grant("wallet.view", Effect.DENY), Grant("team.view", Effect.ALLOW)


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(METADATA)


@pytest.fixture
def repo(resources: Resources, clock: HandClock) -> SqlGrantRepo:
    return SqlGrantRepo(resources.database, Outbox(outbox_table, "permission", clock))


async def put(repo: SqlGrantRepo, account_id: int, *grants: Grant) -> None:
    for grant in grants:
        assert await repo.put(Act(4, account_id, "asked for"), grant)


async def kept(resources: Resources) -> set[tuple[int, Grant]]:
    async with resources.database.read() as session:
        rows = await session.execute(select(grant_table))
        return {(account_id, Grant(permission, Effect(effect))) for account_id, permission, effect in rows}


def granted(permission: str, *, allow: bool) -> event_pb2.PermissionGranted:
    return event_pb2.PermissionGranted(permission=permission, allow=allow)


def revoked(permission: str) -> event_pb2.PermissionRevoked:
    return event_pb2.PermissionRevoked(permission=permission)


async def test_an_exception_is_told_of_when_it_changes_something(resources: Resources, repo: SqlGrantRepo) -> None:
    changed = [await repo.put(ACT, STUDIO), await repo.put(ACT, STUDIO), await repo.put(ACT, NO_STUDIO)]
    changed += [await repo.take_back(ACT, "studio.use"), await repo.take_back(ACT, "studio.use")]
    assert changed == [True, False, True, True, False]
    assert await kept(resources) == set()
    assert await events_told(resources.database, outbox_table) == [
        (1, granted("studio.use", allow=True), 4, "asked for"),
        (1, granted("studio.use", allow=False), 4, "asked for"),
        (1, revoked("studio.use"), 4, "asked for"),
    ]


async def test_the_opposite_goes(resources: Resources, repo: SqlGrantRepo) -> None:
    await put(repo, 1, STUDIO, NO_STUDIO)
    assert await kept(resources) == {(1, NO_STUDIO)}


async def test_one_of_many_equal_changes_at_once_changes_something(resources: Resources, repo: SqlGrantRepo) -> None:
    assert Counter(await asyncio.gather(*(repo.put(ACT, STUDIO) for _ in range(8)))) == {False: 7, True: 1}
    ends = await asyncio.gather(*(repo.take_back(ACT, "studio.use") for _ in range(8)))
    assert Counter(ends) == {False: 7, True: 1}
    assert len(await events_told(resources.database, outbox_table)) == 2


async def test_what_cannot_be_told_does_not_change(resources: Resources, repo: SqlGrantRepo) -> None:
    await put(repo, 1, STUDIO)
    async with resources.database.engine.begin() as connection:
        await connection.run_sync(outbox_table.drop)
    for change in (repo.put(ACT, NO_STUDIO), repo.take_back(ACT, "studio.use"), repo.move(1, 2)):
        with pytest.raises(Exception, match="permission_outbox"):
            await change
    assert await kept(resources) == {(1, STUDIO)}


@pytest.mark.parametrize(("source_id", "target_id"), [(1, 2), (2, 1)])
async def test_what_moves_leaves_the_target_its_own(
    resources: Resources, repo: SqlGrantRepo, source_id: int, target_id: int
) -> None:
    await put(repo, source_id, STUDIO, WALLET, TEAM)
    await put(repo, target_id, NO_STUDIO, TEAM)
    before = len(await events_told(resources.database, outbox_table))
    assert [await repo.move(source_id, target_id), await repo.move(source_id, target_id)] == [3, 0]
    assert await kept(resources) == {(target_id, NO_STUDIO), (target_id, WALLET), (target_id, TEAM)}
    told = (await events_told(resources.database, outbox_table))[before:]
    why = f"merge of {source_id} into {target_id}"
    left: list[Told] = [(source_id, revoked(name), 0, why) for name in ("studio.use", "team.view", "wallet.view")]
    arrived: list[Told] = [(target_id, granted("wallet.view", allow=False), 0, why)]
    assert sorted(told, key=lambda each: (each[0], each[1].SerializeToString())) == sorted(
        left + arrived, key=lambda each: (each[0], each[1].SerializeToString())
    )
    assert [account_id for account_id, *_ in told] == sorted(account_id for account_id, *_ in told)


async def test_a_name_is_known_by_a_role_or_a_feature(resources: Resources, repo: SqlGrantRepo) -> None:
    async with resources.database.transaction() as session:
        await session.execute(role_table.insert().values(account_type=2, permission="orders.view"))
        feature = {"key": "team", "title": "Team", "url": "/team", "permission": "team.view", "position": 1}
        await session.execute(feature_table.insert().values(feature))
    names = ("orders.view", "team.view", "orders", "wallet.view")
    assert [await repo.is_known(name) for name in names] == [True, True, False, False]


async def test_exceptions_come_by_account_and_name(repo: SqlGrantRepo) -> None:
    await put(repo, 2, WALLET, STUDIO, TEAM)
    await put(repo, 2**63 - 1, STUDIO)
    assert await repo.by_account({1, 2, 2**63 - 1}) == {2: [STUDIO, TEAM, WALLET], 2**63 - 1: [STUDIO]}


@pytest.mark.parametrize("size", [1, 1000])
async def test_exceptions_of_any_number_of_accounts_are_one_statement(
    resources: Resources, repo: SqlGrantRepo, size: int
) -> None:
    with statements_run(resources.database) as statements:
        assert await repo.by_account(range(1, size + 1)) == {}
    assert len(statements) == 1


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_of_a_grant_and_a_denial_the_denial_outlives_the_migration(resources: Resources) -> None:
    database = resources.database
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.drop_all)
    await migrate(BACKEND, database, "0001")
    rows = "(1, 'a', 'ALLOW'), (1, 'a', 'DENY'), (1, 'b', 'ALLOW'), (2, 'a', 'ALLOW'), (2, 'c', 'DENY')"
    async with database.engine.begin() as connection:
        await connection.execute(text(f"INSERT INTO permission_grant VALUES {rows}"))
    await migrate(BACKEND, database)
    a, b, c = Grant("a", Effect.ALLOW), Grant("b", Effect.ALLOW), Grant("c", Effect.DENY)
    assert await kept(resources) == {(1, Grant("a", Effect.DENY)), (1, b), (2, a), (2, c)}
