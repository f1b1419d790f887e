"""What carries events within a process: a relay for each outbox, a listener for each consumer."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import structlog

from services.runtime.backend import Backend, Resources
from services.runtime.bus import Bus, open_bus
from services.runtime.consumer import Intake, Listener
from services.runtime.letters import Letters, Retrying
from services.runtime.lifecycle import Server
from services.runtime.relay import Relay
from services.runtime.telemetry import Metrics
from services.runtime.worker import Worker

_log = structlog.get_logger(__name__)


class Streams:
    """A `lifecycle.Server` of everything that publishes or listens for some backends."""

    def __init__(self, backends: Mapping[Backend, Resources], bus: Bus, metrics: Metrics) -> None:
        # Listeners come first: they have made themselves known to the bus before anything is published.
        self._listeners = [server for each in backends.items() for server in listeners(*each, bus, metrics)]
        self._relays = [server for each in backends.items() for server in relays(*each, bus, metrics)]
        self._stopped = asyncio.Event()

    async def serve(self) -> None:
        """Publishes and listens until stopped."""
        async with asyncio.TaskGroup() as group:
            for server in (*self._listeners, *self._relays):
                group.create_task(server.serve())
            await self._stopped.wait()

    async def stop(self, grace: float) -> None:
        """Stops publishing first, so that listeners can finish; what is left waits in outboxes and on the bus."""
        self._stopped.set()
        ends_at = time.monotonic() + grace
        for servers in (self._relays, self._listeners):
            async with asyncio.TaskGroup() as group:
                for server in servers:
                    group.create_task(server.stop(max(0.0, ends_at - time.monotonic())))


@asynccontextmanager
async def open_streams(
    backends: Mapping[Backend, Resources], url: str, metrics: Metrics, *, complete: bool
) -> AsyncIterator[list[Server]]:
    """What carries events for these backends, on the bus at `url`, to be run by `lifecycle.run`; closed at the end.

    A bus within the process reaches nobody outside: unless the backends are `complete`, none listening elsewhere, their
    events stay in the outboxes until there is a bus.
    """
    if not any(backend.outbox is not None or backend.inbox for backend in backends):
        yield []
    elif url == "memory://" and not complete:
        _log.warning("events wait in the outbox: set ATRIUM_BUS to reach backends in other processes")
        yield []
    else:
        async with open_bus(url) as bus:
            yield [Streams(backends, bus, metrics)]


def relays(backend: Backend, resources: Resources, bus: Bus, metrics: Metrics) -> Sequence[Server]:
    """What publishes the events of a backend."""
    if backend.outbox is None:
        return ()
    relay = Relay(backend.name, backend.outbox, resources.database, bus, resources.clock, metrics)
    return [Worker(f"{backend.name} relay", relay.work, resources.database.news)]


def listeners(backend: Backend, resources: Resources, bus: Bus, metrics: Metrics) -> Sequence[Server]:
    """What has a backend hear of events."""
    consumers = backend.consumers(resources)
    if backend.inbox is None or not consumers:
        return ()
    store = (backend.inbox, resources.database, resources.clock)
    retrying = Retrying(Letters(consumers, *store), metrics)
    return [
        Worker(f"{backend.name} letters", retrying.work),
        *(Listener(consumer, Intake(consumer, *store, metrics), bus) for consumer in consumers),
    ]
