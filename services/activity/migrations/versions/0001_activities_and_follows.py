"""Activities, who follows whom, and how many follow each account."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_activity()
    _create_follow()
    _create_account()


def _create_activity() -> None:
    op.create_table(
        "activity",
        sa.Column("id", _KEY, autoincrement=False, nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("text", sa.String(2000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
    )
    op.create_index("ix_activity_author_id_id", "activity", ["author_id", "id", "kind"])
    op.create_index("ix_activity_author_id_created_at", "activity", ["author_id", "created_at"])


def _create_follow() -> None:
    op.create_table(
        "activity_follow",
        sa.Column("follower_id", sa.BigInteger(), nullable=False),
        sa.Column("followee_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("follower_id", "followee_id", name=op.f("pk_activity_follow")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_activity_follow_followee_id_created_at", "activity_follow", ["followee_id", "created_at"])


def _create_account() -> None:
    op.create_table(
        "activity_account",
        sa.Column("account_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("follower_count", sa.Integer(), nullable=False),
        sa.Column("following_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_activity_account")),
    )
    op.create_index("ix_activity_account_follower_count", "activity_account", ["follower_count", "account_id"])


def downgrade() -> None:
    for table in ("activity_account", "activity_follow", "activity"):
        op.drop_table(table)
