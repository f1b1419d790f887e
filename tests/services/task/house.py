"""The task backend as real processes, between backends that a test holds in its hand."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.runtime.clock import utc_now
from services.runtime.database import Database, open_database
from services.runtime.migrate import migrate
from services.runtime.server import create_server
from services.runtime.telemetry import Metrics
from services.task.biz import Run
from services.task.data import SqlHistory
from services.task.wire import BACKEND
from tests.conftest import free_port
from tests.gateway.process import Running, finished, running
from tests.open_doors import Anybody
from tests.services.task.fakes import ActivityBackend

ONCE = "0 0 1 1 *"
"""A schedule whose tick a test does not live to see; a store where no task ever ran begins with a run all the same."""
EVERY_SECOND = "* * * * * *"
PATIENCE = 120.0
"""How many seconds a test waits for what must happen."""


class TaskProcess:
    """A process of the task backend."""

    def __init__(self, process: Running, pages: int) -> None:
        self._pages = pages
        self.stop = process.stop
        self.kill = process.kill
        self.log = process.log

    @property
    def led(self) -> bool:
        """Whether the schedules ran here."""
        return any(line["event"] == "schedules run here" for line in self.log())

    async def counted(self, outcome: str) -> float:
        """How often the process counted this outcome of the roll-up."""
        async with httpx.AsyncClient() as client:
            page = await client.get(f"http://127.0.0.1:{self._pages}/metrics")
        found = re.search(rf'atrium_task_runs_total{{outcome="{outcome}",task="rollup-hourly"}} (\S+)', page.text)
        return float(found.group(1)) if found else 0.0


class House:
    """One store, one activity backend, and any number of task processes."""

    def __init__(self, store: str, folder: Path, activity: ActivityBackend, address: str, database: Database) -> None:
        self.activity = activity
        self._store = store
        self._folder = folder
        self._address = address
        self._database = database
        self._history = SqlHistory(database, utc_now)

    @contextmanager
    def process(self, name: str, cron: str) -> Iterator[TaskProcess]:
        """A process that rolls up the last hour by this schedule, and does nothing else."""
        port, pages = free_port(), free_port()
        others = ("ROLLUP_DAILY", "PURGE_SESSIONS", "END_CLOSURES", "CLEAN_UP")
        settings = {
            "DATA": str(self._folder),
            "DATABASE": self._store,
            "WORKER": "1",
            "METRICS_PORT": str(pages),
            "ADDRESSES__ACTIVITY": self._address,
            "SCHEDULES__ROLLUP_HOURLY": cron,
            **{f"SCHEDULES__{other}": "off" for other in others},
        }
        arguments = ["services", "serve", f"task=127.0.0.1:{port}"]
        with running(arguments, settings, self._folder / f"{name}.log") as process:
            yield TaskProcess(process, pages)

    async def command(self, *words: str) -> Any:
        """`python -m services task …`, run to its end."""
        return await asyncio.to_thread(finished, ["services", "task", *words], self._settings())

    @contextmanager
    def commanding(self, *words: str) -> Iterator[Running]:
        """`python -m services task …`, running."""
        with running(["services", "task", *words], self._settings(), self._folder / "command.log") as process:
            yield process

    def _settings(self) -> dict[str, str]:
        return {"DATA": str(self._folder), "DATABASE": self._store, "ADDRESSES__ACTIVITY": self._address}

    async def cut_connections(self) -> None:
        """Has PostgreSQL end every session of the processes, as a restart of it would."""
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        async with self._database.read() as session:
            await session.execute(text(f"{others} AND datname = current_database()"))

    async def runs(self) -> list[Run]:
        """All runs, oldest first."""
        return sorted(await self._history.latest(1000), key=lambda run: run.id)

    async def ended(self, count: int) -> list[Run]:
        """All runs, once at least so many have ended."""
        return await self.when(lambda runs: ended(runs) >= count)

    async def when(self, condition: Callable[[list[Run]], bool]) -> list[Run]:
        """All runs, oldest first, once they are like this."""
        try:
            return await runs_when(self._history, condition)
        except TimeoutError:
            logs = [f"{path.name}: {path.read_text()}" for path in self._folder.glob("*.log")]
            pytest.fail("\n".join([f"only these ran: {await self.runs()}", *logs]))


def ended(runs: list[Run]) -> int:
    """How many of the runs have ended."""
    return sum(run.outcome is not None for run in runs)


async def runs_when(history: SqlHistory, condition: Callable[[list[Run]], bool]) -> list[Run]:
    """All runs, oldest first, once they are like this; TimeoutError when they never are."""
    async with asyncio.timeout(PATIENCE):
        while not condition(runs := sorted(await history.latest(1000), key=lambda run: run.id)):  # noqa: ASYNC110 - a store tells nobody.
            await asyncio.sleep(0.1)
    return runs


@asynccontextmanager
async def open_house(store: str, folder: Path) -> AsyncIterator[House]:
    """A house with an empty store at this URL."""
    activity = ActivityBackend()
    address = f"127.0.0.1:{free_port()}"
    server = create_server(Metrics(), Anybody())
    activity.serve_on(server)
    server.add_insecure_port(address)
    await server.start()
    try:
        async with open_database(store) as database:
            await migrate(BACKEND, database)
            yield House(store, folder, activity, address, database)
    finally:
        await server.stop(None)
