"""How a process lives: its servers run in one group, and whatever ends it ends all of them in good order.

    readiness goes down ─▶ for a while all goes on, so that whoever sends work learns of it
                        ─▶ the server listed last stops: no new work, what is in flight may finish
                        ─▶ … ─▶ the server listed first stops ─▶ whoever opened resources closes them

The first SIGINT or SIGTERM begins this, and so does the first server that fails. Only SIGTERM gives notice: it is what
those send who replace a process; a person at a terminal has no time. A second signal cuts it short.
"""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol, Self

import structlog

from services.runtime.pulse import Pulse
from services.runtime.telemetry import Metrics

_log = structlog.get_logger(__name__)

UNGRACEFUL_SECONDS = 1.0
"""How long a server may take to end after its time to finish is over."""
CHECK_SECONDS = 2.0
"""How long a check may take to pass."""
Check = Callable[[], Awaitable[bool]]


class StartError(Exception):
    """A process cannot start; the message is one line that says why to whoever started it."""

    @classmethod
    def of(cls, failed: str, error: OSError) -> Self:
        """What failed, and the system's reason for it in plain words."""
        # Libraries add their own words to strerror; a number below 0 is a resolver's, with words of its own.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        return cls(f"{failed}: {reason.lower()}")


class Server(Protocol):
    """Something that serves until it is told to stop."""

    async def serve(self) -> None:
        """Serves; returns after `stop`, raises when it cannot go on."""
        ...

    async def stop(self, grace: float) -> None:
        """Takes no new work, gives what is in flight `grace` seconds to finish, and ends the rest."""
        ...


class Readiness:
    """Whether this process wants work: its checks pass, its event loop turns, and it is not about to stop."""

    def __init__(self, pulse: Pulse | None = None) -> None:
        self.pulse = pulse or Pulse()
        """How late the event loop is, as long as `run` runs."""
        self._checks: dict[str, Check] = {}
        self._stopping = asyncio.Event()
        self.gives_notice = False
        """Whether whoever ended it asked for some time."""

    def add(self, name: str, check: Check) -> None:
        """From now on the process is ready only while `check` answers True."""
        self._checks[name] = check

    @property
    def stopping(self) -> bool:
        """Whether the process is on its way out."""
        return self._stopping.is_set()

    def go_down(self, *, notice: bool = False) -> None:
        """From now on the process is not ready; with `notice` it goes on serving for a while."""
        self.gives_notice = notice
        self._stopping.set()

    async def stopped(self) -> None:
        """Returns when the process is on its way out."""
        await self._stopping.wait()

    async def failing(self) -> list[str]:
        """Names of what keeps the process from being ready; empty when it is."""
        if self.stopping:
            return ["stopping"]
        if self.pulse.stuck:
            return ["event loop"]
        passed = await asyncio.gather(*(passes(check) for check in self._checks.values()))
        return [name for name, fine in zip(self._checks, passed, strict=True) if not fine]


async def passes(check: Check) -> bool:
    """Whether the check answers True, and soon; one that raises does not."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except Exception:
        return False


async def run(
    *servers: Server,
    readiness: Readiness,
    drain_seconds: float = 2.0,
    notice_seconds: float = 0.0,
    metrics: Metrics | None = None,
) -> int:
    """Runs the servers until a signal (exit code 0) or until one of them fails (1); see the top of this file."""
    ending = _Ending()
    async with asyncio.TaskGroup() as group:
        running = [(server, group.create_task(ending.when_over(server))) for server in servers]
        tasks = [task for _, task in running]
        if metrics:
            tasks.append(group.create_task(readiness.pulse.beat(metrics.loop_lag)))
        with on_signal(ending.signalled):
            await ending.begun.wait()
            readiness.go_down(notice=ending.gives_notice)
            await ending.give_notice(notice_seconds)
            drain = group.create_task(_stop_in_reverse(running, drain_seconds))
            group.create_task(_end(ending, drain, tasks))
            await asyncio.wait([drain])
            ending.over.set()
    return ending.code


class _Ending:
    """Why and how far a process is on its way out."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.over = asyncio.Event()
        self.code = 0
        self.gives_notice = False

    def signalled(self, number: int) -> None:
        """The first signal begins the end, the second completes it."""
        if self.begun.is_set():
            self.over.set()
        else:
            self.gives_notice = number == signal.SIGTERM
            self.begun.set()

    async def give_notice(self, seconds: float) -> None:
        """Waits so long, where the end began in a way that leaves time for it."""
        if self.gives_notice:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), seconds)

    async def when_over(self, server: Server) -> None:
        """Serves; a server that ends before anybody asked it to is a failure of the process."""
        try:
            await server.serve()
            problem = None
        except Exception as error:
            problem = error
        if problem or not self.begun.is_set():
            _log.error("server failed", server=type(server).__name__, exc_info=problem)
            self.code = 1
        self.begun.set()


async def _end(ending: _Ending, drain: asyncio.Task[None], tasks: list[asyncio.Task[None]]) -> None:
    """Waits until everything has stopped, or must."""
    await ending.over.wait()
    for task in (drain, *tasks):
        task.cancel()


async def _stop_in_reverse(running: Sequence[tuple[Server, asyncio.Task[None]]], seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    for server, task in reversed(running):
        grace = max(0.0, ends_at - time.monotonic())
        try:
            async with asyncio.timeout(grace + UNGRACEFUL_SECONDS):
                await server.stop(grace)
                await asyncio.wait([task])
        except Exception as error:
            _log.error("server did not stop in good order", server=type(server).__name__, exc_info=error)


@contextmanager
def on_signal(action: Callable[[int], object]) -> Iterator[None]:
    """SIGINT and SIGTERM do `action` in the running loop, with their number; afterwards what they did before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def handle(number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(action, number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def launch(main: Callable[[], Coroutine[Any, Any, int]], interrupted: int = 0) -> int:
    """Runs a whole process and answers its exit code.

    A signal outside of `run` closes what was opened so far; then the exit code is `interrupted`.
    """

    async def interruptible() -> int:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a coroutine runs in a task")
        with on_signal(lambda _number: task.cancel()):
            try:
                return await main()
            except asyncio.CancelledError:
                return interrupted

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(interruptible())
    except KeyboardInterrupt:
        return interrupted


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # It does not exist for every system.
        return None
    return uvloop.new_event_loop
