"""What finding, closing and merging accounts needs, and the events that tell of it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

CHUNK_ROWS = 5000
INDEXES = (
    ("ix_account_merging_into", "account", ["merging_into"]),
    ("ix_account_merged_into", "account", ["merged_into"]),
    ("ix_account_status_id", "account", ["status", "id"]),
    ("ix_account_type_id", "account", ["type", "id"]),
    ("ix_account_session_expires_at", "account_session", ["expires_at"]),
)


def upgrade() -> None:
    op.add_column("account", sa.Column("name_key", sa.String(240), nullable=False, server_default=sa.text("''")))
    op.add_column("account", sa.Column("merging_into", sa.BigInteger()))
    op.add_column("account", sa.Column("merged_into", sa.BigInteger()))
    fill_name_keys(op.get_bind())
    compare_handle_keys_by("C")
    for name, table, columns in INDEXES:
        op.create_index(op.f(name), table, columns)
    create_outbox()


def downgrade() -> None:
    op.drop_table("account_outbox")
    for name, table, _columns in reversed(INDEXES):
        op.drop_index(op.f(name), table)
    compare_handle_keys_by("default")
    for column in ("merged_into", "merging_into", "name_key"):
        op.drop_column("account", column)


def compare_handle_keys_by(collation: str) -> None:
    if op.get_bind().dialect.name == "postgresql":  # SQLite compares bytes by itself.
        op.alter_column("account", "handle_key", type_=sa.String(30, collation=collation), existing_nullable=False)


def fill_name_keys(connection: sa.Connection) -> None:
    accounts = sa.table(
        "account", sa.column("id", sa.BigInteger), sa.column("display_name"), sa.column("name_key", sa.String)
    )
    change = accounts.update().where(accounts.c.id == sa.bindparam("of")).values(name_key=sa.bindparam("key"))
    last = -(2**63)
    while True:
        query = sa.select(accounts.c.id, accounts.c.display_name).where(accounts.c.id > last)
        rows = connection.execute(query.order_by(accounts.c.id).limit(CHUNK_ROWS)).all()
        if not rows:
            return
        connection.execute(change, [{"of": row.id, "key": row.display_name.casefold()} for row in rows])
        last = rows[-1].id


def create_outbox() -> None:
    op.create_table(
        "account_outbox",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("traceparent", sa.String(64), nullable=False),
        sa.Column("lane", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_account_outbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_account_outbox_event_id")),
    )
    unsent = sa.text("sent_at IS NULL")
    op.create_index(
        "ix_account_outbox_unsent", "account_outbox", ["sequence"], sqlite_where=unsent, postgresql_where=unsent
    )
    op.create_index("ix_account_outbox_sent_at", "account_outbox", ["sent_at"])
