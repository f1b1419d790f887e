"""Takes in connections: all that wait, in each turn of the event loop.

uvloop takes in one for each turn, which is right for a loop that turns quickly. An overloaded one takes a tenth of a
second for a turn: then connections would wait for seconds before anybody could even refuse them, and once more of them
wait than the system holds, clients knock in vain and try again after one second, after three and after seven.
"""

import asyncio
import socket
from collections.abc import Callable

import structlog

MOST_AT_ONCE = 256
"""How many are taken in before the loop sees to others."""
PAUSE_SECONDS = 1.0
"""How long nobody is taken in when the process can have no more connections."""
_log = structlog.get_logger(__name__)


class Acceptor:
    """Makes connections of what knocks at a listening socket, until it is closed; fits uvicorn's list of servers."""

    def __init__(
        self,
        listening: socket.socket,
        make: Callable[[], asyncio.Protocol],
        group: asyncio.TaskGroup,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        """`make` makes the protocol of a connection, which is begun by a task of `group`."""
        self._listening = listening
        self._make = make
        self._group = group
        self._pause_seconds = pause_seconds
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        listening.setblocking(False)
        self._go_on()

    def close(self) -> None:
        """Takes in nobody any more; the socket stays open."""
        if not self._closed:
            self._closed = True
            self._pause()

    async def wait_closed(self) -> None:
        """Nothing is left to wait for."""

    def _go_on(self) -> None:
        self._timer = None
        self._loop.add_reader(self._listening, self._take_in)

    def _pause(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        else:
            self._loop.remove_reader(self._listening)

    def _take_in(self) -> None:
        for _ in range(MOST_AT_ONCE):
            try:
                connection, _ = self._listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                _log.error("cannot take in connections", exc_info=error)
                self._pause()
                self._timer = self._loop.call_later(self._pause_seconds, self._go_on)
                return
            self._group.create_task(self._begin(connection))

    async def _begin(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(self._make, connection)
        except OSError:  # It is gone already.
            connection.close()
