"""The words of tasks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

Result: TypeAlias = dict[str, int | str]
"""What a run tells of itself; JSON keeps it as it is."""


class Span(StrEnum):
    """How long the time is that one run of a task is for."""

    HOUR = "hour"
    DAY = "day"


LENGTHS = {Span.HOUR: timedelta(hours=1), Span.DAY: timedelta(days=1)}
FORMATS = {Span.HOUR: "%Y-%m-%dT%H", Span.DAY: "%Y-%m-%d"}


@dataclass(frozen=True, slots=True)
class Period:
    """A whole hour or a whole day, in UTC."""

    span: Span
    starts_at: datetime

    @property
    def ends_at(self) -> datetime:
        """The first moment that is not in it any more."""
        return self.starts_at + LENGTHS[self.span]

    def __str__(self) -> str:
        return self.starts_at.strftime(FORMATS[self.span])


def last_period(span: Span, moment: datetime) -> Period:
    """The last period that was over at this moment."""
    start = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if span is Span.DAY:
        start = start.replace(hour=0)
    return Period(span, start - LENGTHS[span])


def named_periods(span: Span, name: str, now: datetime) -> list[Period]:
    """The periods that somebody means by `2026-03-01` or `2026-03-01T11`, the hours of a day for tasks of an hour.

    A ValueError says what is wrong: no date, none of this span, or one that is not over yet.
    """
    last = last_period(span, now)
    found = [period for period in _named(span, name) if period.starts_at <= last.starts_at]
    if not found:
        raise ValueError("is not over yet")
    return found


def _named(span: Span, name: str) -> list[Period]:
    day, hour = _read(name, Span.DAY), _read(name, Span.HOUR)
    if hour and span is Span.HOUR:
        return [Period(span, hour)]
    if day and span is Span.DAY:
        return [Period(span, day)]
    if day:
        return [Period(span, day + hours * LENGTHS[span]) for hours in range(24)]
    if hour:
        raise ValueError("is for whole days, such as 2026-03-01")
    raise ValueError("is neither a day, such as 2026-03-01, nor an hour, such as 2026-03-01T11")


def _read(name: str, span: Span) -> datetime | None:
    try:
        moment = datetime.strptime(name, FORMATS[span]).replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment if moment.strftime(FORMATS[span]) == name else None


@dataclass(frozen=True, slots=True)
class Title:
    """What people know of a task."""

    name: str
    about: str
    """A line that says what it does."""
    span: Span
    """How long the time is that a run is for."""


@dataclass(frozen=True, slots=True)
class Count:
    """How often an account did one kind of thing."""

    account_id: int
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What some accounts did, by account and kind; all of an account are together."""

    counts: Sequence[Count]
    more: bool
    """Whether accounts with greater ids come after."""


@dataclass(frozen=True, slots=True)
class Portion:
    """What one call did of a work that takes several."""

    done: int
    more: bool


@dataclass(frozen=True, slots=True)
class Report:
    """The roll-up of a period."""

    period: Period
    rows: Sequence[Count]

    @property
    def accounts(self) -> int:
        """How many accounts did anything."""
        return len({row.account_id for row in self.rows})

    @property
    def kinds(self) -> Mapping[str, int]:
        """How often each kind of thing was done."""
        totals = Counter[str]()
        for row in self.rows:
            totals[row.kind] += row.count
        return dict(sorted(totals.items()))


class Origin(StrEnum):
    """Who asked for a run."""

    CLOCK = "clock"
    HAND = "hand"


class Outcome(StrEnum):
    """How a run ended; RETRIED is said of a step that failed and will be tried again."""

    OK = "ok"
    FAILED = "failed"
    RETRIED = "retried"


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a task."""

    id: str
    task: str
    period: str
    origin: Origin
    started_at: datetime
    ended_at: datetime | None
    """None while it runs, or when nobody could tell its end."""
    outcome: Outcome | None
    told: str
    """What it did, or why it failed."""


class StepFailed(Exception):
    """A step failed, and so did trying it again."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"{step}: {reason}")
        self.reason = reason


class Refused(Exception):
    """Somebody refused what we asked, and would refuse it again."""
