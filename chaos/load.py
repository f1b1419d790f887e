"""Load at a rate, from a process of its own: requests go out when they are due, whatever became of those before.

`python -m chaos.load PORT --rate 50` reads one line from standard input, a JSON list of whole HTTP requests, sends them
in turn until its input ends, waits for the answers that are due, and prints a JSON list of what came of each. It says
`ready` when it begins.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import partial
from typing import NamedTuple, cast

import uvloop

from bench.load import FAULTS, answer_size

GRACE_SECONDS = 7.0
"""How long an answer may take after the last request was sent: longer than any deadline."""
TICK_SECONDS = 0.002
"""How late a request usually goes out at most."""
MOST_CONNECTIONS = 3000
"""More than this do not fit through the ports of one address."""
ERRORS, DEGRADED = FAULTS
WHOLE, WITH_GAPS, REFUSED, FAILED, LOST, UNSENT = "whole", "degraded", "refused", "failed", "lost", "unsent"
OVERLOADED = b'"code":5030200'
"""How a process says that it has too much to do."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request."""

    at: float
    """When it was sent, by the monotonic clock of the machine."""
    seconds: float
    """How long its answer took."""
    kind: str
    """Whole; degraded: with gaps that are told; refused: for there was too much to do; failed: an error; lost; unsent:
    there was no connection left to send it over, which says nothing of what would have come of it."""
    status: int
    """Of HTTP; 0 when no answer came."""
    codes: Sequence[int]
    """Of the errors in the answer, each once."""
    size: int
    """Bytes of the answer."""
    late: float = 0.0
    """How much later than it should it was sent, for which the load is to blame."""


class Sent(NamedTuple):
    """A request that is on its way."""

    at: float
    late: float = 0.0

    def answered(self, answer: bytes) -> Outcome:
        """What a whole answer says; it came just now."""
        status, seconds = int(answer[9:12]), time.monotonic() - self.at
        codes = codes_in(answer) if ERRORS in answer else ()
        return Outcome(self.at, seconds, kind_of(status, answer), status, codes, len(answer), self.late)

    def unanswered(self, kind: str) -> Outcome:
        """What is known of one to which no answer will come."""
        return Outcome(self.at, time.monotonic() - self.at, kind, 0, (), 0, self.late)


def kind_of(status: int, answer: bytes) -> str:
    """In which way the answer is good, or not."""
    if status == 503 and OVERLOADED in answer:
        return REFUSED
    if status != 200 or ERRORS in answer:
        return FAILED
    return WITH_GAPS if DEGRADED in answer else WHOLE


def codes_in(answer: bytes) -> tuple[int, ...]:
    """The codes of the errors, each once."""
    try:
        errors = json.loads(answer.partition(b"\r\n\r\n")[2])["errors"]
        return tuple(sorted({error["extensions"]["code"] for error in errors}))
    except (ValueError, KeyError, TypeError):
        return (0,)


class Load:
    """Everything that is sent and what came of it."""

    def __init__(self, port: int, requests: list[bytes], most_connections: int = MOST_CONNECTIONS) -> None:
        self._port = port
        self._most_connections = most_connections
        self._requests = requests
        self._idle: list[Connection] = []
        self._open = 0
        self._busy: set[Connection] = set()
        self._waiting = 0
        self._ending = False
        self._over = asyncio.Event()
        self.outcomes: list[Outcome] = []

    async def send(self, rate: float, enough: asyncio.Event) -> None:
        """Sends so many requests a second until it is enough, then waits for answers."""
        started, sent = time.monotonic(), 0
        async with asyncio.TaskGroup() as group:
            while not enough.is_set():
                due = int((time.monotonic() - started) * rate)
                for number in range(sent, due):
                    self._ask(group, started + (number + 1) / rate, self._requests[number % len(self._requests)])
                sent = max(sent, due)
                await asyncio.sleep(TICK_SECONDS)
            await self._answered()

    async def _answered(self) -> None:
        """Waits for what is on its way; what does not come in time is lost."""
        self._ending = True
        self._tell_when_over()
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await self._over.wait()
        except TimeoutError:
            for connection in tuple(self._busy):
                connection.drop()

    def close(self) -> None:
        """Lets all connections go."""
        for connection in (*self._idle, *self._busy):
            connection.drop()

    def _tell_when_over(self) -> None:
        if self._ending and not self._waiting:
            self._over.set()

    def _ask(self, group: asyncio.TaskGroup, due: float, request: bytes) -> None:
        self._waiting += 1
        now = time.monotonic()
        sent = Sent(now, now - due)
        while self._idle:
            connection = self._idle.pop()
            if not connection.closing:
                return self._give(connection, sent, request)
        if self._open >= self._most_connections:
            return self.over(sent.unanswered(UNSENT))
        self._open += 1
        group.create_task(self._connect(sent, request))
        return None

    async def _connect(self, sent: Sent, request: bytes) -> None:
        try:
            make = asyncio.get_running_loop().create_connection(partial(Connection, self), "127.0.0.1", self._port)
            _, connection = await asyncio.wait_for(make, GRACE_SECONDS)
        except OSError:
            self.closed()
            return self.over(sent.unanswered(LOST))
        return self._give(connection, sent, request)

    def _give(self, connection: "Connection", sent: Sent, request: bytes) -> None:
        self._busy.add(connection)
        connection.ask(sent, request)

    def closed(self, connection: "Connection | None" = None) -> None:
        """A connection is gone, or could not be made."""
        self._open -= 1
        if connection is not None:
            self._busy.discard(connection)

    def over(self, outcome: Outcome) -> None:
        """That came of one."""
        self._waiting -= 1
        self.outcomes.append(outcome)
        self._tell_when_over()

    def answered(self, connection: "Connection", outcome: Outcome) -> None:
        """An answer came, and the connection is free."""
        self._busy.discard(connection)
        self.over(outcome)
        if not connection.closing:
            self._idle.append(connection)


class Connection(asyncio.Protocol):
    """One keep-alive connection: one request under way at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._received = bytearray()
        self._asked: Sent | None = None
        self.closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, sent: Sent, request: bytes) -> None:
        """Sends a request."""
        self._asked = sent
        self._transport.write(request)

    def drop(self) -> None:
        """Waits no longer."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        size = answer_size(self._received)
        if self._asked is None or size is None or len(self._received) < size:
            return
        answer, asked = bytes(self._received), self._asked
        self._received.clear()
        self._asked = None
        if b"\r\nconnection: close" in answer.partition(b"\r\n\r\n")[0].lower():
            self.closing = True
            self._transport.close()
        self._load.answered(self, asked.answered(answer))

    def connection_lost(self, error: Exception | None) -> None:
        self.closing = True
        self._load.closed(self)
        if self._asked is not None:
            self._load.over(self._asked.unanswered(LOST))


async def run(port: int, rate: float, requests: list[bytes]) -> list[Outcome]:
    """Sends until standard input ends; what came of it."""
    load, enough = Load(port, requests), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), enough.set)
    await load.send(rate, enough)
    loop.remove_reader(sys.stdin.fileno())
    load.close()
    return load.outcomes


def main() -> None:
    """Ends soon after its input does."""
    parser = argparse.ArgumentParser(prog="python -m chaos.load", description=__doc__)
    parser.add_argument("port", type=int, help="where to send")
    parser.add_argument("--rate", type=float, default=10.0, metavar="N", help="requests a second (10)")
    options = parser.parse_args()
    requests = [text.encode() for text in json.loads(sys.stdin.buffer.readline())]
    print("ready", flush=True)
    outcomes = uvloop.run(run(options.port, options.rate, requests))
    # Unbuffered, as some environments have it, the system may take less than all of it.
    with open(sys.stdout.fileno(), "w", closefd=False) as told:
        json.dump([astuple(outcome) for outcome in outcomes], told)


if __name__ == "__main__":
    main()
