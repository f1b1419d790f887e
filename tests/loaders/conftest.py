import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TypeAlias

import grpc.aio
import pytest

from loaders import Clients
from services.runtime.tasks import task_group
from services.runtime.telemetry import Metrics

MakeClients: TypeAlias = Callable[[Mapping[str, grpc.aio.Channel]], Clients]
"""The fixture `clients`: what the gateway asks of the backends behind some channels."""


@pytest.fixture
async def group() -> AsyncIterator[asyncio.TaskGroup]:
    """Has the tasks of calls, as the application does."""
    async with task_group() as opened:
        yield opened


@pytest.fixture
def clients(group: asyncio.TaskGroup) -> MakeClients:
    return lambda channels: Clients(channels, Metrics(), group)
