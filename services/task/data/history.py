"""Where the runs of tasks are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from services.runtime.clock import Clock
from services.runtime.database import Database
from services.task.biz import Origin, Outcome, Run
from services.task.data.tables import RUN, TOLD_LENGTH


class SqlHistory:
    """The runs in a SQL database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._insert = sqlite.insert if database.engine.dialect.name == "sqlite" else postgresql.insert

    async def begun(self, run_id: str, task: str, period: str, origin: Origin) -> None:
        """Notes that a run begins; one that is resumed keeps its beginning."""
        row = self._insert(RUN).values(
            id=run_id, task=task, period=period, origin=origin.value, started_at=self._clock(), told=""
        )
        async with self._database.transaction() as session:
            await session.execute(row.on_conflict_do_nothing())

    async def ended(self, run_id: str, outcome: Outcome, told: str) -> None:
        """Notes how it ended."""
        change = {"ended_at": self._clock(), "outcome": outcome.value, "told": told[:TOLD_LENGTH]}
        async with self._database.transaction() as session:
            await session.execute(update(RUN).where(RUN.c.id == run_id).values(change))

    async def latest(self, count: int, task: str | None = None) -> Sequence[Run]:
        """The last runs, newest first."""
        query = select(RUN).order_by(RUN.c.started_at.desc(), RUN.c.id.desc()).limit(count)
        if task is not None:
            query = query.where(RUN.c.task == task)
        async with self._database.read() as session:
            return [_run(row) for row in await session.execute(query)]

    async def forget(self, before: datetime) -> int:
        """Removes runs that began before this moment; how many."""
        async with self._database.transaction() as session:
            gone = await session.execute(delete(RUN).where(RUN.c.started_at < before))
        return int(gone.rowcount)  # type: ignore[attr-defined]


def _run(row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        task=row.task,
        period=row.period,
        origin=Origin(row.origin),
        started_at=row.started_at,
        ended_at=row.ended_at,
        outcome=Outcome(row.outcome) if row.outcome else None,
        told=row.told,
    )
