"""What was done and tried at the desk, and what is known of events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "admin_audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_audit")),
    )
    op.create_index(op.f("ix_admin_audit_account_id"), "admin_audit", ["account_id", "id"])
    op.create_index(op.f("ix_admin_audit_actor_id"), "admin_audit", ["actor_id", "id"])
    _inbox()


def _inbox() -> None:
    op.create_table(
        "admin_inbox",
        sa.Column("consumer", sa.String(60), nullable=False),
        sa.Column("event_id", sa.String(100), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("pk_admin_inbox")),
    )
    op.create_index("ix_admin_inbox_received_at", "admin_inbox", ["received_at"])
    op.create_table(
        "admin_dead_letter",
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_dead_letter")),
        sa.UniqueConstraint("consumer", "event_id", name=op.f("uq_admin_dead_letter_consumer")),
    )
    op.create_index("ix_admin_dead_letter_account_id", "admin_dead_letter", ["consumer", "account_id", "id"])


def downgrade() -> None:
    for table in ("admin_dead_letter", "admin_inbox", "admin_audit"):
        op.drop_table(table)
