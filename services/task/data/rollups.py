"""Where roll-ups are kept."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.runtime.database import Database
from services.task.biz import Count, Period
from services.task.data.tables import ROLLUP


class SqlRollupRepo:
    """The roll-ups of a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def replace(self, period: Period, after: int, upto: int | None, counts: Sequence[Count]) -> None:
        """Puts the counts in the place of all that is kept of accounts above `after`, in one transaction."""
        old = delete(ROLLUP).where(*_of(period), ROLLUP.c.account_id > after)
        if upto is not None:
            old = old.where(ROLLUP.c.account_id <= upto)
        key = {"period": period.span.value, "starts_at": period.starts_at}
        async with self._database.transaction() as session:
            await _wait_for_turn(session, period)
            await session.execute(old)
            if counts:
                await session.execute(insert(ROLLUP), [key | asdict(count) for count in counts])

    async def of(self, period: Period) -> Sequence[Count]:
        """The roll-up of a period, by account and kind."""
        columns = (ROLLUP.c.account_id, ROLLUP.c.kind, ROLLUP.c["count"])
        query = select(*columns).where(*_of(period)).order_by(ROLLUP.c.account_id, ROLLUP.c.kind)
        async with self._database.read() as session:
            return [Count(*row) for row in await session.execute(query)]


async def _wait_for_turn(session: AsyncSession, period: Period) -> None:
    """Until the transaction ends, nobody else replaces anything of the period."""
    if session.get_bind().dialect.name == "sqlite":  # It has one writer at a time anyway.
        return
    digest = hashlib.sha256(f"{ROLLUP.name}/{period.span}/{period}".encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    await session.execute(select(func.pg_advisory_xact_lock(number)))


def _of(period: Period) -> tuple[ColumnElement[bool], ...]:
    return ROLLUP.c.period == period.span.value, ROLLUP.c.starts_at == period.starts_at
