"""However many knock at once, all are taken in at once: a loop that turns slowly lets nobody wait for a turn each."""

import asyncio
import errno
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager

import pytest
from structlog.testing import capture_logs

from services.runtime.accepting import MOST_AT_ONCE, Acceptor
from services.runtime.tasks import task_group
from services.runtime.web import listen

TURNS = 10
"""So many turns of the loop are a moment: it takes a few to begin a connection."""
RESET = struct.pack("ii", 1, 0)
"""Has a socket reset its connection when it is closed."""


class Guests:
    """The connections that were begun."""

    def __init__(self) -> None:
        self.here: list[asyncio.BaseTransport] = []
        self.arrived = asyncio.Event()

    def make(self) -> asyncio.Protocol:
        guests = self

        class Guest(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                guests.here.append(transport)
                guests.arrived.set()

        return Guest()


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with listen("127.0.0.1", 0) as opened:
        yield opened


@pytest.fixture
def knock(listening: socket.socket) -> Iterator[Callable[[int], list[socket.socket]]]:
    """So many clients connect; the system holds them until somebody takes them in."""
    with ExitStack() as closing:

        def connect(count: int) -> list[socket.socket]:
            address = listening.getsockname()
            return [closing.enter_context(socket.create_connection(address)) for _ in range(count)]

        yield connect


@asynccontextmanager
async def accepting(listening: socket.socket, guests: Guests, pause_seconds: float = 0.01) -> AsyncIterator[Acceptor]:
    async with task_group() as group:
        acceptor = Acceptor(listening, guests.make, group, pause_seconds)
        try:
            yield acceptor
        finally:
            acceptor.close()
            for transport in guests.here:
                transport.close()


async def some_turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def test_all_who_knocked_are_taken_in_at_once(
    listening: socket.socket, knock: Callable[[int], list[socket.socket]]
) -> None:
    guests = Guests()
    knock(100)
    async with accepting(listening, guests):
        await some_turns()
        assert len(guests.here) == 100


async def test_of_very_many_the_loop_sees_to_others_in_between(
    listening: socket.socket, knock: Callable[[int], list[socket.socket]]
) -> None:
    guests = Guests()
    knock(MOST_AT_ONCE + 1)
    async with accepting(listening, guests):
        await guests.arrived.wait()
        assert len(guests.here) == MOST_AT_ONCE
        await some_turns()
        assert len(guests.here) == MOST_AT_ONCE + 1


async def test_who_knocks_after_it_is_closed_is_not_taken_in(
    listening: socket.socket, knock: Callable[[int], list[socket.socket]]
) -> None:
    guests = Guests()
    async with accepting(listening, guests) as acceptor:
        acceptor.close()
        acceptor.close()
        await acceptor.wait_closed()
        knock(1)
        await some_turns()
        assert guests.here == []


async def test_who_left_meanwhile_keeps_nobody_out(
    listening: socket.socket, knock: Callable[[int], list[socket.socket]]
) -> None:
    guests = Guests()
    for client in knock(3):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()
    [client] = knock(1)
    async with accepting(listening, guests):
        await some_turns()
        assert client.getsockname() in [transport.get_extra_info("peername") for transport in guests.here]


class Crowded(socket.socket):
    """A process that can open no more files, for a while."""

    failures = 0
    on_failure: Callable[[], object] = staticmethod(lambda: None)

    def accept(self) -> tuple[socket.socket, object]:
        if self.failures:
            self.failures -= 1
            asyncio.get_running_loop().call_soon(self.on_failure)
            raise OSError(errno.EMFILE, "too many open files")
        return super().accept()


async def test_when_there_is_no_room_those_who_knock_wait_until_there_is(
    listening: socket.socket, knock: Callable[[int], list[socket.socket]]
) -> None:
    guests = Guests()
    knock(2)
    with Crowded(fileno=listening.dup().detach()) as crowded, capture_logs() as logs:
        crowded.failures = 2
        async with asyncio.timeout(10), accepting(crowded, guests):
            await some_turns()
            assert guests.here == []
            await guests.arrived.wait()
            await some_turns()
            assert len(guests.here) == 2
    assert [entry["event"] for entry in logs] == ["cannot take in connections"] * 2


async def test_one_that_waits_for_room_can_be_closed(
    listening: socket.socket, knock: Callable[[int], list[socket.socket]]
) -> None:
    guests = Guests()
    knock(1)
    with Crowded(fileno=listening.dup().detach()) as crowded:
        async with accepting(crowded, guests, pause_seconds=0.0) as acceptor:
            crowded.failures, crowded.on_failure = 1, acceptor.close
            await some_turns()
            assert (crowded.failures, guests.here) == (0, [])
