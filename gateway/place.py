"""Where a gateway process serves: alone on its port, or as one of several workers."""

import asyncio
import contextlib
import socket
from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.announcement import announce
from gateway.graphiql import Persona
from gateway.settings import Settings
from services.runtime.lifecycle import Readiness, Server
from services.runtime.telemetry import Metrics
from services.runtime.web import listen, machine_server


class Place(Protocol):
    """What a process needs to know of where it serves."""

    @property
    def words(self) -> Mapping[str, object]:
        """What stands in each of its log lines."""
        ...

    def listen(self, settings: Settings) -> socket.socket:
        """The socket that it serves; StartError when there cannot be one."""
        ...

    def servers(self, settings: Settings, metrics: Metrics, readiness: Readiness) -> Sequence[Server]:
        """What else it has to run."""
        ...

    def tell(self, settings: Settings, seconds: float, personas: Sequence[Persona]) -> None:
        """Says that it serves."""
        ...


class Alone:
    """The only process: it tells whoever started it where it is."""

    words: Mapping[str, object] = {}

    def listen(self, settings: Settings) -> socket.socket:
        """A socket of its own."""
        return listen(settings.host, settings.port)

    def servers(self, settings: Settings, metrics: Metrics, readiness: Readiness) -> Sequence[Server]:
        """Nothing else."""
        return ()

    def tell(self, settings: Settings, seconds: float, personas: Sequence[Persona]) -> None:
        """Prints it for people."""
        announce(settings, seconds, personas)


class Worker:
    """One of several: with a number, a socket that was made for it, and a line to whoever started it."""

    def __init__(self, number: int, listening: socket.socket, line: socket.socket) -> None:
        self.words: Mapping[str, object] = {"worker": number}
        self._number = number
        self._listening = listening
        self._line = line

    def listen(self, settings: Settings) -> socket.socket:
        """The socket that it was given."""
        return self._listening

    def servers(self, settings: Settings, metrics: Metrics, readiness: Readiness) -> Sequence[Server]:
        """Its own numbers, since a scrape of the common port finds any of the workers; and an ear on the line."""
        if settings.metrics_port is None:
            return (Ear(self._line),)
        return Ear(self._line), machine_server(settings.metrics_port + self._number - 1, metrics, readiness)

    def tell(self, settings: Settings, seconds: float, personas: Sequence[Persona]) -> None:
        """Tells it on the line."""
        self._line.send(b"\n")


class Ear:
    """Hears when whoever started this process is gone, which ends it too: it would hold the port."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._stopped = asyncio.Event()

    async def serve(self) -> None:
        """Until the line is dead, or stopped."""
        self._line.setblocking(False)
        async with asyncio.TaskGroup() as group:
            waits = [group.create_task(self._wait_until_dead()), group.create_task(self._stopped.wait())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    async def stop(self, grace: float) -> None:
        """Hears no more."""
        self._stopped.set()

    async def _wait_until_dead(self) -> None:
        with contextlib.suppress(ConnectionError):
            await asyncio.get_running_loop().sock_recv(self._line, 1)
