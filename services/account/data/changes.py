"""Changes of several things at a time, in one transaction, with their events; the caches forget what changed."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, and_, delete, exists, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.account.biz import Account, AccountStatus, Happening
from services.account.data import statements
from services.account.data.events import tell
from services.account.data.records import AccountRecord
from services.account.data.sessions import SessionRecord
from services.account.data.tables import account_table, credential_table, session_table, team_table
from services.runtime.database import Database
from services.runtime.outbox import Outbox
from services.runtime.versioned_cache import VersionedCache

_accounts, _teams = account_table.c, team_table.c


def _id(number: int) -> ColumnElement[int]:
    return literal(number, BigInteger)


@dataclass(frozen=True, slots=True)
class Caches:
    """The caches that a change of an account may concern."""

    accounts: VersionedCache[AccountRecord]
    sessions: VersionedCache[SessionRecord]


class SqlChangeRepo:
    """Changes of accounts in a SQL database."""

    def __init__(self, database: Database, caches: Caches, outbox: Outbox) -> None:
        self._database = database
        self._caches = caches
        self._outbox = outbox

    @asynccontextmanager
    async def changing(self, *account_ids: int) -> AsyncIterator["SqlChange"]:
        """A change that holds these accounts."""
        # The transaction ends first: what was marked within it is forgotten once it is committed.
        async with AsyncExitStack() as settling, self._database.transaction() as session:
            change = SqlChange(session, self._caches, settling)
            await change.hold(account_ids)
            yield change
            for account, happening in sorted(change.told, key=lambda told: told[0].id):
                await tell(self._outbox, session, account, happening)

    async def due(self, now: datetime, first: int) -> list[int]:
        """Ids of the CLOSING accounts whose period is over and that no other is being merged into."""
        joining = account_table.alias()
        query = (
            select(_accounts.id)
            .where(_accounts.status == AccountStatus.CLOSING, _accounts.closes_at <= now)
            .where(~exists().where(joining.c.merging_into == _accounts.id))
            .order_by(_accounts.closes_at, _accounts.id)
            .limit(first)
        )
        async with self._database.read() as session:
            return list(await session.scalars(query))


@dataclass(slots=True)
class SqlChange:
    """A transaction that holds some accounts."""

    _session: AsyncSession
    _caches: Caches
    _settling: AsyncExitStack
    _held: dict[int, Account] = field(default_factory=dict)
    told: list[tuple[Account, Happening]] = field(default_factory=list)
    """What is to be told at its end: of accounts as they are then."""

    @property
    def accounts(self) -> Mapping[int, Account]:
        """The accounts it holds, as they were when it began."""
        return self._held

    async def hold(self, account_ids: tuple[int, ...]) -> None:
        """Locks the accounts, always in the order of their ids, then reads them."""
        for account_id in sorted(set(account_ids)):
            # Changes nothing, but locks the row on PostgreSQL and makes this the one writer on SQLite.
            lock = update(account_table).where(_accounts.id == account_id).values(version=_accounts.version)
            await self._session.execute(lock)
        found = await statements.accounts_where(self._session, _accounts.id.in_(account_ids))
        self._held |= {account.id: account for account in found}

    async def merging_into(self, account_id: int) -> list[int]:
        """Ids of the accounts that are being merged into this one, in order."""
        return await statements.merging_into(self._session, account_id)

    async def merged_into(self, account_id: int) -> list[Account]:
        """The accounts that were merged into this one, held from now on, by id."""
        ids = await self._session.scalars(select(_accounts.id).where(_accounts.merged_into == account_id))
        await self.hold(tuple(merged := sorted(ids)))
        return [self._held[one] for one in merged]

    async def save(self, account: Account, happening: Happening) -> Account:
        """Keeps all of the account and tells of it; answers the next version."""
        await self._settling.enter_async_context(self._caches.accounts.forgetting([str(account.id)]))
        saved = replace(account, version=account.version + 1)
        try:
            await statements.update_account(self._session, account.version, saved)
        except IntegrityError as error:
            raise statements.taken(error, account.handle) or error from error
        self.told.append((saved, happening))
        return saved

    async def end_sessions(self, account_id: int) -> None:
        """Ends all sessions of the account."""
        columns = session_table.c
        gone = delete(session_table).where(columns.account_id == account_id).returning(columns.token_hash)
        hashes = list(await self._session.scalars(gone))
        await self._settling.enter_async_context(self._caches.sessions.forgetting(hashes))

    async def forget_password(self, account_id: int) -> None:
        """Removes the password hash of the account."""
        await self._session.execute(delete(credential_table).where(credential_table.c.account_id == account_id))

    async def leave_teams(self, account_id: int) -> None:
        """Takes the account out of every team, and everybody out of its own."""
        own = or_(_teams.member_id == account_id, _teams.business_id == account_id)
        await self._session.execute(delete(team_table).where(own))

    async def move_teams(self, source_id: int, target_id: int) -> None:
        """Gives the target the source's places in teams, and the source's own team, where it has them not yet."""
        there = team_table.alias()
        as_member = select(_teams.business_id, _id(target_id), _teams.joined_at).where(
            _teams.member_id == source_id,
            _teams.business_id != target_id,
            ~exists().where(and_(there.c.business_id == _teams.business_id, there.c.member_id == target_id)),
        )
        as_business = select(_id(target_id), _teams.member_id, _teams.joined_at).where(
            _teams.business_id == source_id,
            _teams.member_id != target_id,
            ~exists().where(and_(there.c.business_id == target_id, there.c.member_id == _teams.member_id)),
        )
        for places in (as_member, as_business):
            await self._session.execute(insert(team_table).from_select(list(_teams.keys()), places))
        await self.leave_teams(source_id)
