"""What subscribers hear when the cache goes away, with a real one."""

import asyncio
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from gateway.push.feeds import Feeds
from gateway.push.hub import AUTHOR, Hub
from services.runtime.cache import open_cache
from services.runtime.telemetry import Metrics
from tests.conftest import free_port, missing, wait_for_port
from tests.gateway.push.conftest import begin
from tests.gateway.push.fakes import World, published
from tests.gateway.push.test_feeds import ADA, ids

BO = AUTHOR.format(2)


class Server:
    """A Redis that can be stopped, started again, and frozen."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._folder = folder
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, cwd=self._folder, stdout=subprocess.DEVNULL)
        wait_for_port(self._port)

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if shutil.which("redis-server") is None:
        missing("redis-server", "apt-get install redis-server")
    server = Server(tmp_path)
    yield server
    server.stop()


@pytest.fixture
async def cache(server: Server) -> AsyncIterator[Redis]:
    async with open_cache(server.url) as opened:
        yield opened


@pytest.fixture
async def hub(cache: Redis, world: World, metrics: Metrics) -> AsyncIterator[Hub]:
    hub = Hub(cache, world.public, metrics, silence_seconds=0.2, settle_seconds=0.01)
    async with asyncio.TaskGroup() as group:
        await begin(hub, group)
        yield hub
        await hub.stop(0)


async def test_what_was_published_while_the_cache_was_down_is_told_once_it_is_back(
    server: Server, cache: Redis, feeds: Feeds, world: World
) -> None:
    with capture_logs() as logs:
        async with aclosing(feeds.activities(ADA, "t", 12)) as told:
            assert await ids(told, 1) == [13]
            server.stop()
            world.publish(14)
            async with asyncio.TaskGroup() as group:
                waiting = group.create_task(ids(told, 1))
                await until_logged(logs, "push lost the cache")
                server.start()
            assert waiting.result() == [14]
            world.publish(15)
            async with open_cache(server.url) as anew:
                await anew.publish(BO, published(14))
                await anew.publish(BO, published(15))
            assert await ids(told, 1) == [15]
    assert [line["event"] for line in logs] == ["push lost the cache", "push found the cache again"]


async def test_a_cache_that_is_silent_counts_as_lost(server: Server, cache: Redis, feeds: Feeds, world: World) -> None:
    async with aclosing(feeds.activities(ADA, "t", 12)) as told:
        assert await ids(told, 1) == [13]
        with capture_logs() as logs:
            server.send(signal.SIGSTOP)
            await until_logged(logs, "push lost the cache")
            world.publish(14)
            server.send(signal.SIGCONT)
            assert await ids(told, 1) == [14]


async def test_whoever_subscribes_while_the_cache_is_down_misses_nothing(
    server: Server, cache: Redis, feeds: Feeds, world: World
) -> None:
    with capture_logs() as logs:
        server.stop()
        await until_logged(logs, "push lost the cache")
        async with aclosing(feeds.activities(ADA, "t", 12)) as told:
            assert await ids(told, 1) == [13]
            world.publish(14)
            server.start()
            assert await ids(told, 1) == [14]


async def test_a_cache_that_is_there_and_has_nothing_to_say_is_not_lost(cache: Redis, hub: Hub) -> None:
    with capture_logs() as logs:
        async with asyncio.timeout(60):
            while await pings(cache) < 3:  # noqa: ASYNC110 - another process decides.
                await asyncio.sleep(0.01)
    assert logs == []


async def pings(cache: Redis) -> int:
    """How often the cache was asked whether it is alive."""
    found = await cache.info("commandstats")
    return int(found.get("cmdstat_ping", {}).get("calls", 0))


async def until_logged(logs: Sequence[Mapping[str, Any]], event: str) -> None:
    async with asyncio.timeout(60):
        while event not in [line["event"] for line in logs]:  # noqa: ASYNC110 - another process decides.
            await asyncio.sleep(0.01)
