"""The clock of tasks: one process leads and runs the schedules, the others stand by."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from services.runtime.clock import Clock
from services.runtime.telemetry import in_trace
from services.task.biz import KEEP_RUNS, History, Origin, Runs, Steps, last_period
from services.task.service.attempts import reason

_log = structlog.get_logger(__name__)

REST_SECONDS = 3.0
"""How long after the start of the process schedules wait: the start is for those who wait for answers."""
BEAT_SECONDS = 1.0
"""How often a process that stands by asks for the lead, and the one that leads whether it still does."""
CATCH_UP_BEATS = 5
"""Every how many beats of a lead to look for ticks that were due and did not run."""
AILING_SECONDS = 5.0
"""How long to wait when the store cannot be used."""
FORGET_EVERY = timedelta(days=1)


class Lead(Protocol):
    """The lead over all processes that use one store, which one of them can have."""

    async def take(self) -> bool:
        """Takes it, if nobody has it; whether this process has it now."""
        ...

    async def holds(self) -> bool:
        """Whether this process still has it; raises when nobody can tell."""
        ...

    async def give_up(self) -> None:
        """Leaves it to others."""
        ...


class Schedules(Protocol):
    """What leads when this process has the lead."""

    async def open(self) -> bool:
        """Takes up what was cut short or missed, and goes on; False when this process does so already."""
        ...

    async def close(self) -> None:
        """Stops; nothing is lost."""
        ...

    async def start_now(self, tasks: list[str]) -> None:
        """Runs tasks without waiting for their tick."""
        ...

    async def catch_up(self) -> None:
        """Runs what was due and did not run."""
        ...

    async def forget(self, before: datetime) -> None:
        """Removes what is kept of runs that ended before this moment."""
        ...


class Scheduler:
    """A `lifecycle.Server` that runs the schedules of tasks whenever it has the lead."""

    def __init__(
        self,
        lead: Lead,
        schedules: Schedules,
        history: History,
        clock: Clock,
        first_tasks: Sequence[str] = (),
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        """`first_tasks` run at once in a store where none ever ran."""
        self._lead = lead
        self._schedules = schedules
        self._history = history
        self._clock = clock
        self._first_tasks = first_tasks
        self._rest_seconds = rest_seconds
        self._stopping = asyncio.Event()
        self.leads = False
        """Whether the schedules run here."""

    async def serve(self) -> None:
        """Leads or stands by until stopped."""
        await self._wait(self._rest_seconds)
        ailing = False
        while not self._stopping.is_set():
            try:
                await self._turn()
                ailing = False
            except Exception as problem:
                if not ailing:
                    _log.warning("schedules cannot run", reason=reason(problem))
                ailing = True
            await self._wait(AILING_SECONDS if ailing else BEAT_SECONDS)

    async def stop(self, grace: float) -> None:
        """Ends the lead; runs are taken up where they are by whoever leads next."""
        self._stopping.set()

    async def _turn(self) -> None:
        never_ran = not await self._history.latest(1)
        if not await self._lead.take():
            return
        try:
            if await self._schedules.open():
                await self._lead_on(never_ran)
        finally:
            await self._lead.give_up()

    async def _lead_on(self, never_ran: bool) -> None:
        _log.info("schedules run here")
        self.leads = True
        try:
            if never_ran and self._first_tasks:
                await self._schedules.start_now([*self._first_tasks])
            await self._until_over()
        finally:
            self.leads = False
            await self._schedules.close()

    async def _until_over(self) -> None:
        forgotten_at = datetime.min.replace(tzinfo=self._clock().tzinfo)
        beats = 0
        while not self._stopping.is_set() and await self._lead.holds():
            if beats % CATCH_UP_BEATS == 0:
                await self._schedules.catch_up()
            beats += 1
            if self._clock() - forgotten_at >= FORGET_EVERY:
                forgotten_at = self._clock()
                await self._schedules.forget(forgotten_at - KEEP_RUNS)
            await self._wait(BEAT_SECONDS)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


class ScheduledRuns:
    """Runs a task for a tick: for the period that was over then."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def __call__(self, run_id: str, task: str, tick: datetime, steps: Steps) -> None:
        """Runs it in a trace of its own; a failure is logged here, and ends the run as a failed one."""
        chosen = self._runs.tasks[task]
        period = last_period(chosen.title.span, tick)
        with in_trace():
            try:
                result = await self._runs.run(run_id, chosen, period, Origin.CLOCK, steps)
            except Exception as problem:
                _log.error("task failed", task=task, period=str(period), reason=reason(problem))
                raise
            _log.info("task done", task=task, period=str(period), **result)
