"""The tasks. Each is written as steps that may be repeated without harm."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar, TypedDict

from services.task.biz.ports import Behaviour, History, Lives, Patience, Reports, RollupRepo, Steps, Stores, Task
from services.task.biz.words import Period, Portion, Report, Result, Span, StepFailed, Title

LONG = Patience(attempts=32)
"""Tries for about a day: what this run does not do, no later one does."""
SHORT = Patience(attempts=6)
"""Tries for half a minute: the next run does whatever this one leaves."""
KEEP_SESSIONS = timedelta(days=1)
"""How long a session that has expired is kept, so that its owner hears of that and not of an unknown token."""
KEEP_EVENTS = timedelta(days=7)
"""How long events that were sent or taken are kept: the bus must not deliver one again after so long."""
KEEP_RUNS = timedelta(days=90)
"""How long the history of runs is kept."""

ROLLUPS = {
    Span.HOUR: Title("rollup-hourly", "counts what each account did in the hour, by kind, and reports it", Span.HOUR),
    Span.DAY: Title("rollup-daily", "counts what each account did in the day, by kind, and reports it", Span.DAY),
}
PURGE_SESSIONS = Title(
    "purge-sessions", f"removes sessions that ended more than {KEEP_SESSIONS.days} day before", Span.HOUR
)
END_CLOSURES = Title("end-closures", "closes for good the accounts whose cooling-off period is over by now", Span.HOUR)
CLEAN_UP = Title(
    "clean-up",
    f"removes events sent or taken more than {KEEP_EVENTS.days} days before, and runs older than {KEEP_RUNS.days} days",
    Span.DAY,
)
TITLES = {title.name: title for title in (*ROLLUPS.values(), PURGE_SESSIONS, END_CLOSURES, CLEAN_UP)}
"""Every task by its name."""


class _Page(TypedDict):
    accounts: int
    activities: int
    last: int
    more: bool


@dataclass(frozen=True, slots=True)
class Rollup:
    """Counts what every account did in a period, kind by kind, and reports it."""

    title: Title
    behaviour: Behaviour
    rollups: RollupRepo
    reports: Reports
    patience: Patience = LONG

    async def run(self, period: Period, steps: Steps) -> Result:
        """Rolls up page by page, each in the place of what was there, then reports."""
        accounts = activities = last = 0
        more = True
        while more:
            page = await steps.do(f"accounts after {last}", partial(self._page, period, last), self.patience)
            accounts, activities = accounts + page["accounts"], activities + page["activities"]
            last, more = page["last"], page["more"]
            steps.tell(f"{accounts:,} accounts, {activities:,} activities")
        where = await steps.do("report", partial(self._report, period), self.patience)
        return {"accounts": accounts, "activities": activities, "report": where}

    async def _page(self, period: Period, after: int) -> _Page:
        found = await self.behaviour.counted(period, after)
        ids = {row.account_id for row in found.counts}
        last = max(ids, default=after)
        more = found.more and bool(ids)
        await self.rollups.replace(period, after, last if more else None, found.counts)
        return _Page(accounts=len(ids), activities=sum(row.count for row in found.counts), last=last, more=more)

    async def _report(self, period: Period) -> str:
        return await self.reports.deliver(Report(period, await self.rollups.of(period)))


class _Part(TypedDict):
    done: int
    more: bool


async def _in_portions(steps: Steps, name: str, call: Callable[[], Awaitable[Portion]], patience: Patience) -> int:
    """Calls until nothing is left; how much was done."""

    async def portion() -> _Part:
        found = await call()
        return _Part(done=found.done, more=found.more)

    done, number, more = 0, 0, True
    while more:
        number += 1
        part = await steps.do(f"{name}, portion {number}", portion, patience)
        done, more = done + part["done"], part["more"]
        steps.tell(f"{name}: {done:,}")
    return done


@dataclass(frozen=True, slots=True)
class PurgeSessions:
    """Removes sessions that ended a while ago."""

    lives: Lives
    patience: Patience = SHORT
    title: ClassVar[Title] = PURGE_SESSIONS

    async def run(self, period: Period, steps: Steps) -> Result:
        """Removes portion by portion."""
        purge = partial(self.lives.purge_sessions, period.ends_at - KEEP_SESSIONS)
        return {"sessions": await _in_portions(steps, "sessions", purge, self.patience)}


@dataclass(frozen=True, slots=True)
class EndClosures:
    """Ends the cooling-off period of closures."""

    lives: Lives
    patience: Patience = SHORT
    title: ClassVar[Title] = END_CLOSURES

    async def run(self, period: Period, steps: Steps) -> Result:
        """Closes portion by portion."""
        return {"accounts": await _in_portions(steps, "accounts", self.lives.end_closures, self.patience)}


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Removes what was only kept to be safe: events that were sent or taken, old runs of tasks."""

    stores: Stores
    history: History
    patience: Patience = SHORT
    title: ClassVar[Title] = CLEAN_UP

    async def run(self, period: Period, steps: Steps) -> Result:
        """Cleans store by store; one that cannot be reached does not keep the others from it."""
        result: Result = {}
        failed: dict[str, str] = {}
        for backend in self.stores.backends:
            try:
                result[backend] = await self._events(backend, period.ends_at - KEEP_EVENTS, steps)
            except StepFailed as error:
                failed[backend] = error.reason
        forget = partial(self.history.forget, period.ends_at - KEEP_RUNS)
        result["runs"] = await steps.do("runs", forget, self.patience)
        if failed:
            raise StepFailed(f"events of {', '.join(failed)}", "; ".join(dict.fromkeys(failed.values())))
        return result

    async def _events(self, backend: str, before: datetime, steps: Steps) -> int:
        purge = partial(self.stores.purge_events, backend, before)
        return await _in_portions(steps, f"events of {backend}", purge, self.patience)


def all_tasks(
    behaviour: Behaviour, rollups: RollupRepo, reports: Reports, lives: Lives, stores: Stores, history: History
) -> Mapping[str, Task]:
    """Every task by its name."""
    tasks: list[Task] = [
        *(Rollup(title, behaviour, rollups, reports) for title in ROLLUPS.values()),
        PurgeSessions(lives),
        EndClosures(lives),
        CleanUp(stores, history),
    ]
    return {task.title.name: task for task in tasks}
