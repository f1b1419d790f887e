"""A store that is away fails its own backend clearly; a cache that is away costs time only. Both are found again."""

import asyncio
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import psycopg
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from schema import errcode
from schema.generated.banner.v1 import banner_pb2 as pb
from schema.generated.banner.v1 import banner_pb2_grpc as rpc
from schema.generated.identity.v1 import identity_pb2
from services.backends import BACKENDS
from services.runtime.backend import Demo
from services.runtime.channels import open_channel
from services.runtime.lifecycle import Readiness
from services.runtime.migrate import migrate
from services.runtime.serving import open_all, serve_backends
from services.runtime.settings import Settings
from services.runtime.telemetry import Metrics
from tests.conftest import free_port, missing
from tests.open_doors import OpenDoor, Stranger

Stub: TypeAlias = "rpc.BannerServiceAsyncStub"
BANNER = BACKENDS["banner"]
ADA = identity_pb2.Viewer(account_id=1, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL)
REQUEST = pb.BatchListBannersRequest(
    questions=[pb.BatchListBannersRequest.Question(viewer=ADA, slot=pb.BANNER_SLOT_HOME_TOP)]
)


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Stub]:
    """The banner backend with its demo data, behind a channel as the gateway opens it."""
    with TemporaryDirectory(prefix="atrium-") as folder:
        address = f"unix:{folder}/banner"
        async with open_all([BANNER], settings) as resources:
            await migrate(BANNER, resources[BANNER].database)
            await BANNER.load_demo(resources[BANNER], Demo(60, lambda _rows: None))
            async with (
                serve_backends({BANNER: address}, resources, Readiness(), Metrics(), OpenDoor()) as servers,
                open_channel("banner", address, Metrics(), Stranger()) as channel,
                asyncio.TaskGroup() as group,
            ):
                group.create_task(servers.serve())
                async with asyncio.timeout(60):
                    await channel.channel_ready()
                yield rpc.BannerServiceStub(channel)
                await servers.stop(0)


@contextmanager
def away(database: str) -> Iterator[None]:
    """Inside, the database takes nobody in, and those who were in are out."""
    address = make_url(database)
    name, server = address.database, address.set(drivername="postgresql", database="postgres")
    with psycopg.connect(server.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        yield
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


async def test_a_store_that_is_away_makes_its_backend_unavailable_until_it_is_back(empty_postgres: str) -> None:
    async with serving(Settings(database=empty_postgres, worker=1)) as banners:
        shown = await banners.BatchListBanners(REQUEST)
        assert len(shown.answers) == 1
        with away(empty_postgres), capture_logs() as logs:
            for _ in range(3):
                with pytest.raises(errcode.BackendUnavailable, match=r"^the banner backend is unavailable$"):
                    await banners.BatchListBanners(REQUEST)
        told = [entry for entry in logs if entry["log_level"] == "error"]
        assert [(entry["event"], entry["code"]) for entry in told] == [("store unavailable", 5030100)] * 3
        assert not any("exc_info" in entry for entry in told)
        assert len((await banners.BatchListBanners(REQUEST)).answers) == 1


class OwnRedis:
    """A Redis server that a test may do anything to."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self._folder = folder
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        if shutil.which("redis-server") is None:
            missing("redis-server", "apt-get install redis-server")
        command = ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--save", ""]
        self.process = subprocess.Popen(command, cwd=self._folder, stdout=subprocess.DEVNULL)

    async def answers(self) -> None:
        """Returns once it answers."""
        async with asyncio.timeout(60), Redis.from_url(self.url) as client:
            while True:
                try:
                    await client.get("x")
                except RedisError:
                    continue
                return

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path)
    yield server
    server.kill()


async def test_a_cache_that_is_away_costs_time_only(own_redis: OwnRedis, tmp_path: Path) -> None:
    await own_redis.answers()
    settings = Settings(data=tmp_path, cache=own_redis.url, worker=1)
    async with serving(settings) as banners:

        async def calls(number: int) -> int:
            """How many of so many calls, one after the other, are answered in full."""
            replies = [await banners.BatchListBanners(REQUEST) for _ in range(number)]
            return sum(len(reply.answers) for reply in replies)

        assert await calls(1) == 1
        own_redis.process.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(40):  # Less than what it takes to wait for a silent cache each time.
            assert await calls(250) == 250
        own_redis.process.send_signal(signal.SIGCONT)
        own_redis.kill()
        assert await calls(250) == 250
        own_redis.start()
        await own_redis.answers()
        async with asyncio.timeout(60), Redis.from_url(own_redis.url) as client:
            while not await client.keys("banner:shown:*"):
                assert await calls(1) == 1
