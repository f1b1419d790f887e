"""Where leases are kept: one row for each worker number that was ever held, changed by compare-and-set."""

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Executable,
    Integer,
    String,
    Table,
    bindparam,
    cast,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from services.identifier.biz import LEASE_SECONDS, SET_ASIDE, Lease
from services.runtime.database import Database, metadata
from services.runtime.ids import EPOCH, TICKS_PER_MS, WORKERS

METADATA = metadata()
LEASE_MS = int(LEASE_SECONDS * 1000)
EPOCH_MS = int(EPOCH.timestamp() * 1000)
JULIAN_1970 = 2440587.5
DAY_MS = 86_400_000
NOBODY = ""

LEASE = Table(
    "identifier_lease",
    METADATA,
    Column("worker", Integer, primary_key=True, autoincrement=False),
    Column("holder", String(36), nullable=False),
    # In milliseconds since 1970, as the store's own clock tells them.
    Column("expires_at", BigInteger, nullable=False),
    Column("last_tick", BigInteger, nullable=False),
    CheckConstraint("worker BETWEEN 0 AND 1023", name="worker"),
)
"""Who holds which worker number, until when, and the last tick that was set aside for it."""

_NUMBER = bindparam("number", type_=LEASE.c.worker.type)
_BY = bindparam("by", type_=LEASE.c.holder.type)
_NEEDED = bindparam("needed", type_=LEASE.c.last_tick.type)
_USED = bindparam("used", type_=LEASE.c.last_tick.type)
_IS_HELD = (LEASE.c.worker == _NUMBER) & (LEASE.c.holder == _BY)


class SqlLeaseStore:
    """A LeaseStore on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        words = _Sqlite() if database.engine.dialect.name == "sqlite" else _Postgresql()
        self._held = select(LEASE.c.worker).where(LEASE.c.expires_at > words.now)
        self._take = _take(words)
        self._renew = _renew(words)
        self._release = _release(words)

    async def acquire(self, holder: str) -> Lease | None:
        """As `LeaseStore` says: tries those that seem to be free, until one still is."""
        async with self._database.read() as session:
            held = set(await session.scalars(self._held))
        free = [worker for worker in range(WORKERS) if worker not in held]
        while free:
            # Others choose at the same time: the lowest number would be everybody's choice.
            worker = free.pop(secrets.randbelow(len(free)))
            if lease := await self._changed(self._take, {"number": worker, "by": holder}):
                return lease
        return None

    async def renew(self, holder: str, worker: int, needed: int) -> Lease | None:
        """As `LeaseStore` says. One that is over is renewed too, while nobody else has taken it."""
        return await self._changed(self._renew, {"number": worker, "by": holder, "needed": needed})

    async def release(self, holder: str, worker: int, last: int) -> None:
        """As `LeaseStore` says."""
        async with self._database.transaction() as session:
            await session.execute(self._release, {"number": worker, "by": holder, "used": last})

    async def _changed(self, statement: Executable, parameters: Mapping[str, Any]) -> Lease | None:
        async with self._database.transaction() as session:
            row = (await session.execute(statement, parameters)).one_or_none()
        return Lease(*row) if row else None


class _Sqlite:
    """What SQLite calls things."""

    now: ColumnElement[int] = cast(func.round((func.julianday("now") - JULIAN_1970) * DAY_MS), BigInteger)
    greatest, least = func.max, func.min
    insert = staticmethod(sqlite.insert)


class _Postgresql:
    """What PostgreSQL calls things."""

    now: ColumnElement[int] = cast(func.extract("epoch", func.statement_timestamp()) * 1000, BigInteger)
    greatest, least = func.greatest, func.least
    insert = staticmethod(postgresql.insert)


_Words = _Sqlite | _Postgresql


def _take(words: _Words) -> Executable:
    """The lease of a number that is free; no row when it is not. A new holder begins above what the old one had."""
    fresh = words.insert(LEASE).values(
        worker=_NUMBER,
        holder=_BY,
        expires_at=words.now + LEASE_MS,
        last_tick=_present_tick(words) + SET_ASIDE,
    )
    taken = fresh.on_conflict_do_update(
        index_elements=[LEASE.c.worker],
        set_={
            "holder": fresh.excluded.holder,
            "expires_at": fresh.excluded.expires_at,
            "last_tick": words.greatest(LEASE.c.last_tick, _present_tick(words)) + SET_ASIDE,
        },
        where=LEASE.c.expires_at <= words.now,
    )
    return taken.returning(LEASE.c.worker, _present_tick(words), LEASE.c.last_tick)


def _renew(words: _Words) -> Executable:
    last_tick = words.greatest(LEASE.c.last_tick, _present_tick(words) + SET_ASIDE, _NEEDED)
    renewed = update(LEASE).where(_IS_HELD).values(expires_at=words.now + LEASE_MS, last_tick=last_tick)
    return renewed.returning(LEASE.c.worker, _present_tick(words), LEASE.c.last_tick)


def _release(words: _Words) -> Executable:
    last_tick = words.least(LEASE.c.last_tick, _USED)
    return update(LEASE).where(_IS_HELD).values(holder=NOBODY, expires_at=words.now, last_tick=last_tick)


def _present_tick(words: _Words) -> ColumnElement[int]:
    return (words.now - EPOCH_MS) * TICKS_PER_MS
