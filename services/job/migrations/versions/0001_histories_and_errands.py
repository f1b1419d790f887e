"""Histories of accounts, errands, and the events that were taken."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _histories()
    _errands()
    _inbox()


def _histories() -> None:
    op.create_table(
        "job_change",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("differences", sa.JSON(), nullable=False),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_change")),
        sa.UniqueConstraint("event_id", "account_id", name=op.f("uq_job_change_event_id")),
    )
    op.create_index("ix_job_change_account_id", "job_change", ["account_id", "occurred_at", "id"])


def _errands() -> None:
    op.create_table(
        "job_errand",
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(500), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("traceparent", sa.String(64), nullable=False),
        sa.Column("lane", sa.String(40), nullable=False),
        sa.Column("holder", sa.String(36), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kind", "account_id", name=op.f("pk_job_errand")),
    )
    is_open = sa.text("finished_at IS NULL")
    op.create_index("ix_job_errand_due_at", "job_errand", ["due_at"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_index("ix_job_errand_requested_at", "job_errand", ["kind", "requested_at", "account_id"])


def _inbox() -> None:
    op.create_table(
        "job_inbox",
        sa.Column("consumer", sa.String(60), nullable=False),
        sa.Column("event_id", sa.String(100), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("pk_job_inbox")),
    )
    op.create_index("ix_job_inbox_received_at", "job_inbox", ["received_at"])
    op.create_table(
        "job_dead_letter",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        sa.Column("consumer", sa.String(60), nullable=False),
        sa.Column("event_id", sa.String(100), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("traceparent", sa.String(100), nullable=False),
        sa.Column("lane", sa.String(100), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_dead_letter")),
        sa.UniqueConstraint("consumer", "event_id", name=op.f("uq_job_dead_letter_consumer")),
    )
    op.create_index("ix_job_dead_letter_account_id", "job_dead_letter", ["consumer", "account_id", "id"])


def downgrade() -> None:
    for table in ("job_dead_letter", "job_inbox", "job_errand", "job_change"):
        op.drop_table(table)
