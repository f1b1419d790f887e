"""The real stores of the activity backend, on a test's resources."""

from services.activity.data import OUTBOX, SqlActivityStore, SqlFollowStore, SqlHoldingStore
from services.runtime.backend import Resources
from services.runtime.outbox import Outbox


def activity_store(resources: Resources) -> SqlActivityStore:
    return SqlActivityStore(resources.database, _outbox(resources))


def follow_store(resources: Resources) -> SqlFollowStore:
    return SqlFollowStore(resources.database, _outbox(resources))


def holding_store(resources: Resources) -> SqlHoldingStore:
    return SqlHoldingStore(resources.database, _outbox(resources))


def _outbox(resources: Resources) -> Outbox:
    return Outbox(OUTBOX, "activity", resources.clock)
