"""TCP connections that pass through here, each listener in a mood of its own.

`python -m chaos.proxy 6000:6379 6001:5432` listens on the first port of each pair and connects to the second. A line on
standard input changes a mood: `6000 refuse` drops what is open and what comes, `6000 slow 0.1` lets what was received
wait so many seconds before it is passed on, `6000 pass` does neither.
"""

import asyncio
import sys
from contextlib import suppress

import uvloop

CHUNK = 65_536


class Passage:
    """What passes from one port to another."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._refusing = False
        self._delay = 0.0
        self._writers: set[asyncio.StreamWriter] = set()

    def become(self, mood: str, seconds: float) -> None:
        """Passes, refuses, or is slow from now on."""
        self._refusing = mood == "refuse"
        self._delay = seconds if mood == "slow" else 0.0
        if self._refusing:
            for writer in tuple(self._writers):
                writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        if self._refusing:
            writer.transport.abort()
            return
        try:
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, upstream}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, upstream))
                group.create_task(self._pump(upstream_reader, writer))
        finally:
            self._writers -= {writer, upstream}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes on what comes, until either side ends."""
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if self._delay:
                    await asyncio.sleep(self._delay)
                writer.write(data)
                await writer.drain()
        writer.close()


async def run(pairs: list[str]) -> None:
    """Serves until standard input ends."""
    passages = {}
    for pair in pairs:
        port, _, target = pair.partition(":")
        passages[port] = Passage(int(target))
        await asyncio.start_server(passages[port].serve, "127.0.0.1", int(port))
    while line := await asyncio.to_thread(sys.stdin.readline):
        port, mood, *seconds = line.split()
        passages[port].become(mood, float(seconds[0]) if seconds else 0.0)


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1:]))
