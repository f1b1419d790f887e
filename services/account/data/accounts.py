"""Accounts in a SQL database, and the cache in front of it."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from schema.errcode import AccountNotFound, HandleTaken, VersionConflict
from services.account.biz import Account, AccountRepo, AccountStatus
from services.account.data.records import COLUMNS, AccountRecord, from_record, to_record, to_row
from services.account.data.tables import account_table, team_table
from services.runtime.database import Database
from services.runtime.versioned_cache import VersionedCache


class SqlAccountRepo:
    """Accounts of a SQL database: one statement for each question, whatever the number of keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_ids(self, ids: Collection[int]) -> dict[int, Account]:
        """Those that exist."""
        return {account.id: account for account in await self._where(account_table.c.id.in_(ids))}

    async def by_handle_keys(self, keys: Collection[str]) -> list[Account]:
        """Those that exist with these handles in lower case."""
        return await self._where(account_table.c.handle_key.in_(keys))

    async def stored(self, account_id: int) -> Account | None:
        """The account, if it exists."""
        return (await self.by_ids([account_id])).get(account_id)

    async def save(self, account: Account) -> Account:
        """Keeps it as its next version, as `AccountRepo` promises."""
        saved = replace(account, version=account.version + 1)
        try:
            async with self._database.transaction() as session:
                await self._update(session, account.version, saved)
        except IntegrityError as error:
            # SQLite names the column, PostgreSQL the constraint, which is named after the column.
            if "handle_key" not in str(error.orig):
                raise
            raise HandleTaken(account.handle) from error
        return saved

    async def teams(self, business_ids: Collection[int]) -> dict[int, list[int]]:
        """Ids of the members who are not CLOSED, in order of joining."""
        columns = team_table.c
        query = (
            select(columns.business_id, columns.member_id)
            .join(account_table, account_table.c.id == columns.member_id)
            .where(columns.business_id.in_(business_ids), account_table.c.status != AccountStatus.CLOSED)
            .order_by(columns.joined_at, columns.member_id)
        )
        teams: defaultdict[int, list[int]] = defaultdict(list)
        async with self._database.read() as session:
            for business_id, member_id in await session.execute(query):
                teams[business_id].append(member_id)
        return dict(teams)

    async def pending_closures(self, first: int) -> list[int]:
        """Ids of the CLOSING accounts, those that close first coming first."""
        columns = account_table.c
        query = (
            select(columns.id)
            .where(columns.status == AccountStatus.CLOSING)
            .order_by(columns.closes_at, columns.id)
            .limit(first)
        )
        async with self._database.read() as session:
            return list(await session.scalars(query))

    async def _where(self, condition: ColumnElement[bool]) -> list[Account]:
        async with self._database.read() as session:
            rows = await session.execute(select(*COLUMNS).where(condition))
            return [from_record(AccountRecord(*row)) for row in rows]

    async def _update(self, session: AsyncSession, version: int, saved: Account) -> None:
        columns = account_table.c
        change = update(account_table).where(columns.id == saved.id, columns.version == version).values(to_row(saved))
        result = cast(CursorResult[Any], await session.execute(change))
        if result.rowcount:
            return
        if await session.scalar(select(columns.id).where(columns.id == saved.id)) is None:
            raise AccountNotFound(saved.id)
        raise VersionConflict(version)


class CachedAccountRepo:
    """The accounts of another repo, those asked for by id from a cache."""

    def __init__(self, inner: AccountRepo, cache: VersionedCache[AccountRecord]) -> None:
        self._inner = inner
        self._cache = cache

    async def by_ids(self, ids: Collection[int]) -> dict[int, Account]:
        """Those that exist; none older than a save that was complete when this was asked."""
        records = await self._cache.read(map(str, ids), self._load)
        return {record.id: from_record(record) for record in records.values()}

    async def by_handle_keys(self, keys: Collection[str]) -> list[Account]:
        """Those that exist with these handles in lower case."""
        return await self._inner.by_handle_keys(keys)

    async def stored(self, account_id: int) -> Account | None:
        """As the store has it."""
        return await self._inner.stored(account_id)

    async def save(self, account: Account) -> Account:
        """Keeps it as its next version, in store and cache."""
        async with self._cache.writing(str(account.id)) as write:
            saved = await self._inner.save(account)
            write.put(to_record(saved))
        return saved

    async def teams(self, business_ids: Collection[int]) -> dict[int, list[int]]:
        """Ids of the members who are not CLOSED, in order of joining."""
        return await self._inner.teams(business_ids)

    async def pending_closures(self, first: int) -> list[int]:
        """Ids of the CLOSING accounts, those that close first coming first."""
        return await self._inner.pending_closures(first)

    async def _load(self, keys: Sequence[str]) -> dict[str, AccountRecord]:
        accounts = await self._inner.by_ids([int(key) for key in keys])
        return {str(account_id): to_record(account) for account_id, account in accounts.items()}
