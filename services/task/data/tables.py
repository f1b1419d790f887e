"""The tables of the task backend."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, String, Table

from services.runtime.database import UtcDateTime, metadata

METADATA = metadata()
TOLD_LENGTH = 1000

ROLLUP = Table(
    "task_rollup",
    METADATA,
    Column("period", String(8), nullable=False),
    Column("starts_at", UtcDateTime(), nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("count", Integer, nullable=False),
    PrimaryKeyConstraint("period", "starts_at", "account_id", "kind"),
    sqlite_with_rowid=False,
)
"""How often each account did each kind of thing, by hour and by day."""

RUN = Table(
    "task_run",
    METADATA,
    Column("id", String(120), primary_key=True),
    Column("task", String(40), nullable=False),
    Column("period", String(16), nullable=False),
    Column("origin", String(8), nullable=False),
    Column("started_at", UtcDateTime(), nullable=False),
    Column("ended_at", UtcDateTime(), nullable=True),
    Column("outcome", String(8), nullable=True),
    Column("told", String(TOLD_LENGTH), nullable=False),
)
"""Runs of tasks."""
Index("ix_task_run_started_at", RUN.c.started_at)
