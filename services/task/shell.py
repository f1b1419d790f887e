"""What a command about tasks does from its start to its exit code."""

import asyncio
import uuid
from collections.abc import Sequence

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.runtime.commandline import say
from services.runtime.console import console
from services.runtime.embedded import as_found
from services.runtime.lifecycle import StartError
from services.runtime.migrate import is_current
from services.runtime.process import explained
from services.runtime.serving import open_all
from services.runtime.settings import Settings
from services.runtime.telemetry import configure_logging, in_trace
from services.task.biz import Origin, Period, Run, Runs, StepFailed
from services.task.service import HandSteps
from services.task.wire import BACKEND, history_of, runs_of

OK = 0
FAILED = 1


async def run_process(name: str, periods: Sequence[Period], settings: Settings) -> int:
    """Runs a task for one period after the other, under a bar that shows how far it is; 1 when one of them failed."""
    configure_logging("error")
    async with open_all([BACKEND], as_found(settings)) as resources:
        lent = resources[BACKEND]
        with explained(BACKEND):
            if not await is_current(BACKEND, lent.database):
                raise StartError("the task store is not up to date: run `python -m services migrate`")
        try:
            with _bar() as bar:
                await _run_all(runs_of(lent), name, periods, bar)
        except StepFailed as error:
            say(f"{name} failed: {error}")
            return FAILED
    return OK


async def _run_all(runs: Runs, name: str, periods: Sequence[Period], bar: Progress) -> None:
    shown = bar.add_task(name, total=len(periods), period="", told="")
    for period in periods:
        bar.update(shown, period=str(period), told="")
        steps = HandSteps(name, lambda told: bar.update(shown, told=told), runs.retried)
        run_id = str(uuid.uuid4())
        try:
            with in_trace():
                result = await runs.run(run_id, runs.tasks[name], period, Origin.HAND, steps)
        except asyncio.CancelledError:
            await runs.broken_off(run_id, name)
            say(f"{name} {period} was interrupted: run it again")
            raise
        said = ", ".join(f"{key}: {value}" for key, value in result.items())
        bar.console.print(f"{name} {period}  {said}", markup=False, soft_wrap=True)
        bar.advance(shown)


def _bar() -> Progress:
    columns = (
        TextColumn("{task.description} {task.fields[period]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[told]}"),
    )
    return Progress(*columns, console=console())


async def history_process(name: str | None, first: int, settings: Settings) -> int:
    """Shows the last runs."""
    configure_logging("error")
    async with open_all([BACKEND], settings) as resources:
        with explained(BACKEND):
            runs = await history_of(resources[BACKEND]).latest(first, name)
    console().print(_table(runs) if runs else "no runs yet")
    return OK


def _table(runs: Sequence[Run]) -> Table:
    table = Table("task", "for", "by", "began", "took", "outcome", "what it did")
    for run in runs:
        table.add_row(run.task, run.period, run.origin, f"{run.started_at:%Y-%m-%d %H:%M:%S}", *_end(run), run.told)
    return table


def _end(run: Run) -> tuple[str, str]:
    if run.ended_at is None or run.outcome is None:
        return "", "not over"
    return f"{(run.ended_at - run.started_at).total_seconds():.1f} s", run.outcome
