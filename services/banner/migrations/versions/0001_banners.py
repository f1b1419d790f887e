"""Banners and the account types they are meant for."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "banner",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("image_url", sa.String(500), nullable=False),
        sa.Column("target_url", sa.String(500), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("daily_cap", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("weight > 0", name=op.f("ck_banner_weight")),
        sa.CheckConstraint("daily_cap >= 0", name=op.f("ck_banner_daily_cap")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_banner_schedule")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_banner")),
    )
    op.create_index(op.f("ix_banner_slot"), "banner", ["slot", "ends_at"])
    op.create_table(
        "banner_target",
        sa.Column("banner_id", sa.BigInteger(), nullable=False),
        sa.Column("account_type", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["banner_id"], ["banner.id"], name=op.f("fk_banner_target_banner_id_banner"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("banner_id", "account_type", name=op.f("pk_banner_target")),
    )


def downgrade() -> None:
    for table in ("banner_target", "banner"):
        op.drop_table(table)
