"""Roll-ups of behaviour, and the runs of tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "task_rollup",
        sa.Column("period", sa.String(8), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("period", "starts_at", "account_id", "kind", name=op.f("pk_task_rollup")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "task_run",
        sa.Column("id", sa.String(120), nullable=False),
        sa.Column("task", sa.String(40), nullable=False),
        sa.Column("period", sa.String(16), nullable=False),
        sa.Column("origin", sa.String(8), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(8), nullable=True),
        sa.Column("told", sa.String(1000), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_run")),
    )
    op.create_index("ix_task_run_started_at", "task_run", ["started_at"])


def downgrade() -> None:
    for table in ("task_run", "task_rollup"):
        op.drop_table(table)
