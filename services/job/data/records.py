"""Histories and merges, as they are asked for: by keyset, so that a page costs the same wherever it is."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, literal, select, tuple_, update

from services.job.biz.errands import Errand, ErrandKind, ErrandState
from services.job.biz.ports import Place, Placed
from services.job.data.tables import CHANGE, ERRAND, change_from_row, errand_from_row
from services.runtime.database import Database, tell_after_commit

_IS_MERGE = ERRAND.c.kind == ErrandKind.MERGE


class SqlRecords:
    """Records on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def changes(self, account_id: int, before: Place | None, limit: int) -> Sequence[Placed]:
        """As `Records` says."""
        place = (CHANGE.c.occurred_at, CHANGE.c.id)
        page = select(CHANGE).where(CHANGE.c.account_id == account_id, *_before(place, before))
        ordered = page.order_by(*(column.desc() for column in place)).limit(limit)
        async with self._database.read() as session:
            rows = await session.execute(ordered)
        return [Placed(Place(row.occurred_at, row.id), change_from_row(row)) for row in rows]

    async def merge(self, source_id: int) -> Errand | None:
        """As `Records` says."""
        async with self._database.read() as session:
            row = (await session.execute(select(ERRAND).where(_IS_MERGE, ERRAND.c.account_id == source_id))).first()
        return errand_from_row(row) if row else None

    async def merges(self, states: Collection[ErrandState], before: Place | None, limit: int) -> Sequence[Errand]:
        """As `Records` says."""
        place = (ERRAND.c.requested_at, ERRAND.c.account_id)
        wanted = [ERRAND.c.state.in_(states)] if states else []
        page = select(ERRAND).where(_IS_MERGE, *wanted, *_before(place, before))
        ordered = page.order_by(*(column.desc() for column in place)).limit(limit)
        async with self._database.read() as session:
            return [errand_from_row(row) for row in await session.execute(ordered)]

    async def retry(self, source_id: int, now: datetime) -> Errand | None:
        """As `Records` says; `Database.news` is set."""
        failed = (_IS_MERGE, ERRAND.c.account_id == source_id, ERRAND.c.state == ErrandState.FAILED)
        queued = {"state": ErrandState.QUEUED, "due_at": now, "problem": "", "attempts": 0, "finished_at": None}
        async with self._database.transaction() as session:
            row = (await session.execute(update(ERRAND).where(*failed).values(queued).returning(ERRAND))).first()
            tell_after_commit(session)
        return errand_from_row(row) if row else None


def _before(place: tuple[Column[Any], Column[Any]], before: Place | None) -> list[ColumnElement[bool]]:
    if before is None:
        return []
    at, id_ = place
    return [tuple_(at, id_) < tuple_(literal(before.at, at.type), literal(before.id, id_.type))]
