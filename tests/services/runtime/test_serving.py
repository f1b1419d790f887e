"""Backends on servers: healthy once their stores are ready, gone when the process is told to stop."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from structlog.testing import capture_logs

from schema.generated.banner.v1 import banner_pb2 as pb
from schema.generated.banner.v1 import banner_pb2_grpc as rpc
from services.backends import BACKENDS
from services.runtime.backend import Backend, Resources
from services.runtime.lifecycle import Readiness, StartError
from services.runtime.migrate import migrate
from services.runtime.pulse import REST_SECONDS, STUCK_SECONDS, Pulse
from services.runtime.serving import BackendServers, open_all, open_resources, serve_backends
from services.runtime.settings import Settings
from services.runtime.telemetry import Metrics
from tests.conftest import free_port
from tests.open_doors import OpenDoor
from tests.services.runtime.servicers import REQUEST, backend_that, is_there, reflected
from tests.services.runtime.stopwatch import Stopwatch

Status = health_pb2.HealthCheckResponse
BANNER, PERMISSION = BACKENDS["banner"], BACKENDS["permission"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "var")


@pytest.fixture
def socket_at() -> Iterator[str]:
    """The address of a socket, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="atrium-") as folder:
        yield f"unix:{folder}/s"


@asynccontextmanager
async def serving(
    addresses: Mapping[Backend, str], resources: Mapping[Backend, Resources], pulse: Pulse | None = None
) -> AsyncIterator[Readiness]:
    """The servers, running."""
    readiness = Readiness(pulse)
    async with serve_backends(addresses, resources, readiness, Metrics(), OpenDoor()) as servers, running(servers):
        yield readiness


@asynccontextmanager
async def running(servers: BackendServers) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        group.create_task(servers.serve())
        yield
        await servers.stop(0)


async def statuses(channel: grpc.aio.Channel, service: str) -> AsyncGenerator[int, None]:
    async for reply in health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=service)):
        yield reply.status


async def until_serving(channel: grpc.aio.Channel, service: str = "") -> list[int]:
    """The statuses that a watcher is told until the service serves."""
    told = []
    async for status in statuses(channel, service):
        told.append(status)
        if status == Status.SERVING:
            break
    return told


async def test_a_backend_is_healthy_once_its_store_is_up_to_date(settings: Settings, socket_at: str) -> None:
    async with open_all([BANNER], settings) as resources:
        with capture_logs() as logs:
            async with (
                serving({BANNER: socket_at}, resources) as readiness,
                grpc.aio.insecure_channel(socket_at) as channel,
            ):
                check = health_pb2.HealthCheckRequest(service=BANNER.service)
                assert (await health_pb2_grpc.HealthStub(channel).Check(check)).status == Status.NOT_SERVING
                assert await readiness.failing() == ["banner store", "banner health"]
                await migrate(BANNER, resources[BANNER].database)
                await asyncio.wait_for(until_serving(channel), 60)
                assert (await health_pb2_grpc.HealthStub(channel).Check(check)).status == Status.SERVING
                assert await readiness.failing() == []
                assert await readiness.failing() == []
    warned = [entry["backend"] for entry in logs if entry["log_level"] == "warning"]
    assert warned == ["banner"]


async def test_a_backend_does_not_serve_while_its_event_loop_stands_still(settings: Settings, socket_at: str) -> None:
    watch = Stopwatch()
    pulse = Pulse(watch)
    async with open_all([BANNER], settings) as resources:
        await migrate(BANNER, resources[BANNER].database)
        async with serving({BANNER: socket_at}, resources, pulse), grpc.aio.insecure_channel(socket_at) as channel:
            await asyncio.wait_for(until_serving(channel, BANNER.service), 60)
            told = statuses(channel, BANNER.service)
            async with asyncio.timeout(60):
                assert await anext(told) == Status.SERVING
                pulse.note(STUCK_SECONDS)
                assert await anext(told) == Status.NOT_SERVING
                watch.now += REST_SECONDS
                pulse.note(0.0)
                assert await anext(told) == Status.SERVING
            await told.aclose()


async def test_backends_at_one_address_share_a_server(settings: Settings, socket_at: str) -> None:
    both = [BANNER, PERMISSION]
    async with open_all(both, settings) as resources:
        for backend in both:
            await migrate(backend, resources[backend].database)
        async with serving(dict.fromkeys(both, socket_at), resources), grpc.aio.insecure_channel(socket_at) as channel:
            for backend in both:
                await asyncio.wait_for(until_serving(channel, backend.service), 60)
            assert {BANNER.service, PERMISSION.service, "grpc.health.v1.Health"} <= await reflected(channel)


async def test_health_goes_down_before_calls_in_flight_end(settings: Settings, socket_at: str) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def answer(_request: pb.BatchListBannersRequest) -> pb.BatchListBannersResponse:
        asked.set()
        await go_on.wait()
        return pb.BatchListBannersResponse()

    slow = backend_that(answer)
    async with open_all([slow], settings) as resources, grpc.aio.insecure_channel(socket_at) as channel:
        await migrate(slow, resources[slow].database)
        async with (
            serve_backends({slow: socket_at}, resources, Readiness(), Metrics(), OpenDoor()) as servers,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(servers.serve())
            await asyncio.wait_for(until_serving(channel), 60)
            flying = group.create_task(call(channel))
            await asked.wait()
            watched = statuses(channel, slow.service)
            assert await anext(watched) == Status.SERVING
            stopping = group.create_task(servers.stop(60))
            assert await anext(watched) == Status.NOT_SERVING
            await watched.aclose()
            go_on.set()
            assert await flying == pb.BatchListBannersResponse()
            await stopping


async def call(channel: grpc.aio.Channel) -> pb.BatchListBannersResponse:
    return await rpc.BannerServiceStub(channel).BatchListBanners(REQUEST)


async def test_nothing_is_left_of_a_server_that_stopped(settings: Settings, socket_at: str) -> None:
    async with open_all([BANNER], settings) as resources:
        async with serving({BANNER: socket_at}, resources):
            assert is_there(socket_at)
        assert not is_there(socket_at)


async def test_a_server_may_be_stopped_before_it_serves(settings: Settings, socket_at: str) -> None:
    async with (
        open_all([BANNER], settings) as resources,
        serve_backends({BANNER: socket_at}, resources, Readiness(), Metrics(), OpenDoor()) as servers,
    ):
        await servers.stop(0)
        await asyncio.wait_for(servers.serve(), 60)
    assert not is_there(socket_at)


async def test_an_address_that_is_taken_frees_those_taken_before(settings: Settings, socket_at: str) -> None:
    port = f"127.0.0.1:{free_port()}"
    async with open_all([BANNER, PERMISSION], settings) as resources, serving({BANNER: port}, resources):
        with pytest.raises(StartError, match=f"^cannot listen on {port}: address already in use$"):
            async with serve_backends(
                {PERMISSION: socket_at, BANNER: port}, resources, Readiness(), Metrics(), OpenDoor()
            ):
                pytest.fail("the port was not free")
        assert not is_there(socket_at)


async def test_resources_are_what_the_settings_say(settings: Settings) -> None:
    chosen = settings.model_copy(update={"worker": 5})
    async with open_resources(BANNER, chosen) as resources:
        assert resources.database.engine.url.database == f"{settings.data}/banner.db"
        assert (await resources.ids.next_id() >> 12) & 1023 == 5
        assert await resources.cache.ping()
        assert resources.clock().tzinfo is not None


async def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match=f"^cannot make the folder {tmp_path}/file/var: not a directory$"):
        async with open_resources(BANNER, Settings(data=tmp_path / "file" / "var")):
            pytest.fail("there is no folder")


async def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "banner.db").mkdir()
    with pytest.raises(StartError, match=rf"^cannot write {tmp_path}/banner\.db: is a directory$"):
        async with open_resources(BANNER, Settings(data=tmp_path)):
            pytest.fail("there is no file")
