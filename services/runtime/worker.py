"""Work that is done again and again beside the requests of a process, and never brings it down."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

_log = structlog.get_logger(__name__)

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
"""How long to wait after a failure: the first, doubled after each further one, at most the longest."""


class Worker:
    """A `lifecycle.Server` that does pieces of work one after the other."""

    def __init__(self, name: str, work: Callable[[], Awaitable[float]], wake: asyncio.Event | None = None) -> None:
        """`work` answers after how many seconds it wants to be called again; `wake` ends its rest early."""
        self._name = name
        self._work = work
        self._wake = wake or asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failures = 0

    async def serve(self) -> None:
        """Works until stopped. Work that fails is tried again, less and less often; only the first time is logged."""
        async with asyncio.TaskGroup() as group:
            self._task = group.create_task(self._run())

    async def stop(self, grace: float) -> None:
        """Lets the piece in hand end for `grace` seconds, then cancels it."""
        self._stopping.set()
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=grace)
            self._task.cancel()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                seconds = await self._work()
                self._failures = 0
            except Exception as problem:
                await self._pause(problem)
            else:
                await self._rest(seconds, self._wake)

    async def _pause(self, problem: Exception) -> None:
        tell = _log.debug if self._failures else _log.warning
        tell("work failed and is tried again", worker=self._name, problem=f"{problem!r}"[:500])
        seconds = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE)
        self._failures = min(self._failures + 1, 10)
        await self._rest(seconds, self._stopping)

    async def _rest(self, seconds: float, until: asyncio.Event) -> None:
        if self._stopping.is_set() or seconds <= 0:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(until.wait(), seconds)
