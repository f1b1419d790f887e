"""What a process of backends does from its start to its exit code, for each command."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import DBAPIError

from services.runtime.backend import Backend, Resources
from services.runtime.cache import MEMORY
from services.runtime.demo import load_demo, with_demo
from services.runtime.lifecycle import Readiness, Server, StartError, run
from services.runtime.migrate import is_current, migrate
from services.runtime.serving import open_all, serve_backends
from services.runtime.settings import Settings
from services.runtime.streams import open_streams
from services.runtime.telemetry import Metrics, configure_logging, configure_tracing
from services.runtime.trust import Trust

_log = structlog.get_logger(__name__)


async def serve_process(addresses: Mapping[Backend, str], settings: Settings, *, complete: bool) -> int:
    """Serves backends until a signal; answers the exit code. `complete` says that there are no others elsewhere."""
    configure_logging(settings.log_level)
    metrics, readiness = Metrics(), Readiness()
    async with AsyncExitStack() as closing:
        closing.enter_context(configure_tracing(settings, service="-".join(backend.name for backend in addresses)))
        trust = Trust(settings, addresses.values())
        trust.check(*(backend.name for backend in addresses))
        resources = await closing.enter_async_context(open_all(addresses, settings, metrics, trust=trust))
        streams = await closing.enter_async_context(open_streams(resources, settings.bus, metrics, complete=complete))
        backends = await closing.enter_async_context(serve_backends(addresses, resources, readiness, metrics, trust))
        if not complete and settings.cache == MEMORY:
            _log.warning("the cache is of this process alone: set ATRIUM_CACHE to share it with others")
        # The pages come first: they stop last, and tell until then that this process wants no more work.
        servers = [*_pages(settings, metrics, readiness), *streams, backends]
        return await run(*servers, readiness=readiness, drain_seconds=settings.drain_seconds, metrics=metrics)


def _pages(settings: Settings, metrics: Metrics, readiness: Readiness) -> Iterator[Server]:
    if settings.metrics_port is not None:
        from services.runtime.web import machine_server

        yield machine_server(settings.metrics_port, metrics, readiness)


async def migrate_process(backends: Iterable[Backend], settings: Settings) -> int:
    """Brings stores up to date, one after the other."""
    console = Console()
    async with _stores(backends, settings) as resources:
        for backend, lent in resources.items():
            with explained(backend):
                await migrate(backend, lent.database)
            console.print(f"{backend.name}: up to date", highlight=False)
    return 0


async def demo_process(backends: Iterable[Backend], settings: Settings, accounts: int) -> int:
    """Fills empty stores with demo data, under a bar that shows how far it is."""
    console = Console()
    async with _stores(backends, settings) as resources:
        for backend, lent in resources.items():
            with explained(backend):
                if not await is_current(backend, lent.database):
                    raise StartError(f"the {backend.name} store is not up to date: run `python -m services migrate`")
        with demo_bar(console) as show:
            filled = await load_demo(resources, accounts, show)
        for backend in with_demo(resources):
            done = "filled" if backend.name in filled else "has rows, left as it is"
            console.print(f"{backend.name}: {done}", highlight=False)
    return 0


@contextmanager
def demo_bar(console: Console) -> Iterator["Show"]:
    """A progress bar for each backend, to be given to `load_demo`."""
    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        yield Show(progress)


class Show:
    """Draws what `load_demo` reports."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def __call__(self, name: str, done: int, total: int) -> None:
        """Draws how many rows of how many there are."""
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._bars[name], completed=done)


@asynccontextmanager
async def _stores(backends: Iterable[Backend], settings: Settings) -> AsyncIterator[dict[Backend, Resources]]:
    configure_logging("warning")
    async with open_all(backends, settings) as resources:
        yield resources


@contextmanager
def explained(backend: Backend) -> Iterator[None]:
    """A store that cannot be used is told in one line, as a StartError."""
    try:
        yield
    except DBAPIError as error:
        first, *_ = str(error.orig).splitlines() or ["no reason given"]
        raise StartError(f"the {backend.name} store cannot be used: {first}") from error
