"""Roles by account type, exceptions by account, and the menu."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "permission_role",
        sa.Column("account_type", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("permission", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("account_type", "permission", name=op.f("pk_permission_role")),
    )
    op.create_table(
        "permission_grant",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("permission", sa.String(100), nullable=False),
        sa.Column("effect", sa.String(5), nullable=False),
        sa.CheckConstraint("effect IN ('ALLOW', 'DENY')", name=op.f("ck_permission_grant_effect")),
        sa.PrimaryKeyConstraint("account_id", "permission", "effect", name=op.f("pk_permission_grant")),
    )
    op.create_table(
        "permission_feature",
        sa.Column("key", sa.String(50), nullable=False),
        sa.Column("title", sa.String(100), nullable=False),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("badge", sa.String(20), nullable=True),
        sa.Column("permission", sa.String(100), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_permission_feature")),
        sa.UniqueConstraint("position", name=op.f("uq_permission_feature_position")),
    )


def downgrade() -> None:
    for table in ("permission_feature", "permission_grant", "permission_role"):
        op.drop_table(table)
