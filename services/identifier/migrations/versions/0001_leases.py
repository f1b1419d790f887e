"""Who holds which worker number."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "identifier_lease",
        sa.Column("worker", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.String(36), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("last_tick", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("worker BETWEEN 0 AND 1023", name=op.f("ck_identifier_lease_worker")),
        sa.PrimaryKeyConstraint("worker", name=op.f("pk_identifier_lease")),
    )


def downgrade() -> None:
    op.drop_table("identifier_lease")
