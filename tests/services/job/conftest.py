"""The job service among backends of a few lines."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace

import grpc.aio
import pytest

from services.job.data import METADATA
from services.runtime.backend import Resources
from services.runtime.channels import open_channels
from services.runtime.server import create_server
from services.runtime.telemetry import Metrics
from tests.conftest import MakeResources
from tests.open_doors import Anybody, Stranger
from tests.services.job.examples import busy_world
from tests.services.job.fakes import World
from tests.services.job.servicers import add_servicers

Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
def world() -> World:
    """What the other backends hold."""
    return busy_world()


@pytest.fixture
async def channels(world: World) -> AsyncIterator[Mapping[str, grpc.aio.Channel]]:
    """To backends that hold the world."""
    async with AsyncExitStack() as closing:
        folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="atrium-"))
        server = create_server(Metrics(), Anybody())
        add_servicers(server, world)
        server.add_insecure_port(f"unix:{folder}/s")
        await server.start()
        closing.push_async_callback(server.stop, None)
        addresses = dict.fromkeys(("account", "activity", "permission"), f"unix:{folder}/s")
        yield await closing.enter_async_context(open_channels(addresses, Metrics(), Stranger()))


@pytest.fixture
async def resources(make_resources: MakeResources, channels: Mapping[str, grpc.aio.Channel]) -> Resources:
    """What the job service is lent."""
    return replace(await make_resources(METADATA), channels=channels)


@pytest.fixture
def until() -> Until:
    """Returns once something holds."""

    async def wait(holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(60):
            while not await holds():  # noqa: ASYNC110 - it may be any row of a store.
                await asyncio.sleep(0.005)

    return wait
