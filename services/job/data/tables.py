"""The tables of the job service, and what their rows are to it."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Row,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from services.job.biz.changes import Change, ChangeKind
from services.job.biz.errands import Errand, ErrandKind, ErrandState, Progress
from services.job.biz.happenings import Difference
from services.runtime.database import UtcDateTime, metadata
from services.runtime.inbox import inbox_tables
from services.runtime.lane import LANE_LENGTH

METADATA = metadata()
INBOX = inbox_tables(METADATA, "job")

CHANGE = Table(
    "job_change",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("event_id", String(36), nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("actor_id", BigInteger, nullable=False),
    Column("reason", String(500), nullable=False),
    Column("occurred_at", UtcDateTime(), nullable=False),
    Column("differences", JSON, nullable=False),
    Column("erased", Boolean, nullable=False),
    UniqueConstraint("event_id", "account_id"),
)
"""The histories; `differences` are lists of field, before and after."""
Index("ix_job_change_account_id", CHANGE.c.account_id, CHANGE.c.occurred_at, CHANGE.c.id)

ERRAND = Table(
    "job_errand",
    METADATA,
    Column("kind", SmallInteger, nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("target_id", BigInteger, nullable=False),
    Column("steps", JSON, nullable=False),
    Column("actor_id", BigInteger, nullable=False),
    Column("reason", String(500), nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("problem", String(500), nullable=False),
    Column("requested_at", UtcDateTime(), nullable=False),
    Column("due_at", UtcDateTime(), nullable=False),
    Column("started_at", UtcDateTime()),
    Column("finished_at", UtcDateTime()),
    Column("traceparent", String(64), nullable=False),
    Column("lane", String(LANE_LENGTH), nullable=False),
    Column("holder", String(36), nullable=False),
    Column("held_until", UtcDateTime()),
    PrimaryKeyConstraint("kind", "account_id"),
)
"""The errands; `steps` are objects with the fields of `Progress`, `holder` works on it until `held_until`."""
IS_OPEN = ERRAND.c.finished_at.is_(None)
"""Whether there is something left to do; it neither was done nor failed."""
Index("ix_job_errand_due_at", ERRAND.c.due_at, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)
Index("ix_job_errand_requested_at", ERRAND.c.kind, ERRAND.c.requested_at, ERRAND.c.account_id)


def change_row(change: Change) -> dict[str, Any]:
    """What is kept of a change, but for its id."""
    return {
        "event_id": change.event_id,
        "account_id": change.account_id,
        "kind": int(change.kind),
        "actor_id": change.actor_id,
        "reason": change.reason,
        "occurred_at": change.occurred_at,
        "differences": [[each.field, each.before, each.after] for each in change.differences],
        "erased": change.erased,
    }


def change_from_row(row: Row[Any]) -> Change:
    """The change that a row keeps."""
    return Change(
        event_id=row.event_id,
        account_id=row.account_id,
        kind=ChangeKind(row.kind),
        actor_id=row.actor_id,
        reason=row.reason,
        occurred_at=row.occurred_at,
        differences=tuple(Difference(*each) for each in row.differences),
        erased=row.erased,
    )


def errand_row(errand: Errand) -> dict[str, Any]:
    """What is kept of an errand, but for its holder."""
    return {
        "kind": int(errand.kind),
        "account_id": errand.account_id,
        "target_id": errand.target_id,
        "steps": [
            {"name": step.name, "total": step.total, "moved": step.moved, "done": step.done} for step in errand.steps
        ],
        "actor_id": errand.actor_id,
        "reason": errand.reason,
        "state": int(errand.state),
        "attempts": errand.attempts,
        "problem": errand.problem[:500],
        "requested_at": errand.requested_at,
        "due_at": errand.due_at,
        "started_at": errand.started_at,
        "finished_at": errand.finished_at,
        "traceparent": errand.traceparent,
        "lane": errand.lane,
    }


def errand_from_row(row: Row[Any]) -> Errand:
    """The errand that a row keeps."""
    return Errand(
        kind=ErrandKind(row.kind),
        account_id=row.account_id,
        target_id=row.target_id,
        steps=tuple(Progress(**step) for step in row.steps),
        actor_id=row.actor_id,
        reason=row.reason,
        state=ErrandState(row.state),
        attempts=row.attempts,
        problem=row.problem,
        requested_at=row.requested_at,
        due_at=row.due_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        traceparent=row.traceparent,
        lane=row.lane,
    )
