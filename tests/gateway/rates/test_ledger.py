"""Several gateways, one limit: what they tell each other through Redis, and what they do without it."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from structlog.testing import capture_logs
from throttled import Quota
from throttled.rate_limiter import per_hour

from gateway.rates.ledger import Ledger
from gateway.rates.meter import Meter
from services.runtime.cache import open_cache
from tests.conftest import free_port, wait_for_port

QUOTA: Quota = per_hour(100, 100)


@asynccontextmanager
async def gateway(url: str, name: str) -> AsyncIterator[Meter]:
    """The meter of one gateway, whose ledger serves."""
    async with open_cache(url, timeout_seconds=60) as cache, asyncio.TaskGroup() as group:
        ledger = Ledger(cache)
        group.create_task(ledger.serve())
        yield Meter(name, QUOTA, ledger.tell)
        await ledger.stop(0)


async def until(fulfilled: Callable[[], Awaitable[object]]) -> None:
    """Returns once it is fulfilled, and asks again and again until then."""
    async with asyncio.timeout(60):
        while True:
            if await fulfilled():
                return
            await asyncio.sleep(0.01)


@contextmanager
def running_redis(port: int) -> Iterator[None]:
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for_port(port)
            yield
        finally:
            process.terminate()


async def test_what_a_client_uses_at_one_gateway_counts_at_the_others(redis_server: str) -> None:
    async with gateway(redis_server, "together") as one, gateway(redis_server, "together") as other:
        assert await one.use("ada", 95) == 0
        assert await other.use("ada", 95) == 0
        # Whichever told of it later is the one that is over the limit.
        waits: list[float] = []

        async def barred() -> bool:
            waits[:] = [await one.use("ada", 0), await other.use("ada", 0)]
            return any(waits)

        await until(barred)
        assert min(waits) == 0
        assert 3000 < max(waits) < 3600
        assert await other.use("bo", 95) == 0


async def test_a_little_is_told_to_nobody(redis_server: str) -> None:
    async with gateway(redis_server, "little") as one, gateway(redis_server, "little") as other:
        for meter in (one, other):
            assert await meter.use("ada", 9) == 0
        assert await one.use("bo", 10) == 0
        async with open_cache(redis_server) as cache:
            await until(lambda: cache.exists("atrium:rate:little:bo"))
            assert await cache.keys("atrium:rate:little:*") == [b"atrium:rate:little:bo"]


async def test_without_redis_each_gateway_limits_by_itself() -> None:
    with capture_logs() as logs:
        async with gateway(f"redis://127.0.0.1:{free_port()}/0", "alone") as meter:
            for _ in range(5):
                assert await meter.use("ada", 20) == 0
            assert await meter.use("ada", 20) > 0

            async def logged() -> bool:
                return bool(logs)

            await until(logged)
    assert [(line["event"], line["log_level"]) for line in logs] == [("rate limits not shared", "warning")]


@pytest.mark.usefixtures("redis_server")
async def test_redis_that_comes_back_is_told_again() -> None:
    port = free_port()
    with capture_logs() as logs:
        async with gateway(f"redis://127.0.0.1:{port}/0", "back") as meter:
            names = iter(range(1_000_000))

            async def told(event: str) -> bool:
                await meter.use(f"client {next(names)}", 50)
                return event in {line["event"] for line in logs}

            await until(lambda: told("rate limits not shared"))
            with running_redis(port):
                await until(lambda: told("rate limits shared again"))
                assert len(logs) == 2
