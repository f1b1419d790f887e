"""One URL, one store: `sqlite+aiosqlite:///file.db` or `postgresql+psycopg://user@host/name`.

A statement whose task is cancelled stops in the store, too: a call whose caller left, or whose deadline passed, costs
it nothing more. psycopg cancels it on the server by itself; SQLite is interrupted here.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, MetaData, TypeDecorator, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

# Constraint names are part of a migration; without a rule SQLite would leave them unnamed.
NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

_TELLS = "atrium.tells"


def metadata() -> MetaData:
    """Fresh table definitions of one backend, with constraint names that migrations can rely on."""
    return MetaData(naming_convention=NAMING)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, aware of being UTC on every store; refuses a naive one. In migrations: `sa.DateTime(timezone=True)`."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What the store is given: the moment in UTC, since SQLite keeps no offset."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What the program is given: SQLite answers naive moments, PostgreSQL ones in the session's zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def is_unavailable(problem: BaseException) -> bool:
    """Whether a store could not be reached, broke off, or was too busy; not whether it refused what was asked."""
    if isinstance(problem, OperationalError) and isinstance(problem.orig, sqlite3.Error):
        # SQLite calls a missing table and a mistake in a statement operational as well.
        return problem.orig.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR
    return isinstance(problem, OperationalError | InterfaceError | PoolTimeout)


class Database:
    """The store of one backend: sessions for reading, transactions for writing."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.news = asyncio.Event()
        """Set after each commit of a session that `tell_after_commit` was called with; its one waiter clears it."""
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session that is rolled back at its end."""
        async with self._sessions() as session:
            yield session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session that commits at its end, or rolls everything back when the block raises."""
        async with self._sessions.begin() as session:
            yield session
        if session.info.get(_TELLS):
            self.news.set()


def tell_after_commit(session: AsyncSession) -> None:
    """Has `Database.news` set once the transaction of this session is committed."""
    session.info[_TELLS] = True


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """The database at `url`, its pool closed at the end; connects on first use."""
    engine = create_engine(url)
    try:
        yield Database(engine)
    finally:
        await engine.dispose()


def create_engine(url: str) -> AsyncEngine:
    """An engine with the settings that each kind of store needs to serve concurrent requests."""
    # `hide_parameters`: the values of a failed statement are people's data, and would be logged with the error.
    if make_url(url).get_backend_name() != "sqlite":
        return create_async_engine(
            url, pool_size=10, max_overflow=10, pool_timeout=5, pool_pre_ping=True, hide_parameters=True
        )
    engine = create_async_engine(url, connect_args={"timeout": 5}, hide_parameters=True)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "invalidate", _interrupt_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Lets readers go on while one writes; waits for a lock instead of failing; checks foreign keys."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _interrupt_sqlite(connection: Any, _record: object, error: BaseException | None) -> None:
    """Ends the statement that the connection's thread is still at; without it, its thread would run on to the end."""
    if isinstance(error, asyncio.CancelledError):
        connection.run_async(lambda driver: driver.interrupt())
