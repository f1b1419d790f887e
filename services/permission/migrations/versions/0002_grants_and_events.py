"""One exception for each account and permission, and the events that tell of it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

COLUMNS = ("account_id", "permission", "effect")
DENIED = """SELECT 1 FROM permission_grant AS other WHERE other.account_id = own.account_id
AND other.permission = own.permission AND other.effect = 'DENY'"""


def upgrade() -> None:
    # A denial won over a grant of the same permission, and is what stays.
    remake_grants(["account_id", "permission"], f"effect = 'DENY' OR NOT EXISTS ({DENIED})")
    create_outbox()


def downgrade() -> None:
    op.drop_table("permission_outbox")
    remake_grants(list(COLUMNS), "1 = 1")


def remake_grants(key: list[str], kept: str) -> None:
    """The table anew, with the key: neither store changes the key of a table that names its constraints."""
    names = ", ".join(COLUMNS)
    op.execute(f"CREATE TABLE permission_grant_kept AS SELECT {names} FROM permission_grant AS own WHERE {kept}")  # noqa: S608
    op.drop_table("permission_grant")
    op.create_table(
        "permission_grant",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("permission", sa.String(100), nullable=False),
        sa.Column("effect", sa.String(5), nullable=False),
        sa.CheckConstraint("effect IN ('ALLOW', 'DENY')", name=op.f("ck_permission_grant_effect")),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_permission_grant")),
    )
    op.execute(f"INSERT INTO permission_grant ({names}) SELECT {names} FROM permission_grant_kept")  # noqa: S608
    op.drop_table("permission_grant_kept")


def create_outbox() -> None:
    op.create_table(
        "permission_outbox",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("traceparent", sa.String(64), nullable=False),
        sa.Column("lane", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_permission_outbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_permission_outbox_event_id")),
    )
    unsent = sa.text("sent_at IS NULL")
    op.create_index(
        "ix_permission_outbox_unsent", "permission_outbox", ["sequence"], sqlite_where=unsent, postgresql_where=unsent
    )
    op.create_index("ix_permission_outbox_sent_at", "permission_outbox", ["sent_at"])
