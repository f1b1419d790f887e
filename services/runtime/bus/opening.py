"""Picks the bus that a URL names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.runtime.bus.port import Bus
from services.runtime.bus.servers import KafkaServers


@asynccontextmanager
async def open_bus(url: str) -> AsyncIterator[Bus]:
    """The bus at `url`, closed at the end; connects on first use."""
    if url == "memory://":
        from services.runtime.bus.memory import MemoryBus

        yield MemoryBus()
        return
    from services.runtime.bus.kafka import KafkaBus

    async with KafkaBus(KafkaServers.at(url)) as bus:
        yield bus
