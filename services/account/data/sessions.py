"""Password hashes and sessions in a SQL database, the sessions read through a cache."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import delete, insert, select, update

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


_COLUMNS = [session_table.c[name] for name in SessionRecord.__struct_fields__]


class CachedSessionRepo:
    """Sessions of a SQL database, found by way of a cache. A session never changes: it has one version."""

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

    async def _load(self, hashes: Sequence[str]) -> dict[str, SessionRecord]:
        async with self._database.read() as session:
            rows = await session.execute(select(*_COLUMNS).where(session_table.c.token_hash.in_(hashes)))
            records = [SessionRecord(*row) for row in rows]
        return {record.token_hash: record for record in records}
