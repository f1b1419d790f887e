"""Password hashes and sessions in a SQL database, the sessions read through a cache."""

from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from datetime import datetime

import msgspec
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.sql.dml import ReturningDelete, ReturningUpdate

from services.account.biz import Credential, Session
from services.account.data.records import COLUMNS, AccountRecord, from_record
from services.account.data.tables import account_table, credential_table, session_table
from services.runtime.database import Database
from services.runtime.versioned_cache import VersionedCache


class SqlCredentialRepo:
    """Password hashes of a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_handle_key(self, key: str) -> Credential | None:
        """Of the account with this handle in lower case."""
        query = (
            select(credential_table.c.password_hash, *COLUMNS)
            .join_from(credential_table, account_table)
            .where(account_table.c.handle_key == key)
        )
        async with self._database.read() as session:
            row = (await session.execute(query)).one_or_none()
        return Credential(from_record(AccountRecord(*row[1:])), row[0]) if row else None

    async def replace_hash(self, credential: Credential, password_hash: str) -> None:
        """Keeps the new hash, unless somebody has changed the old one meanwhile."""
        columns = credential_table.c
        change = (
            update(credential_table)
            .where(columns.account_id == credential.account.id, columns.password_hash == credential.password_hash)
            .values(password_hash=password_hash)
        )
        async with self._database.transaction() as session:
            await session.execute(change)


class SessionRecord(msgspec.Struct, frozen=True, array_like=True):
    """The columns of a session, in order."""

    token_hash: str
    account_id: int
    created_at: datetime
    expires_at: datetime


CHUNK = 1000
"""How many sessions are removed in one transaction."""
_table = session_table.c
_COLUMNS = [session_table.c[name] for name in SessionRecord.__struct_fields__]


class CachedSessionRepo:
    """Sessions of a SQL database, found by way of a cache.

    A session has one version for the cache: when it is moved to another account, the cache forgets it.
    """

    def __init__(self, database: Database, cache: VersionedCache[SessionRecord]) -> None:
        self._database = database
        self._cache = cache

    async def by_hashes(self, hashes: Collection[str]) -> dict[str, Session]:
        """Those that exist, also when their time is over."""
        records = await self._cache.read(hashes, self._load)
        return {key: Session(**msgspec.structs.asdict(record)) for key, record in records.items()}

    async def open(self, session: Session) -> None:
        """Keeps a new session, in store and cache."""
        fields = {name: getattr(session, name) for name in SessionRecord.__struct_fields__}
        async with self._cache.writing(session.token_hash) as write:
            async with self._database.transaction() as transaction:
                await transaction.execute(insert(session_table).values(fields))
            write.put(SessionRecord(**fields))

    async def end(self, token_hash: str) -> datetime | None:
        """Removes a session; answers when it would have expired, None when there was none."""
        query = (
            delete(session_table).where(session_table.c.token_hash == token_hash).returning(session_table.c.expires_at)
        )
        async with self._cache.writing(token_hash), self._database.transaction() as transaction:
            return await transaction.scalar(query)

    async def count_open(self, account_id: int, now: datetime) -> int:
        """How many sessions of the account count at this moment."""
        query = select(func.count()).where(_table.account_id == account_id, _table.expires_at > now)
        async with self._database.read() as session:
            return int(await session.scalar(query) or 0)

    async def move_open(self, source_id: int, target_id: int, now: datetime) -> int:
        """Gives the target all sessions of the source that count at this moment; how many that were."""
        change = (
            update(session_table)
            .where(_table.account_id == source_id, _table.expires_at > now)
            .values(account_id=target_id)
        )
        return await self._forgetting(change.returning(_table.token_hash))

    async def purge(self, before: datetime, first: int) -> int:
        """Removes sessions that expired before this moment, at most so many; how many that were."""
        removed = 0
        while removed < first:
            chunk = min(first - removed, CHUNK)
            over = select(_table.token_hash).where(_table.expires_at < before).limit(chunk)
            gone = await self._forgetting(
                delete(session_table).where(_table.token_hash.in_(over)).returning(_table.token_hash)
            )
            removed += gone
            if gone < chunk:
                break
        return removed

    async def any_expired(self, before: datetime) -> bool:
        """Whether there is a session that expired before this moment."""
        query = select(_table.token_hash).where(_table.expires_at < before).limit(1)
        async with self._database.read() as session:
            return await session.scalar(query) is not None

    async def _forgetting(self, change: ReturningUpdate[str] | ReturningDelete[str]) -> int:
        """Runs a change that answers the sessions it concerns, all of which the cache forgets; how many they were."""
        # The transaction ends first: what was marked within it is forgotten once it is committed.
        async with AsyncExitStack() as settling, self._database.transaction() as transaction:
            hashes = list(await transaction.scalars(change))
            await settling.enter_async_context(self._cache.forgetting(hashes))
        return len(hashes)

    async def _load(self, hashes: Sequence[str]) -> dict[str, SessionRecord]:
        async with self._database.read() as session:
            rows = await session.execute(select(*_COLUMNS).where(session_table.c.token_hash.in_(hashes)))
            records = [SessionRecord(*row) for row in rows]
        return {record.token_hash: record for record in records}
