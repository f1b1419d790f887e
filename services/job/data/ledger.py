"""What an event changes, in the transaction in which it is taken."""

from collections.abc import Collection, Sequence

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from services.job.biz.changes import Change
from services.job.biz.errands import Errand, ErrandKind
from services.job.data.tables import CHANGE, ERRAND, change_from_row, change_row, errand_row
from services.runtime.database import tell_after_commit

_REPLACE = (
    update(CHANGE)
    .where(CHANGE.c.event_id == bindparam("of_event"), CHANGE.c.account_id == bindparam("of_account"))
    .values({name: bindparam(name) for name in ("reason", "differences", "erased")})
)


class SqlLedger:
    """A Ledger on SQLite or PostgreSQL."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add_changes(self, changes: Sequence[Change]) -> None:
        """As `Ledger` says."""
        dialect = sqlite if self._session.get_bind().dialect.name == "sqlite" else postgresql
        rows = [change_row(change) for change in changes]
        await self._session.execute(dialect.insert(CHANGE).values(rows).on_conflict_do_nothing())

    async def changes_of(self, account_id: int) -> Sequence[Change]:
        """As `Ledger` says."""
        rows = await self._session.execute(select(CHANGE).where(CHANGE.c.account_id == account_id))
        return [change_from_row(row) for row in rows]

    async def replace_changes(self, changes: Sequence[Change]) -> None:
        """As `Ledger` says."""
        rows = [change_row(change) for change in changes]
        if rows:
            keys = [{"of_event": row["event_id"], "of_account": row["account_id"]} for row in rows]
            connection = await self._session.connection()
            await connection.execute(_REPLACE, [row | key for row, key in zip(rows, keys, strict=True)])

    async def forget_reason(self, kind: ErrandKind, account_id: int) -> None:
        """As `Ledger` says."""
        errand = (ERRAND.c.kind == kind, ERRAND.c.account_id == account_id)
        await self._session.execute(update(ERRAND).where(*errand).values(reason=""))

    async def accounts_with(self, kind: ErrandKind, account_ids: Collection[int]) -> set[int]:
        """As `Ledger` says."""
        found = select(ERRAND.c.account_id).where(ERRAND.c.kind == kind, ERRAND.c.account_id.in_(account_ids))
        return set(await self._session.scalars(found))

    async def put_errand(self, errand: Errand) -> None:
        """As `Ledger` says; `Database.news` is set once it is committed."""
        await self._session.execute(ERRAND.insert(), errand_row(errand) | {"holder": "", "held_until": None})
        tell_after_commit(self._session)
