"""The buses that a group of listeners may be on."""

import uuid
from collections.abc import AsyncIterator

import pytest

from services.runtime.bus import Bus
from services.runtime.bus.kafka import KafkaBus
from services.runtime.bus.memory import MemoryBus
from services.runtime.bus.servers import KafkaServers

BUSES = ("memory", "kafka")
SESSION_SECONDS = 1.5


@pytest.fixture(params=BUSES)
def kind(request: pytest.FixtureRequest) -> str:
    """Runs the test once on each bus."""
    return str(request.param)


@pytest.fixture
async def bus(kind: str, request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    """A bus of that kind, on which nothing was published."""
    if kind == "memory":
        yield MemoryBus()
        return
    servers = KafkaServers.at(request.getfixturevalue("kafka_broker"))
    async with KafkaBus(servers, f"test.{uuid.uuid4().hex}", SESSION_SECONDS) as opened:
        yield opened
