"""Goes on with errands beside everything else, some at a time, as long as the process runs."""

import asyncio
import time

import structlog

from services.job.biz.errands import Errand
from services.job.biz.ports import ErrandStore
from services.job.biz.worker import ErrandWorker
from services.runtime.clock import Clock
from services.runtime.lane import in_lane
from services.runtime.telemetry import continued
from services.runtime.worker import Worker

_log = structlog.get_logger(__name__)

AT_ONCE = 4
"""How many errands one process works on at a time."""
POLL_SECONDS = 1.0
"""How soon an errand is seen that another process put or let go; one of this process is seen at once."""


class Runner:
    """A `lifecycle.Server` that works on whatever errand is due."""

    def __init__(
        self, worker: ErrandWorker, store: ErrandStore, clock: Clock, news: asyncio.Event, at_once: int = AT_ONCE
    ) -> None:
        """`news` is set whenever there may be an errand sooner than expected."""
        self._worker = worker
        self._store = store
        self._clock = clock
        self._news = news
        self._at_once = at_once
        self._running: set[asyncio.Task[None]] = set()
        self._group: asyncio.TaskGroup | None = None
        self._stopping = False
        self._looking = Worker("job errands", self._begin_what_is_due, news)

    async def serve(self) -> None:
        """Works until stopped."""
        async with asyncio.TaskGroup() as self._group:
            await self._looking.serve()

    async def stop(self, grace: float) -> None:
        """Begins nothing more, and leaves each errand after the portion in hand; what takes longer is cut off.

        Whoever comes next goes on from there: at once, or when the time of an errand that was cut off is over.
        """
        self._stopping = True
        ends_at = time.monotonic() + grace
        await self._looking.stop(grace)
        if self._running:
            await asyncio.wait(self._running, timeout=max(0.0, ends_at - time.monotonic()))
        for task in self._running:
            task.cancel()

    async def _begin_what_is_due(self) -> float:
        room = self._at_once - len(self._running)
        due = await self._store.next_due() if room > 0 else None
        if due is None or self._group is None:
            return POLL_SECONDS
        wait = (due - self._clock()).total_seconds()
        if wait > 0:
            return min(wait, POLL_SECONDS)
        for errand in await self._worker.claim(room):
            task = self._group.create_task(self._run(errand))
            self._running.add(task)
            task.add_done_callback(self._ended)
        return POLL_SECONDS

    async def _run(self, errand: Errand) -> None:
        """Works on one; what fails here is tried again when its time is over, by whoever claims it then."""
        with continued(f"errand {errand.kind.name}", errand.traceparent), in_lane(errand.lane):
            try:
                await self._worker.run(errand, lambda: not self._stopping)
            except Exception as problem:
                _log.error("errand broke off", errand=errand.kind.name, account_id=errand.account_id, exc_info=problem)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._news.set()
