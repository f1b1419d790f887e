"""A client that leaves stops the work that was begun for it, down to the backend."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc.aio
import pytest

from gateway.app import create_app
from gateway.health import Health
from gateway.settings import Settings
from loaders import open_clients
from schema.generated.banner.v1 import banner_pb2, banner_pb2_grpc
from services.runtime.channels import open_channel
from services.runtime.lifecycle import Readiness
from services.runtime.telemetry import Metrics
from tests.gateway.push.fakes import Silent
from tests.gateway.test_view import converse


class HangingBanners(banner_pb2_grpc.BannerServiceServicer):
    """Never answers; tells when it was asked and when the asker gave up."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.given_up = asyncio.Event()

    async def BatchListBanners(
        self, request: banner_pb2.BatchListBannersRequest, context: Any
    ) -> banner_pb2.BatchListBannersResponse:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.given_up.set()
        return banner_pb2.BatchListBannersResponse()


@pytest.fixture
async def hanging() -> AsyncIterator[tuple[HangingBanners, str]]:
    """The servicer and where it listens."""
    servicer = HangingBanners()
    server = grpc.aio.server()
    banner_pb2_grpc.add_BannerServiceServicer_to_server(servicer, server)
    with TemporaryDirectory(prefix="atrium-") as folder:
        address = f"unix:{Path(folder)}/banner"
        server.add_insecure_port(address)
        await server.start()
        yield servicer, address
        await server.stop(0)


async def test_the_call_in_flight_is_cancelled(hanging: tuple[HangingBanners, str]) -> None:
    servicer, address = hanging
    metrics = Metrics()
    async with AsyncExitStack() as closing:
        channel = await closing.enter_async_context(open_channel("banner", address, metrics))
        channels = dict.fromkeys(("account", "permission", "banner", "activity", "admin"), channel)
        clients = await closing.enter_async_context(open_clients(channels, metrics))
        app = create_app(clients, Silent(), Settings(), metrics, Health(channels, Readiness()))
        query = b'{"query": "{ viewer { home { banners { id } } } }"}'
        answered = await converse(app, leave_after=servicer.asked, body=query)
        async with asyncio.timeout(5):
            await servicer.given_up.wait()
    assert answered[0]["status"] == 499
