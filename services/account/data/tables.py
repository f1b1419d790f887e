"""The tables of the account backend."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, String, Table

from services.runtime.database import UtcDateTime, metadata

METADATA = metadata()

account_table = Table(
    "account",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("type", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("handle", String(30), nullable=False),
    Column("handle_key", String(30), nullable=False, unique=True),
    Column("display_name", String(80), nullable=False),
    Column("avatar_url", String(500)),
    Column("bio", String(500)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("closes_at", UtcDateTime),
    Column("attributes", JSON, nullable=False),
    Index(None, "status", "closes_at"),
)
"""The accounts; `attributes` are those of the account's type."""

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
    Column("expires_at", UtcDateTime, nullable=False),
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
