"""Load, from a process of its own: keep-alive connections that each send the next request as soon as one is answered.

`python -m bench.load PORT --connections 32 --seconds 4` reads session tokens from standard input, one a line, has
them ask the same query in turn, and prints a `Load` as JSON. Raw sockets: an HTTP library would cost more than a
subject.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import cycle
from typing import cast

import uvloop

from bench.queries import QUERIES, request

GRACE_SECONDS = 5.0
"""How long an answer may take after the last request was sent."""
FAULTS = (b'"errors":', b'"degraded":')
"""Words of an answer that is not whole."""


@dataclass(slots=True)
class Load:
    """What came back."""

    requests: int = 0
    """Answers that were right."""
    errors: int = 0
    """Answers that were not, or never came."""
    seconds: float = 0.0
    """From the first request to the last answer."""
    cpu_seconds: float = 0.0
    """What making the load cost this process."""
    p50_ms: float = 0.0
    p99_ms: float = 0.0


@dataclass(slots=True)
class Run:
    """What all connections of a run share."""

    requests: Iterator[bytes]
    until: float
    done: asyncio.Event = field(default_factory=asyncio.Event)
    open: int = 0
    latencies: list[float] = field(default_factory=list)
    errors: int = 0


class Connection(asyncio.Protocol):
    """One keep-alive connection: one request under way at a time."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._received = bytearray()
        self._sent = 0.0
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._run.open += 1
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if (size := answer_size(self._received)) is None or len(self._received) < size:
            return
        self._waiting = False
        if is_right(self._received):
            self._run.latencies.append(time.perf_counter() - self._sent)
        else:
            self._run.errors += 1
        self._received.clear()
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self._run.errors += self._waiting
        self._run.open -= 1
        if not self._run.open:
            self._run.done.set()

    def _send(self) -> None:
        now = time.perf_counter()
        if now >= self._run.until:
            self._transport.close()
            return
        self._sent, self._waiting = now, True
        self._transport.write(next(self._run.requests))


def answer_size(received: bytearray) -> int | None:
    """How many bytes head and body of the answer have; None while the head is not here."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[:end].lower()
    _, found, rest = head.partition(b"\r\ncontent-length:")
    return end + 4 + (int(rest.partition(b"\r\n")[0]) if found else 0)


def is_right(answer: bytearray) -> bool:
    """Whether the answer is a 200 with data and nothing but data."""
    return answer.startswith(b"HTTP/1.1 200") and not any(fault in answer for fault in FAULTS)


async def send(
    port: int,
    requests: list[bytes],
    connections: int,
    seconds: float,
    grace: float = GRACE_SECONDS,
) -> Load:
    """Sends the requests in turn, for `seconds`, over that many connections to the loopback address."""
    started, cpu_before = time.perf_counter(), time.process_time()
    run = Run(requests=cycle(requests), until=started + seconds)
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(lambda: Connection(run), "127.0.0.1", port) for _ in range(connections)]
    try:
        async with asyncio.timeout(seconds + grace):
            await run.done.wait()
    except TimeoutError:
        for transport, _ in opened:
            transport.abort()
        await run.done.wait()
    return summed_up(run, time.perf_counter() - started, time.process_time() - cpu_before)


def summed_up(run: Run, seconds: float, cpu_seconds: float) -> Load:
    """The run as numbers."""
    ordered = sorted(run.latencies)
    return Load(len(ordered), run.errors, seconds, cpu_seconds, percentile(ordered, 50), percentile(ordered, 99))


def percentile(ordered: list[float], percent: int) -> float:
    """The smallest latency, in milliseconds, that so many percent do not exceed; 0 when there are none."""
    if not ordered:
        return 0.0
    rank = -(-len(ordered) * percent // 100)
    return ordered[rank - 1] * 1000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("port", type=int, help="where the subject listens")
    parser.add_argument("--connections", type=int, default=1, metavar="N")
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S")
    parser.add_argument("--query", choices=QUERIES, default="home")
    options = parser.parse_args()
    requests = [request(token, options.query) for token in sys.stdin.read().split()]
    load = uvloop.run(send(options.port, requests, options.connections, options.seconds))
    print(json.dumps(asdict(load)))


if __name__ == "__main__":
    main()
