"""Accounts in a SQL database, and the cache in front of it."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from services.account.biz import Account, AccountFilter, AccountRepo, AccountStatus, Happening
from services.account.data import statements
from services.account.data.events import tell
from services.account.data.records import AccountRecord, from_record, to_record, to_row
from services.account.data.tables import account_table, credential_table, team_table
from services.runtime.database import Database
from services.runtime.outbox import Outbox
from services.runtime.versioned_cache import VersionedCache


class SqlAccountRepo:
    """Accounts of a SQL database: one statement for each question, whatever the number of keys."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def by_ids(self, ids: Collection[int]) -> dict[int, Account]:
        """Those that exist."""
        async with self._database.read() as session:
            accounts = await statements.accounts_where(session, account_table.c.id.in_(ids))
        return {account.id: account for account in accounts}

    async def by_handle_keys(self, keys: Collection[str]) -> list[Account]:
        """Those that exist with these handles in lower case."""
        async with self._database.read() as session:
            return await statements.accounts_where(session, account_table.c.handle_key.in_(keys))

    async def stored(self, account_id: int) -> Account | None:
        """The account, if it exists."""
        return (await self.by_ids([account_id])).get(account_id)

    async def search(self, wanted: AccountFilter) -> list[Account]:
        """Those that match, by id."""
        async with self._database.read() as session:
            return await statements.accounts_where(session, *statements.matching(wanted), first=wanted.first)

    async def merging_into(self, account_id: int) -> list[int]:
        """Ids of the accounts that are being merged into this one, in order."""
        async with self._database.read() as session:
            return await statements.merging_into(session, account_id)

    async def create(self, account: Account, password_hash: str, happening: Happening) -> None:
        """Keeps a new account with its password hash, as `AccountRepo` promises."""
        credential = {"account_id": account.id, "password_hash": password_hash}
        try:
            async with self._database.transaction() as session:
                await session.execute(insert(account_table).values(to_row(account)))
                await session.execute(insert(credential_table).values(credential))
                await tell(self._outbox, session, account, happening)
        except IntegrityError as error:
            raise statements.taken(error, account.handle) or error from error

    async def save(self, account: Account, happening: Happening) -> Account:
        """Keeps it as its next version, as `AccountRepo` promises."""
        saved = replace(account, version=account.version + 1)
        try:
            async with self._database.transaction() as session:
                await statements.update_account(session, account.version, saved)
                await tell(self._outbox, session, saved, happening)
        except IntegrityError as error:
            raise statements.taken(error, account.handle) or error from error
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

    async def search(self, wanted: AccountFilter) -> list[Account]:
        """Those that match, as the store has them."""
        return await self._inner.search(wanted)

    async def merging_into(self, account_id: int) -> list[int]:
        """Ids of the accounts that are being merged into this one, as the store has them."""
        return await self._inner.merging_into(account_id)

    async def create(self, account: Account, password_hash: str, happening: Happening) -> None:
        """Keeps a new account, in store and cache."""
        async with self._cache.writing(str(account.id)) as write:
            await self._inner.create(account, password_hash, happening)
            write.put(to_record(account))

    async def save(self, account: Account, happening: Happening) -> Account:
        """Keeps it as its next version, in store and cache."""
        async with self._cache.writing(str(account.id)) as write:
            saved = await self._inner.save(account, happening)
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
