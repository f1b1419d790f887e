"""Subscribers that wait, from a process of their own: WebSockets that subscribe to the feed and then say nothing.

`python -m bench.idle PORT --subscribers 5000` reads session tokens from standard input, all in one line, has each
subscribe in turn, prints a line of JSON once all of them are open, and holds them until its input ends or it is killed.
"""

import argparse
import asyncio
import json
import sys
from contextlib import AsyncExitStack
from itertools import cycle, islice

import uvloop
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

AT_ONCE = 100
"""How many connect at the same time."""
PROTOCOL = Subprotocol("graphql-transport-ws")
SUBSCRIBE = {"id": "1", "type": "subscribe", "payload": {"query": "subscription { feedActivityAdded { id } }"}}


async def subscribe(port: int, token: str, turns: asyncio.Semaphore, closing: AsyncExitStack) -> bool:
    """Whether one more subscriber is there; it stays until the stack closes."""
    opened = connect(
        f"ws://127.0.0.1:{port}/graphql",
        subprotocols=[PROTOCOL],
        compression=None,
        ping_interval=None,
        open_timeout=60,
        close_timeout=1,
        max_queue=1,
    )
    async with turns:
        try:
            connection = await closing.enter_async_context(opened)
            payload = {"authorization": f"Bearer {token}"}
            await connection.send(json.dumps({"type": "connection_init", "payload": payload}))
            await connection.recv()
            await connection.send(json.dumps(SUBSCRIBE))
        except (OSError, TimeoutError, WebSocketException):
            return False
    return True


async def hold(port: int, tokens: list[str], count: int) -> None:
    """Subscribes, says how it went, and stays until the input ends."""
    turns = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as closing:
        tasks = (subscribe(port, token, turns, closing) for token in islice(cycle(tokens), count))
        there = sum(await asyncio.gather(*tasks))
        print(json.dumps({"subscribers": there, "errors": count - there}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    """Ends when its input does."""
    parser = argparse.ArgumentParser(prog="python -m bench.idle", description=__doc__)
    parser.add_argument("port", type=int, help="where the gateway listens")
    parser.add_argument("--subscribers", type=int, default=1, metavar="N")
    options = parser.parse_args()
    tokens = sys.stdin.readline().split()
    uvloop.run(hold(options.port, tokens, options.subscribers))


if __name__ == "__main__":
    main()
