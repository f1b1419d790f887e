"""Errands: what is done in other backends after an event, in small portions, until nothing is left to do."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum

LONGEST_WAIT = timedelta(minutes=1)
"""The longest that an errand waits before it tries a backend again."""
FIRST_WAIT = timedelta(milliseconds=500)
"""How long it waits the first time; each further time twice as long."""


class ErrandKind(IntEnum):
    """What is to be done; kept by number."""

    MERGE = 1
    """Move what an account has to another."""
    ERASURE = 2
    """Forget what an account did that is closed for good."""


class ErrandState(IntEnum):
    """How far an errand is; numbered as in the contract."""

    QUEUED = 1
    RUNNING = 2
    DONE = 3
    FAILED = 4


OPEN = frozenset({ErrandState.QUEUED, ErrandState.RUNNING})
"""The states in which there is something left to do."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one step is."""

    name: str
    total: int = 0
    """How many rows there were when it began; 0 before that, and where nobody can count them."""
    moved: int = 0
    done: bool = False


@dataclass(frozen=True, slots=True)
class Errand:
    """Something to be done for an account; there is at most one of a kind for each."""

    kind: ErrandKind
    account_id: int
    target_id: int
    """The account that takes over; 0 when there is none."""
    steps: tuple[Progress, ...]
    requested_at: datetime
    due_at: datetime
    """Not to be worked on before."""
    actor_id: int = 0
    reason: str = ""
    state: ErrandState = ErrandState.QUEUED
    attempts: int = 0
    """How often in a row a backend could not be reached."""
    problem: str = ""
    """Why it failed or waits, or what was found to be odd."""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    traceparent: str = ""
    """Of the request that caused it."""
    lane: str = ""

    @property
    def next_step(self) -> Progress | None:
        """The first step that is not done."""
        return next((step for step in self.steps if not step.done), None)

    def with_step(self, changed: Progress) -> "Errand":
        """The errand with this step in the place of the one of its name."""
        return replace(self, steps=tuple(changed if step.name == changed.name else step for step in self.steps))

    def unhindered(self) -> "Errand":
        """The errand after a backend did what it should: whatever held it up is over."""
        return replace(self, attempts=0, problem="")

    def begun(self, now: datetime) -> "Errand":
        """The errand now that somebody works on it."""
        return replace(self, state=ErrandState.RUNNING, started_at=self.started_at or now)

    def finished(self, now: datetime, problem: str = "") -> "Errand":
        """The errand after its last step."""
        return replace(self, state=ErrandState.DONE, finished_at=now, problem=problem, attempts=0)

    def refused(self, now: datetime, problem: str) -> "Errand":
        """The errand after a backend refused."""
        return replace(self, state=ErrandState.FAILED, finished_at=now, problem=problem, attempts=0)

    def postponed(self, now: datetime, problem: str) -> "Errand":
        """The errand after a backend could not be reached: later each time."""
        return replace(self, attempts=self.attempts + 1, problem=problem, due_at=now + wait_before(self.attempts + 1))


def wait_before(attempt: int) -> timedelta:
    """How long to wait before the attempt with this number; the first that follows a failure is 1."""
    return min(LONGEST_WAIT, FIRST_WAIT * float(2 ** min(attempt - 1, 16)))


def steps_named(names: Sequence[str]) -> tuple[Progress, ...]:
    """Steps of which none has begun."""
    return tuple(Progress(name) for name in names)
