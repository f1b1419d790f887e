"""The tables of the activity backend."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, SmallInteger, String, Table

from services.activity.biz import TEXT_LIMIT
from services.runtime.database import UtcDateTime, metadata
from services.runtime.outbox import outbox_table

# SQLite finds a row by an INTEGER primary key without an index beside the table.
_KEY = BigInteger().with_variant(Integer, "sqlite")

METADATA = metadata()

ACTIVITY = Table(
    "activity",
    METADATA,
    Column("id", _KEY, primary_key=True, autoincrement=False),
    Column("author_id", BigInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("text", String(TEXT_LIMIT), nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
)
# With the kind in it, a list is chosen from this index alone; only the rows of the page itself are read.
Index("ix_activity_author_id_id", ACTIVITY.c.author_id, ACTIVITY.c.id, ACTIVITY.c.kind)
Index("ix_activity_author_id_created_at", ACTIVITY.c.author_id, ACTIVITY.c.created_at)
# What all did within a period is counted from this index alone.
Index("ix_activity_created_at", ACTIVITY.c.created_at, ACTIVITY.c.author_id, ACTIVITY.c.kind)

FOLLOW = Table(
    "activity_follow",
    METADATA,
    Column("follower_id", BigInteger, nullable=False),
    Column("followee_id", BigInteger, nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
    PrimaryKeyConstraint("follower_id", "followee_id"),
    sqlite_with_rowid=False,
)
Index("ix_activity_follow_followee_id_created_at", FOLLOW.c.followee_id, FOLLOW.c.created_at)

ACCOUNT = Table(
    "activity_account",
    METADATA,
    Column("account_id", _KEY, primary_key=True, autoincrement=False),
    Column("follower_count", Integer, nullable=False),
    Column("following_count", Integer, nullable=False),
)
Index("ix_activity_account_follower_count", ACCOUNT.c.follower_count, ACCOUNT.c.account_id)

OUTBOX = outbox_table(METADATA, "activity")
