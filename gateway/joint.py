"""Equal queries of one moment, run once for all who ask them.

Each who asks is admitted, logged and measured by itself, keeps its own deadline and may leave; when the last one does,
the work ends. Nobody joins what began before a change that this process has seen, nor what began more than a moment
ago: an answer is never older than its question by more than that.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from schema.errcode import AtriumError, Internal, Overloaded
from services.runtime.channels import CallTally, call_tally
from services.runtime.deadline import time_left
from services.runtime.tasks import task_group
from services.runtime.telemetry import Metrics, span

T = TypeVar("T")
MOMENT_SECONDS = 0.05
"""For how long a query takes others in. Deadlines that differ by no more count as equal, unless they are close."""
CLOSE = 10
"""A deadline is close when it is less than so many times that difference away."""
Work = Callable[[], Coroutine[Any, Any, T]]


class Joint(Generic[T]):
    """What is under way, by what makes it equal."""

    def __init__(
        self,
        group: asyncio.TaskGroup,
        on_join: Callable[[], None],
        changes: Callable[[], int] = lambda: 0,
        left: Callable[[], float] = lambda: time_left(0.0),
        *,
        moment_seconds: float = MOMENT_SECONDS,
    ) -> None:
        """Runs are tasks of `group`. `changes` grows with what is heard of changes that others made.

        `left` tells for how many seconds whoever asks will wait.
        """
        self._group = group
        self._left = left
        self._moment_seconds = moment_seconds
        self._on_join = on_join
        self._changes = changes
        self._runs: dict[Hashable, _Run[T]] = {}

    async def result(self, key: Hashable, work: Work[T]) -> T:
        """What comes of the work, or of equal work of this moment; raises what kept it from being."""
        key = key, self._changes()
        run = self._runs.get(key)
        if run is not None and run.is_joinable(self._left(), self._moment_seconds):
            self._on_join()
            with span("join an equal query", links=[run.context]):
                return await run.wait()
        return await self._begin(key, work).wait()

    def changed(self) -> None:
        """Something has changed: whoever asks from now on joins nothing that has begun."""
        self._runs.clear()

    def _begin(self, key: Hashable, work: Work[T]) -> "_Run[T]":
        run = self._runs[key] = _Run[T](work, self._group, self._left())
        run.task.add_done_callback(lambda _: self._end(key, run))
        return run

    def _end(self, key: Hashable, run: "_Run[T]") -> None:
        if self._runs.get(key) is run:
            del self._runs[key]


class _Run(Generic[T]):
    """Work that is under way: a part of the request that asked first, for its trace and its deadline."""

    def __init__(self, work: Work[T], group: asyncio.TaskGroup, left: float) -> None:
        self._time = asyncio.get_running_loop().time
        self._began = self._time()
        self._ends_at = self._began + left
        self._over = asyncio.Event()
        self._tally = CallTally()
        self._waiting: list[CallTally] = []
        self._results: list[T] = []
        self._problem: Exception | None = None
        self.context = copy_context()
        self.context.run(call_tally.set, self._tally)
        self.task = group.create_task(self._go(work), context=self.context)
        self.task.add_done_callback(self._end)

    def is_joinable(self, left: float, moment: float) -> bool:
        """Whether it has just begun, somebody wants it, and whoever asks now has as much time left as it has."""
        now = self._time()
        differs = abs(now + left - self._ends_at)
        is_young = now - self._began <= moment
        return is_young and bool(self._waiting) and differs <= min(moment, max(left, 0.0) / CLOSE)

    async def wait(self) -> T:
        """The result; whoever is cancelled leaves the others alone."""
        tally = call_tally.get() or CallTally()
        self._waiting.append(tally)
        try:
            await self._over.wait()
        finally:
            if not self._over.is_set():
                self._leave(tally)
        return self._result()

    def _leave(self, tally: CallTally) -> None:
        self._waiting.remove(tally)
        if not self._waiting:
            self.task.cancel()

    def _result(self) -> T:
        if self._problem is None:
            return self._results[0]
        error = self._problem.again() if isinstance(self._problem, AtriumError) else Internal()
        raise error from self._problem

    async def _go(self, work: Work[T]) -> None:
        try:
            self._results.append(await work())
        except Exception as error:
            self._problem = error

    def _end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            self._problem = Overloaded("this process is stopping: retry")
        self._tally.abandon()
        for tally in self._waiting:
            tally.take_part(self._tally, len(self._waiting))
        self._over.set()


@asynccontextmanager
async def open_joint(
    metrics: Metrics,
    changes: Callable[[], int] = lambda: 0,
    *,
    sharing: bool = True,
    moment_seconds: float = MOMENT_SECONDS,
) -> AsyncIterator[Joint[Any] | None]:
    """What equal queries meet in; None where each is run by itself. What is under way at the end is cancelled."""
    async with task_group() as group:
        joint = Joint[Any](group, metrics.operations_joined.inc, changes, moment_seconds=moment_seconds)
        yield joint if sharing else None
