"""What nobody waits for any more stops: from the client's socket down to the statement in the store."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psycopg
import pytest
from sqlalchemy.engine import make_url

from services.backends import BACKENDS
from services.runtime.database import open_database
from services.runtime.migrate import migrate
from tests.conftest import free_port
from tests.gateway.process import PATIENCE, running

QUERY = {"query": "{ viewer { home { banners { id } } } }"}
CANCELLED = 'atrium_rpc_server_seconds_count{code="CANCELLED",method="/banner.v1.BannerService/BatchListBanners"} '
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
Count = Callable[[], int]


@dataclass
class Stuck:
    """A gateway and a banner backend whose store never answers."""

    url: str
    numbers: str
    """Where the backend tells its numbers."""
    at_work: Count
    """How many statements the store is at."""

    def cancelled(self) -> int:
        """How many calls for banners the backend has given up."""
        lines = httpx.get(self.numbers, timeout=60).text.splitlines()
        return sum(int(float(line.removeprefix(CANCELLED))) for line in lines if line.startswith(CANCELLED))


@pytest.fixture
def stuck(stack: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stuck]:
    """One process on SQLite, or two on PostgreSQL."""
    with ExitStack() as stopping:
        make = embedded if stack == "embedded" else separate
        yield make(stopping, tmp_path, request)


def embedded(stopping: ExitStack, folder: Path, _request: pytest.FixtureRequest) -> Stuck:
    settings = {"PORT": str(free_port()), "DATA": str(folder / "data"), "DEMO_ACCOUNTS": "60"}
    url = f"http://127.0.0.1:{settings['PORT']}"
    process = stopping.enter_context(running(("gateway", "run", "--embedded"), settings, folder / "gateway.txt"))
    process.wait_for(f"{url}/readyz")
    store = stopping.enter_context(closing(sqlite3.connect(folder / "data" / "banner.db", timeout=0)))
    store.execute("ALTER TABLE banner RENAME TO hidden")
    store.execute(f"CREATE VIEW banner AS SELECT * FROM hidden WHERE ({ENDLESS}) > 0")

    def at_work() -> int:
        """SQLite cannot start its log anew as long as anybody reads what was before it."""
        store.execute("PRAGMA user_version = 1")
        [busy, _, _] = store.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return int(busy)

    return Stuck(url, f"{url}/metrics", at_work)


def separate(stopping: ExitStack, folder: Path, request: pytest.FixtureRequest) -> Stuck:
    database = str(request.getfixturevalue("empty_postgres"))
    sockets = stopping.enter_context(TemporaryDirectory(prefix="atrium-"))
    settings = {
        "DATABASE": database,
        "ADDRESSES__BANNER": f"unix:{sockets}/banner",
        "PORT": str(free_port()),
        "METRICS_PORT": str(free_port()),
    }
    url, numbers = (f"http://127.0.0.1:{settings[name]}" for name in ("PORT", "METRICS_PORT"))
    asyncio.run(prepare(database))
    backend = stopping.enter_context(running(("services", "serve", "banner"), settings, folder / "banner.txt"))
    gateway = stopping.enter_context(running(("gateway", "run"), settings, folder / "gateway.txt"))
    backend.wait_for(f"{numbers}/readyz")
    gateway.wait_for(f"{url}/livez")
    store = stopping.enter_context(closing(psycopg.connect(database.replace("+psycopg", ""))))
    store.execute("LOCK TABLE banner IN ACCESS EXCLUSIVE MODE")

    def at_work() -> int:
        store.execute("SELECT pg_stat_clear_snapshot()")  # A transaction goes on seeing what it saw first.
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
        row = store.execute(waiting, [make_url(database).database]).fetchone()
        return row[0] if row else 0

    return Stuck(url, f"{numbers}/metrics", at_work)


async def prepare(database: str) -> None:
    async with open_database(database) as opened:
        await migrate(BACKENDS["banner"], opened)


def until(count: Count, expected: int) -> None:
    """Returns once that many are counted."""
    ends_at = time.monotonic() + PATIENCE
    while count() != expected:
        assert time.monotonic() < ends_at, f"{count()}, not {expected}"


def test_a_statement_ends_when_the_time_of_its_request_is_over_and_when_the_client_leaves(stuck: Stuck) -> None:
    assert stuck.at_work() == 0
    answer = httpx.post(f"{stuck.url}/graphql", json=QUERY, headers={"x-request-timeout-ms": "2000"}, timeout=60).json()
    assert answer["data"] == {"viewer": {"home": {"banners": None}}}
    assert [(gap["backend"], gap["code"]) for gap in answer["extensions"]["degraded"]] == [("banner", 5040100)]
    until(stuck.at_work, 0)
    until(stuck.cancelled, 1)

    host, _, port = stuck.url.removeprefix("http://").partition(":")
    leaving = HTTPConnection(host, int(port))
    leaving.request("POST", "/graphql", json.dumps(QUERY), {"content-type": "application/json"})
    until(stuck.at_work, 1)
    leaving.close()
    until(stuck.at_work, 0)
    until(stuck.cancelled, 2)
