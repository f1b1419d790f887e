"""The events that tell of activities and follows, and the index that counts what was done within a period."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("ix_activity_created_at", "activity", ["created_at", "author_id", "kind"])
    op.create_table(
        "activity_outbox",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("traceparent", sa.String(64), nullable=False),
        sa.Column("lane", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_activity_outbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_activity_outbox_event_id")),
    )
    unsent = sa.text("sent_at IS NULL")
    op.create_index(
        "ix_activity_outbox_unsent", "activity_outbox", ["sequence"], sqlite_where=unsent, postgresql_where=unsent
    )
    op.create_index("ix_activity_outbox_sent_at", "activity_outbox", ["sent_at"])


def downgrade() -> None:
    op.drop_table("activity_outbox")
    op.drop_index("ix_activity_created_at", "activity")
