"""Clients that take their time, from a process of their own: each sends a byte now and then, and never comes to an end.

`python -m chaos.slow PORT --clients 600` opens the connections, one half slow in its headers and one in its body, says
`ready`, waits until all were closed by the other side, but no longer than `--seconds`, and prints how many were.
"""

import argparse
import asyncio
import resource
import time
from contextlib import suppress

import uvloop

EVERY_SECONDS = 0.5
"""How long between two bytes."""
HEAD = b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: "
BODY = b"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{"


async def dawdle(opened: tuple[asyncio.StreamReader, asyncio.StreamWriter], beginning: bytes, until: float) -> bool:
    """Whether the other side closed the connection in time."""
    reader, writer = opened
    writer.write(beginning)
    with suppress(OSError):
        while time.monotonic() < until:
            try:
                async with asyncio.timeout(EVERY_SECONDS):
                    while await reader.read(1000):
                        continue
            except TimeoutError:
                writer.write(b" ")
            else:
                break
    closed = time.monotonic() < until
    writer.close()
    return closed


async def run(port: int, clients: int, seconds: float) -> int:
    """How many connections the other side closed."""
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(clients)]
    print("ready", flush=True)
    until = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(dawdle(one, (HEAD, BODY)[n % 2], until)) for n, one in enumerate(opened)]
    return sum(task.result() for task in tasks)


def main() -> None:
    """Prints how many were closed."""
    parser = argparse.ArgumentParser(prog="python -m chaos.slow", description=__doc__)
    parser.add_argument("port", type=int, help="where to connect")
    parser.add_argument("--clients", type=int, default=1, metavar="N")
    parser.add_argument("--seconds", type=float, default=15.0, metavar="S", help="how long at most (15)")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 2 * options.clients + 100), most))
    print(uvloop.run(run(options.port, options.clients, options.seconds)))


if __name__ == "__main__":
    main()
