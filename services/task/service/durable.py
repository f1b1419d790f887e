"""Runs that outlive their process: DBOS keeps schedules, ticks and steps; the one module that knows it.

DBOS exists once in a process and works in threads of its own. Runs live on its event loop, their steps are done on
ours: database, channels and cache belong to it. A step that is done is never done again, since its answer is kept; one
that was cut short is done anew when the run is taken up by the next process that leads.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from services.task.biz import Patience, StepFailed, Steps
from services.task.service.attempts import Attempts, is_worth_another, reason

T = TypeVar("T")
NAME = "atrium-task"
VERSION = "1"
"""Of the steps of tasks: when they become others, runs of the old ones must not be taken up with the new."""
AT_ONCE = 4
"""How many steps are done at the same time, so that catching up after a long night leaves room for others."""
THREADS = 8
LOOK_BACK = timedelta(seconds=30)
"""How long before the last tick that was fired there may be one that was not: longer than a store that ails is left."""
FORGET = 500
"""How many old runs are forgotten at once."""
TOLD_BY_US = (
    "Step being automatically retried",
    "Exception encountered in asynchronous workflow",
    "Asyncio task cancel",
)
"""How messages begin by which DBOS repeats what we log ourselves."""
_ONLY_ONE = threading.Lock()


class RunTask(Protocol):
    """Runs a task for a tick of its schedule."""

    async def __call__(self, run_id: str, task: str, tick: datetime, steps: Steps) -> None:
        """Runs to its end; what it raises makes the run a failed one."""
        ...


class Durable:
    """The schedules of tasks, while this process leads."""

    def __init__(self, url: str, schedules: Mapping[str, str], run: RunTask, retried: Callable[[str], None]) -> None:
        """`url` is for SQLAlchemy without asyncio; `schedules` are cron expressions by task, in UTC."""
        self._url = url
        self._schedules = schedules
        self._run = run
        self._retried = retried
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def open(self) -> bool:
        """Takes up runs that were cut short, catches up on missed ticks, and goes on with the clock.

        False when this process does so already.
        """
        if not _ONLY_ONE.acquire(blocking=False):
            return False
        self._loop = asyncio.get_running_loop()
        try:
            await asyncio.to_thread(self._launch)
        except BaseException:
            await self.close()
            raise
        return True

    async def close(self) -> None:
        """Cuts runs short; whoever opens next takes them up."""
        try:
            await asyncio.to_thread(_destroy)
        finally:
            _ONLY_ONE.release()

    async def start_now(self, tasks: list[str]) -> None:
        """Runs these tasks as if their tick were now."""
        await asyncio.to_thread(_trigger, tasks)

    async def catch_up(self) -> None:
        """Runs ticks that were due and not fired; DBOS drops one if its store fails it then, or if it just starts."""
        await asyncio.to_thread(_catch_up)

    async def forget(self, before: datetime) -> None:
        """Removes what is kept of runs that ended before this moment."""
        await asyncio.to_thread(_forget, before)

    def _launch(self) -> None:
        _quieten()
        from dbos import DBOS, DBOSPortableJSONSerializer

        DBOS(
            config={
                "name": NAME,
                "system_database_url": self._url,
                "dbos_system_schema": "task_dbos",
                "application_version": VERSION,
                "executor_id": NAME,
                "serializer": DBOSPortableJSONSerializer(),
                "enable_otlp": False,
                "log_level": "WARNING",
                "sys_db_pool_size": 4,
                "max_executor_threads": THREADS,
                "use_listen_notify": False,
                "notification_listener_polling_interval_sec": 0.2,
            }
        )
        tick = DBOS.workflow(name="tick", max_recovery_attempts=None)(self._workflow())
        DBOS.launch()
        for schedule in DBOS.list_schedules():
            if schedule["schedule_name"] not in self._schedules:
                DBOS.delete_schedule(schedule["schedule_name"])
        DBOS.apply_schedules([_schedule(name, cron, tick) for name, cron in self._schedules.items()])

    def _workflow(self) -> Callable[["datetime | str", str], Awaitable[None]]:
        from dbos import DBOS

        # A plain function: DBOS writes on it.
        async def tick(at: "datetime | str", task: str) -> None:
            moment = at if isinstance(at, datetime) else datetime.fromisoformat(at)
            steps = DurableSteps(task, self.on_our_loop, self._retried)
            await self._run(str(DBOS.workflow_id), task, moment, steps)

        return tick

    async def on_our_loop(self, work: Callable[[], Awaitable[T]]) -> T:
        """Does the work where databases and channels live, when it is its turn."""
        if self._loop is None:
            raise RuntimeError("nothing is open")

        async def in_turn() -> T:
            async with self._turns:
                return await work()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(in_turn(), self._loop))


class OnOurLoop(Protocol):
    """Does some work on the event loop of the process."""

    async def __call__(self, work: Callable[[], Awaitable[T]]) -> T:
        """What the work answers."""
        ...


class DurableSteps:
    """The steps of one run, each kept once it is done."""

    def __init__(self, task: str, on_our_loop: OnOurLoop, retried: Callable[[str], None]) -> None:
        self._task = task
        self._on_our_loop = on_our_loop
        self._retried = retried

    async def do(self, name: str, work: Callable[[], Awaitable[T]], patience: Patience) -> T:
        """What the work answers, or answered before; StepFailed when no attempt did."""
        from dbos import DBOS, StepOptions

        attempts = Attempts(self._task, name, patience.attempts, self._retried)

        async def attempt() -> T:
            return await self._on_our_loop(lambda: attempts.make(work))

        options: StepOptions = {
            "name": name,
            "retries_allowed": patience.attempts > 1,
            "max_attempts": patience.attempts,
            "interval_seconds": patience.first_pause,
            "backoff_rate": 2.0,
            "should_retry": is_worth_another,
        }
        try:
            return await DBOS.run_step_async(options, attempt)
        except Exception as problem:
            tried: list[Exception] = getattr(problem, "errors", None) or [problem]
            raise StepFailed(name, reason(tried[-1])) from problem

    def tell(self, so_far: str) -> None:
        """Nobody watches."""


def _quieten() -> None:
    """Has the warnings of DBOS go the way of all others, but for what is told already."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:  # With one it does not print to stderr by itself.
        logger.addHandler(logging.NullHandler())
        logger.addFilter(lambda record: not str(record.msg).startswith(TOLD_BY_US))


def _schedule(name: str, cron: str, workflow: Callable[..., Awaitable[None]]) -> Any:
    return {
        "schedule_name": name,
        "workflow_fn": workflow,
        "schedule": cron,
        "context": name,
        "automatic_backfill": True,
    }


def _destroy() -> None:
    from dbos import DBOS

    DBOS.destroy(destroy_registry=True)


def _trigger(tasks: list[str]) -> None:
    from dbos import DBOS

    for task in tasks:
        DBOS.trigger_schedule(task)


def _catch_up() -> None:
    from dbos import DBOS

    for schedule in DBOS.list_schedules():
        if fired_at := schedule["last_fired_at"]:
            since = datetime.fromisoformat(fired_at) - LOOK_BACK
            DBOS.backfill_schedule(schedule["schedule_name"], since, datetime.now(UTC))


def _forget(before: datetime) -> None:
    from dbos import DBOS

    over = ["SUCCESS", "ERROR", "CANCELLED"]
    options: dict[str, Any] = {"load_input": False, "load_output": False}
    while old := DBOS.list_workflows(status=over, end_time=before.isoformat(), limit=FORGET, **options):
        DBOS.delete_workflows([workflow.workflow_id for workflow in old])
