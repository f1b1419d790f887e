"""Where roles, exceptions and features are kept: tables that one statement each reads for any batch."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, String, Table, bindparam, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from schema.generated.event.v1 import event_pb2
from services.permission.biz import Act, Effect, Feature, Grant, Rules
from services.runtime import outbox
from services.runtime.database import Database, metadata
from services.runtime.outbox import Outbox, What

METADATA = metadata()

role_table = Table(
    "permission_role",
    METADATA,
    Column("account_type", Integer, primary_key=True, autoincrement=False),
    Column("permission", String(100), primary_key=True),
)
"""The permissions of each account type, by exact names."""

grant_table = Table(
    "permission_grant",
    METADATA,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("permission", String(100), primary_key=True),
    Column("effect", String(5), nullable=False),
    CheckConstraint("effect IN ('ALLOW', 'DENY')", name="effect"),
)
"""The exceptions from its role that are made for one account."""

feature_table = Table(
    "permission_feature",
    METADATA,
    Column("key", String(50), primary_key=True),
    Column("title", String(100), nullable=False),
    Column("url", String(500), nullable=False),
    Column("badge", String(20)),
    Column("permission", String(100)),
    Column("position", Integer, nullable=False, unique=True),
)
"""The menu; a feature without a permission is for everybody."""

outbox_table = outbox.outbox_table(METADATA, "permission")
"""What was granted, denied and taken back, until everybody has been told."""

_OF_ACCOUNT = delete(grant_table).where(grant_table.c.account_id == bindparam("of"))
_TAKE_BACK = _OF_ACCOUNT.where(grant_table.c.permission == bindparam("name")).returning(grant_table.c.effect)
_TAKE_ALL = _OF_ACCOUNT.returning(grant_table.c.permission, grant_table.c.effect)


class SqlRuleRepo:
    """The rules of a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rules(self, account_types: Collection[int], account_ids: Collection[int]) -> Rules:
        """The rules asked for, by two statements at most."""
        async with self._database.read() as session:
            return await _rules(session, account_types, account_ids)

    async def rules_and_features(
        self, account_types: Collection[int], account_ids: Collection[int]
    ) -> tuple[Rules, Sequence[Feature]]:
        """The rules asked for and the whole menu, by three statements at most."""
        async with self._database.read() as session:
            return await _rules(session, account_types, account_ids), await _features(session)


class SqlGrantRepo:
    """A GrantRepo on SQLite or PostgreSQL."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox
        self._insert = sqlite.insert if database.engine.dialect.name == "sqlite" else postgresql.insert

    async def is_known(self, permission: str) -> bool:
        """As `GrantRepo` says; one statement."""
        in_role = select(role_table.c.permission).where(role_table.c.permission == permission)
        in_feature = select(feature_table.c.permission).where(feature_table.c.permission == permission)
        async with self._database.read() as session:
            return bool(await session.scalar(select(or_(in_role.exists(), in_feature.exists()))))

    async def by_account(self, account_ids: Collection[int]) -> dict[int, list[Grant]]:
        """As `GrantRepo` says."""
        columns = grant_table.c
        query = select(columns.account_id, columns.permission, columns.effect)
        query = query.where(columns.account_id.in_(account_ids)).order_by(columns.account_id, columns.permission)
        found: defaultdict[int, list[Grant]] = defaultdict(list)
        async with self._database.read() as session:
            for account_id, permission, effect in await session.execute(query):
                found[account_id].append(Grant(permission, Effect(effect)))
        return found

    async def put(self, act: Act, grant: Grant) -> bool:
        """As `GrantRepo` says."""
        made = self._insert(grant_table).values(_row(act.account_id, grant))
        other = grant_table.c.effect != made.excluded.effect
        made = made.on_conflict_do_update(
            index_elements=[grant_table.c.account_id, grant_table.c.permission],
            set_={"effect": made.excluded.effect},
            where=other,
        )
        async with self._database.transaction() as session:
            changed = (await session.execute(made.returning(grant_table.c.effect))).one_or_none() is not None
            if changed:
                await self._tell_granted(session, act, grant)
        return changed

    async def take_back(self, act: Act, permission: str) -> bool:
        """As `GrantRepo` says."""
        async with self._database.transaction() as session:
            gone = await session.execute(_TAKE_BACK, {"of": act.account_id, "name": permission})
            changed = gone.one_or_none() is not None
            if changed:
                await self._tell_revoked(session, act, permission)
        return changed

    async def move(self, source_id: int, target_id: int) -> int:
        """As `GrantRepo` says."""
        async with self._database.transaction() as session:
            rows = await session.execute(_TAKE_ALL, {"of": source_id})
            left = [Grant(permission, Effect(effect)) for permission, effect in rows]
            if left:
                arrived = await self._add_new(session, target_id, left)
                told: list[tuple[int, What]] = [(source_id, _revoked(grant.permission)) for grant in left]
                told += [(target_id, _granted(grant)) for grant in arrived]
                await self._outbox.add_all(session, told, reason=f"merge of {source_id} into {target_id}")
        return len(left)

    async def _add_new(self, session: AsyncSession, account_id: int, grants: Sequence[Grant]) -> list[Grant]:
        """Makes the exceptions for which the account has none of its own; those."""
        made = self._insert(grant_table).values([_row(account_id, grant) for grant in grants])
        made = made.on_conflict_do_nothing()
        rows = await session.execute(made.returning(grant_table.c.permission, grant_table.c.effect))
        return [Grant(permission, Effect(effect)) for permission, effect in rows]

    async def _tell_granted(self, session: AsyncSession, act: Act, grant: Grant) -> None:
        await self._outbox.add(session, act.account_id, _granted(grant), actor_id=act.actor_id, reason=act.reason)

    async def _tell_revoked(self, session: AsyncSession, act: Act, permission: str) -> None:
        await self._outbox.add(session, act.account_id, _revoked(permission), actor_id=act.actor_id, reason=act.reason)


def _granted(grant: Grant) -> event_pb2.PermissionGranted:
    return event_pb2.PermissionGranted(permission=grant.permission, allow=grant.effect is Effect.ALLOW)


def _revoked(permission: str) -> event_pb2.PermissionRevoked:
    return event_pb2.PermissionRevoked(permission=permission)


def _row(account_id: int, grant: Grant) -> dict[str, object]:
    return {"account_id": account_id, "permission": grant.permission, "effect": grant.effect}


async def _rules(session: AsyncSession, account_types: Collection[int], account_ids: Collection[int]) -> Rules:
    roles = await _permissions_by_role(session, account_types)
    # Guests alone have no exceptions to read.
    return Rules(roles, await _exceptions_by_account(session, account_ids) if account_ids else {})


async def _permissions_by_role(session: AsyncSession, account_types: Collection[int]) -> dict[int, set[str]]:
    query = select(role_table.c.account_type, role_table.c.permission)
    rows = await session.execute(query.where(role_table.c.account_type.in_(account_types)))
    roles: defaultdict[int, set[str]] = defaultdict(set)
    for account_type, permission in rows:
        roles[account_type].add(permission)
    return dict(roles)


async def _exceptions_by_account(
    session: AsyncSession, account_ids: Collection[int]
) -> dict[int, dict[Effect, set[str]]]:
    query = select(grant_table.c.account_id, grant_table.c.effect, grant_table.c.permission)
    rows = await session.execute(query.where(grant_table.c.account_id.in_(account_ids)))
    exceptions: defaultdict[int, defaultdict[Effect, set[str]]] = defaultdict(lambda: defaultdict(set))
    for account_id, effect, permission in rows:
        exceptions[account_id][Effect(effect)].add(permission)
    return {account_id: dict(by_effect) for account_id, by_effect in exceptions.items()}


async def _features(session: AsyncSession) -> list[Feature]:
    columns = feature_table.c
    query = select(columns.key, columns.title, columns.url, columns.badge, columns.permission)
    rows = await session.execute(query.order_by(columns.position))
    return [Feature(*row) for row in rows]
