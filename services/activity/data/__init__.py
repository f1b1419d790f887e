"""Where activities and follows are kept: SQLite or PostgreSQL, by the database's own dialect."""

from services.activity.data.activities import SqlActivityStore
from services.activity.data.follows import SqlFollowStore
from services.activity.data.holdings import SqlHoldingStore
from services.activity.data.tables import ACCOUNT, ACTIVITY, FOLLOW, METADATA, OUTBOX

__all__ = [
    "ACCOUNT",
    "ACTIVITY",
    "FOLLOW",
    "METADATA",
    "OUTBOX",
    "SqlActivityStore",
    "SqlFollowStore",
    "SqlHoldingStore",
]
