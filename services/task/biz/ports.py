"""What tasks need of others."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from services.task.biz.words import Count, Counts, Origin, Outcome, Period, Portion, Report, Result, Run, Title

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a step is tried."""

    attempts: int
    first_pause: float = 1.0
    """Seconds before the second attempt; doubled before each further one, up to an hour."""


class Steps(Protocol):
    """Does the steps of one run."""

    async def do(self, name: str, work: Callable[[], Awaitable[T]], patience: Patience) -> T:
        """What the work answers, which JSON can hold. A step that is done is not done again when the run is resumed.

        StepFailed when every attempt failed, or the first was refused.
        """
        ...

    def tell(self, so_far: str) -> None:
        """Shows whoever watches how far the run is."""
        ...


class Task(Protocol):
    """Something that is done again and again, each time for a period."""

    @property
    def title(self) -> Title:
        """What people know of it."""
        ...

    @property
    def patience(self) -> Patience:
        """How often its steps are tried."""
        ...

    async def run(self, period: Period, steps: Steps) -> Result:
        """Does it for a period; doing it again gives the same. StepFailed when it cannot be done now."""
        ...


class Behaviour(Protocol):
    """Who knows what accounts did."""

    async def counted(self, period: Period, after_account_id: int) -> Counts:
        """What the next accounts did in the period, by id."""
        ...


class RollupRepo(Protocol):
    """Where roll-ups are kept."""

    async def replace(self, period: Period, after: int, upto: int | None, counts: Sequence[Count]) -> None:
        """Puts the counts in the place of all that is kept of accounts above `after`, up to `upto` or without end."""
        ...

    async def of(self, period: Period) -> Sequence[Count]:
        """The roll-up of a period, by account and kind."""
        ...


class Reports(Protocol):
    """Who gets reports."""

    async def deliver(self, report: Report) -> str:
        """Hands the report over; where it went. Refused when it is not wanted. Delivering again changes nothing."""
        ...


class Lives(Protocol):
    """Who keeps accounts and sessions."""

    async def purge_sessions(self, before: datetime) -> Portion:
        """Removes some of the sessions that ended before this moment."""
        ...

    async def end_closures(self) -> Portion:
        """Closes for good some of the accounts whose cooling-off period is over."""
        ...


class Stores(Protocol):
    """The stores of the backends, each behind its owner."""

    @property
    def backends(self) -> Sequence[str]:
        """Whose stores there are."""
        ...

    async def purge_events(self, backend: str, before: datetime) -> Portion:
        """Removes events that were sent, and the memory of those that were taken, before this moment."""
        ...


class History(Protocol):
    """What is known of runs."""

    async def begun(self, run_id: str, task: str, period: str, origin: Origin) -> None:
        """Notes that a run begins; one that is resumed keeps its beginning."""
        ...

    async def ended(self, run_id: str, outcome: Outcome, told: str) -> None:
        """Notes how it ended."""
        ...

    async def latest(self, count: int, task: str | None = None) -> Sequence[Run]:
        """The last runs, newest first."""
        ...

    async def forget(self, before: datetime) -> int:
        """Removes runs that began before this moment; how many."""
        ...
