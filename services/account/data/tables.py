"""The tables of the account backend."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table, text

from services.runtime import outbox
from services.runtime.database import UtcDateTime, metadata

METADATA = metadata()
BYTEWISE = String(30).with_variant(String(30, collation="C"), "postgresql")
"""Compared byte by byte, as SQLite does by itself: an index then finds what begins so."""

account_table = Table(
    "account",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("type", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("handle", String(30), nullable=False),
    Column("handle_key", BYTEWISE, nullable=False, unique=True),
    Column("display_name", String(80), nullable=False),
    Column("name_key", String(240), nullable=False, server_default=text("''")),
    Column("avatar_url", String(500)),
    Column("bio", String(500)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("closes_at", UtcDateTime),
    Column("attributes", JSON, nullable=False),
    # No foreign keys: SQLite cannot add them to a table that is there, and no account is ever deleted.
    Column("merging_into", BigInteger, index=True),
    Column("merged_into", BigInteger, index=True),
    Index(None, "status", "closes_at"),
    Index("ix_account_status_id", "status", "id"),
    Index("ix_account_type_id", "type", "id"),
)
"""The accounts; `attributes` are those of the account's type, the keys of handle and name those without case."""

credential_table = Table(
    "account_credential",
    METADATA,
    Column("account_id", ForeignKey(account_table.c.id, ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("password_hash", String(200), nullable=False),
)
"""How accounts prove who they are; apart, so that reading an account never reads a hash."""

session_table = Table(
    "account_session",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    Column("account_id", ForeignKey(account_table.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)
"""Who is signed in."""

team_table = Table(
    "account_team_member",
    METADATA,
    Column("business_id", ForeignKey(account_table.c.id, ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("member_id", ForeignKey(account_table.c.id, ondelete="CASCADE"), primary_key=True, index=True),
    Column("joined_at", UtcDateTime, nullable=False),
)
"""Who works for a business."""

outbox_table = outbox.outbox_table(METADATA, "account")
"""What happened to accounts, until everybody has been told."""
