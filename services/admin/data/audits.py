"""Where the audit is kept."""

from dataclasses import asdict

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.admin.biz import Audit, AuditFilter, Page
from services.runtime.database import Database, UtcDateTime, metadata
from services.runtime.inbox import inbox_tables

METADATA = metadata()
INBOX = inbox_tables(METADATA, "admin")

audit_table = Table(
    "admin_audit",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor_id", BigInteger, nullable=False),
    Column("action", String(40), nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("reason", String(500), nullable=False),
    Column("request", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("outcome", Integer, nullable=False),
    Index(None, "account_id", "id"),
    Index(None, "actor_id", "id"),
)
"""What was done and tried at the desk; a row is written when a call begins, and again when it ends.

The store gives out their numbers: whoever looks back is to find them in order, and no other backend is to be needed.
"""


class SqlAuditLog:
    """Fits `biz.AuditLog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, audit: Audit) -> int:
        """Keeps the audit, in the place of an earlier one with its id; answers the id, a new one when it has none."""
        row = asdict(audit)
        del row["id"]
        async with self._database.transaction() as session:
            if audit.id:
                await session.execute(update(audit_table).where(audit_table.c.id == audit.id).values(row))
                return audit.id
            made = await session.execute(insert(audit_table).values(row).returning(audit_table.c.id))
            return int(made.scalar_one())

    async def search(self, wanted: AuditFilter) -> Page[Audit]:
        """The audits that match, newest first, by one statement."""
        columns = audit_table.c
        query = select(audit_table).order_by(columns.id.desc()).limit(wanted.first + 1)
        if wanted.before_id:
            query = query.where(columns.id < wanted.before_id)
        if wanted.actor_id:
            query = query.where(columns.actor_id == wanted.actor_id)
        if wanted.account_id:
            query = query.where(columns.account_id == wanted.account_id)
        if wanted.action:
            query = query.where(columns.action == wanted.action)
        async with self._database.read() as session:
            found = [Audit(*row) for row in await session.execute(query)]
        return Page(found[: wanted.first], len(found) > wanted.first)


async def forget_in(session: AsyncSession, account_id: int) -> None:
    """Erases from all audits on the account what tells about a person: words, values, reasons."""
    erased = {"reason": "", "request": "{}", "before": "", "after": ""}
    await session.execute(update(audit_table).where(audit_table.c.account_id == account_id).values(erased))
