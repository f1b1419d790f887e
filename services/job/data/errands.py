"""Errands in SQL. Who works on one is written into its row, so that any number of processes may share them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, func, or_, select, tuple_, update

from services.job.biz.errands import Errand
from services.job.biz.ports import ErrandLost
from services.job.data.tables import ERRAND, IS_OPEN, errand_from_row, errand_row
from services.runtime.database import Database

_KEY = (ERRAND.c.kind, ERRAND.c.account_id)
_FREE_AT = case((ERRAND.c.held_until > ERRAND.c.due_at, ERRAND.c.held_until), else_=ERRAND.c.due_at)
_NEXT_DUE = select(func.min(_FREE_AT, type_=ERRAND.c.due_at.type)).where(IS_OPEN)


class SqlErrandStore:
    """An ErrandStore on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, holder: str, now: datetime, until: datetime, limit: int) -> Sequence[Errand]:
        """As `ErrandStore` says."""
        free = or_(ERRAND.c.held_until.is_(None), ERRAND.c.held_until <= now)
        due = select(*_KEY).where(IS_OPEN, ERRAND.c.due_at <= now, free)
        chosen = due.order_by(ERRAND.c.due_at).limit(limit).with_for_update(skip_locked=True).cte("chosen")
        claimed = (
            update(ERRAND)
            .where(tuple_(*_KEY).in_(select(chosen.c.kind, chosen.c.account_id)))
            .values(holder=holder, held_until=until)
            .returning(ERRAND)
        )
        async with self._database.transaction() as session:
            return [errand_from_row(row) for row in await session.execute(claimed)]

    async def save(self, errand: Errand, holder: str, until: datetime | None) -> None:
        """As `ErrandStore` says."""
        held = {"holder": holder if until else "", "held_until": until}
        mine = (ERRAND.c.kind == errand.kind, ERRAND.c.account_id == errand.account_id, ERRAND.c.holder == holder)
        async with self._database.transaction() as session:
            saved = await session.execute(update(ERRAND).where(*mine).values(errand_row(errand) | held))
            if saved.rowcount != 1:  # type: ignore[attr-defined]
                raise ErrandLost

    async def next_due(self) -> datetime | None:
        """As `ErrandStore` says."""
        async with self._database.read() as session:
            due: datetime | None = await session.scalar(_NEXT_DUE)
        return due
