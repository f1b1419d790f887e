"""Several processes that serve one port: who starts them, and starts those again that die.

Each has a listening socket of its own on the port, and the system shares connections out among these. The sockets
belong to the process that starts the others: what connects while a worker is away waits until it is back.
"""

import asyncio
import contextlib
import signal
import socket
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Iterable, Iterator, Sequence

import structlog

from gateway.announcement import announce
from gateway.settings import Settings
from services.runtime import lifecycle
from services.runtime.cache import MEMORY
from services.runtime.lifecycle import Readiness, StartError
from services.runtime.telemetry import configure_logging
from services.runtime.web import BACKLOG, listen

STEADY_SECONDS = 10.0
"""Whoever lived so long is started again at once; of those that die sooner, each later than the one before."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
"""Seconds before a worker that died early is started again."""
CLOSING_SECONDS = 3.0
"""How long workers may take to close what they opened, once their requests are answered."""
_log = structlog.get_logger(__name__)


async def supervise(settings: Settings, started: float) -> int:
    """Has workers serve until a signal; the exit code. `started` is by `time.perf_counter`."""
    configure_logging(settings.log_level)
    if settings.cache == MEMORY:
        _log.warning("each worker has a cache and limits of its own: set ATRIUM_CACHE to one that they share")
    if settings.metrics_port is None:
        _log.warning("/metrics tells of whichever worker answers: set ATRIUM_METRICS_PORT to ask each by itself")
    sockets = listen_for(settings.workers, settings.host, settings.port)
    readiness = Readiness()
    workers = Workers(sockets, readiness, lambda: announce(settings, time.perf_counter() - started, ()))
    if settings.documents:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, workers.reload)
    grace = settings.notice_seconds + settings.drain_seconds + CLOSING_SECONDS
    return await lifecycle.run(workers, readiness=readiness, drain_seconds=grace)


def listen_for(workers: int, host: str, port: int) -> list[socket.socket]:
    """A listening socket on the port for each worker; StartError in one line when that cannot be."""
    with listen(host, port) as probe:  # Which shares with nobody, so that a port in use is noticed.
        family, address = probe.family, probe.getsockname()[:2]
    try:
        return [socket.create_server(address, family=family, backlog=BACKLOG, reuse_port=True) for _ in range(workers)]
    except (OSError, ValueError) as error:
        raise StartError(f"several workers cannot listen on {host}:{port}: {error}") from error


class Workers:
    """The processes, as one `lifecycle.Server`."""

    def __init__(self, sockets: Sequence[socket.socket], readiness: Readiness, on_ready: Callable[[], None]) -> None:
        """`on_ready` is called once all have told that they serve."""
        self._readiness = readiness
        self._sockets = sockets
        self._on_ready = on_ready
        self._running: dict[int, Process] = {}
        self._serving: set[int] = set()
        self._all_served = False
        self._stopping = asyncio.Event()

    async def serve(self) -> None:
        """Keeps all running until stopped; returns sooner when one ends before all have served."""
        async with asyncio.TaskGroup() as group:
            for number, listening in enumerate(self._sockets, 1):
                group.create_task(self._keep(number, listening))

    async def stop(self, grace: float) -> None:
        """Has all finish what is in flight; kills those that take longer than `grace` seconds."""
        self._end()
        waits = [process.wait() for process in self._running.values()]
        try:
            async with asyncio.timeout(grace):
                await asyncio.gather(*waits)
        except TimeoutError:
            _log.error("workers killed", workers=sorted(self._running))
            self._signal(signal.SIGKILL, self._running)

    def reload(self) -> None:
        """Has those that serve look at the manifest of documents."""
        self._signal(signal.SIGHUP, self._serving)

    def _end(self) -> None:
        self._stopping.set()
        for listening in self._sockets:  # From here on nobody is to wait for a worker that will not come.
            listening.close()
        # After SIGTERM those that serve go on for a while, after SIGINT not: as this process was told, so it tells.
        serving = self._serving if not self._readiness.gives_notice else set[int]()
        self._signal(signal.SIGINT, serving)
        self._signal(signal.SIGTERM, self._running.keys() - serving)

    def _signal(self, number: int, workers: Iterable[int]) -> None:
        for worker in [*workers]:
            with contextlib.suppress(ProcessLookupError):
                self._running[worker].send_signal(number)

    async def _keep(self, number: int, listening: socket.socket) -> None:
        for pause in pauses():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            if self._stopping.is_set():
                return
            code = await self._run(number, listening)
            if not self._stopping.is_set():
                _log.error("worker died", worker=number, exit_code=code)
                if not self._all_served:  # What keeps a worker from starting keeps it from starting again.
                    self._end()

    async def _run(self, number: int, listening: socket.socket) -> int:
        """One process from start to end; its exit code."""
        ours, theirs = socket.socketpair()
        with ours:
            ours.setblocking(False)
            with theirs:
                process = self._running[number] = await start(number, listening, theirs)
            if self._stopping.is_set():
                process.terminate()
            try:
                async with asyncio.TaskGroup() as group:
                    hearing = group.create_task(self._hear(number, ours, process.pid))
                    code = await process.wait()
                    hearing.cancel()
            finally:
                del self._running[number]
                self._serving.discard(number)
        return code

    async def _hear(self, number: int, line: socket.socket, pid: int) -> None:
        """Waits until the worker tells that it serves."""
        if not await asyncio.get_running_loop().sock_recv(line, 1):
            return
        _log.info("worker serves", worker=number, pid=pid)
        self._serving.add(number)
        if not self._all_served and len(self._serving) == len(self._sockets):
            self._all_served = True
            self._on_ready()


async def start(number: int, listening: socket.socket, line: socket.socket) -> Process:
    """A worker, begun as a program of its own: a fork would take threads of gRPC along.

    It has a session of its own, so that Ctrl-C reaches the process that starts it alone, which then tells it to end.
    """
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "worker", str(number), str(listening.fileno())),
        stdin=line.fileno(),
        pass_fds=(listening.fileno(),),
        start_new_session=True,
    )


def pauses() -> Iterator[float]:
    """How long to wait before each start of a worker that is started whenever it has died."""
    pause = 0.0
    while True:
        began = time.monotonic()
        yield pause
        lived = time.monotonic() - began - pause
        pause = 0.0 if lived > STEADY_SECONDS else min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)
