"""Subscribers of two gateway processes, which hear by Redis what is done through either, and one of which stops."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from services.backends import BACKENDS
from tests.conftest import free_port
from tests.gateway.process import Running, finished, running
from tests.gateway.push.client import SECONDS, Subscriber, connected

FEED = "subscription ($last: ID) { feedActivityAdded(lastSeenId: $last) { id } }"
PUBLISH = "mutation ($text: String!) { publishActivity(input: {kind: POST, text: $text}) { id } }"
FOLLOW = "mutation ($id: ID!) { follow(accountId: $id) { id } }"
SIGN_IN = 'mutation ($handle: String!) { signIn(handle: $handle, password: "atrium-demo") { token } }'
EACH = 60
"""How many activities each of two authors publishes."""
READERS = 6


@dataclass(frozen=True)
class Town:
    """Two gateways in front of the same backends."""

    gateways: Sequence[Running]
    places: Sequence[str]

    async def ask(self, query: str, token: str = "", **variables: Any) -> Any:
        """The data of an operation, answered by the first gateway."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(base_url=f"http://{self.places[0]}", timeout=SECONDS) as http:
            body = {"query": query, "variables": variables}
            return (await http.post("/graphql", json=body, headers=headers)).json()["data"]

    async def sign_in(self, handle: str) -> str:
        """A session token."""
        return str((await self.ask(SIGN_IN, handle=handle))["signIn"]["token"])

    async def publish(self, token: str) -> str:
        """The id of a new activity."""
        return str((await self.ask(PUBLISH, token, text="news"))["publishActivity"]["id"])


@pytest.fixture
def town(redis_server: str, tmp_path: Path) -> Iterator[Town]:
    with ExitStack() as closing:
        folder = closing.enter_context(TemporaryDirectory(prefix="atrium-"))
        addresses = {f"ADDRESSES__{name.upper()}": f"unix:{folder}/all" for name in BACKENDS}
        settings = {"DATA": str(tmp_path / "data"), "CACHE": redis_server, **addresses}
        for command in (("migrate",), ("demo", "--accounts", "60")):
            done = finished(("services", *command), settings)
            assert done.returncode == 0, done.stderr
        closing.enter_context(running(("services", "serve"), settings, tmp_path / "services.txt"))
        ports = [str(free_port()), str(free_port())]
        gateways = [
            closing.enter_context(running(("gateway", "run"), {**settings, "PORT": port}, tmp_path / f"{port}.txt"))
            for port in ports
        ]
        for gateway, port in zip(gateways, ports, strict=True):
            gateway.wait_for(f"http://127.0.0.1:{port}/readyz")
        yield Town(gateways, [f"127.0.0.1:{port}" for port in ports])


class Reader:
    """Reads a feed, leaves now and then, and resumes at whichever gateway is there."""

    def __init__(self, places: Sequence[str], token: str, first: str, seed: int) -> None:
        self._places = places
        self._token = token
        self._chance = random.Random(seed)
        self.told = [first]
        self.ends: list[int | None] = []

    async def read(self, count: int) -> None:
        """Returns once it was told of so many activities."""
        while len(self.told) < count:
            try:
                async with connected(self._chance.choice(self._places)) as subscriber:
                    await self._read_some(subscriber, count)
            except ConnectionClosed as closed:
                self.ends.append(closed.rcvd.code if closed.rcvd else None)
            except TimeoutError:  # An OSError too: to try again would be to wait for ever.
                raise
            except (InvalidHandshake, OSError):
                await asyncio.sleep(0.05)  # Nobody is there; a client does not hurry back.

    async def _read_some(self, subscriber: Subscriber, count: int) -> None:
        await subscriber.introduce(self._token)
        await subscriber.subscribe("a", FEED, last=self.told[-1])
        for _ in range(min(self._chance.randint(1, 40), count - len(self.told))):
            self.told.append((await subscriber.data())["feedActivityAdded"]["id"])


async def publish_in_turn(town: Town, tokens: Sequence[str]) -> list[str]:
    """One by one: of two at once either is stored first, and a client that resumes between may miss the other."""
    return [await town.publish(token) for _ in range(EACH) for token in tokens]


@asynccontextmanager
async def waiting(place: str, token: str, last: str) -> AsyncIterator[tuple[Subscriber, httpx.Response]]:
    """A WebSocket and a stream of events on which nothing is told yet that comes after the last activity."""
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {token}"}
    body = {"query": FEED, "variables": {"last": last}}
    async with (
        connected(place) as subscriber,
        httpx.AsyncClient(timeout=SECONDS) as http,
        http.stream("POST", f"http://{place}/graphql", json=body, headers=headers) as response,
    ):
        await subscriber.introduce(token)
        await subscriber.subscribe("a", FEED, last=last)
        yield subscriber, response


async def test_nothing_is_lost_or_told_twice_when_clients_and_gateways_come_and_go(town: Town) -> None:
    ada, bo, corp = [await town.sign_in(handle) for handle in ("ada", "bo", "corp")]
    for author in ("acc_2", "acc_3"):
        await town.ask(FOLLOW, ada, id=author)
    first = await town.publish(bo)
    readers = [Reader(town.places, ada, first, seed) for seed in range(READERS)]
    async with waiting(town.places[1], ada, first) as (subscriber, response), asyncio.TaskGroup() as group:
        for reader in readers:
            group.create_task(reader.read(1 + 2 * EACH))
        published = group.create_task(publish_in_turn(town, (bo, corp)))
        await subscriber.data()
        assert (await asyncio.to_thread(town.gateways[1].stop, signal.SIGTERM))[0] == 0
        assert (await subscriber.closed())[0] == 1012
        assert b"event: complete" not in await response.aread()
    expected = [first, *published.result()]
    assert [reader.told for reader in readers] == [expected] * READERS
    assert {end for reader in readers for end in reader.ends} <= {1012}
