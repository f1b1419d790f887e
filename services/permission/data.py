"""Where roles, exceptions and features are kept: three tables, each read by one statement for any batch."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, String, Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.permission.biz import Effect, Feature, Rules
from services.runtime.database import Database, metadata

METADATA = metadata()

role_table = Table(
    "permission_role",
    METADATA,
    Column("account_type", Integer, primary_key=True, autoincrement=False),
    Column("permission", String(100), primary_key=True),
)
"""The permissions of each account type, by exact names."""

# An account may hold a grant and a denial of the same permission: when the denial goes, the grant counts again.
grant_table = Table(
    "permission_grant",
    METADATA,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("permission", String(100), primary_key=True),
    Column("effect", String(5), primary_key=True),
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
