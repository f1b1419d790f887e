"""A client holds only so many long connections open, by its address and by its account."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from gateway.push.connections import Connections, TooManyConnections
from gateway.settings import ACCOUNT_CONNECTIONS, ADDRESS_CONNECTIONS, Settings
from schema.errcode import RateLimited
from tests.gateway.hanging import Place, open_place
from tests.gateway.push.client import Subscriber, connected

FEED = "subscription { feedActivityAdded { text } }"
ADDRESS, ACCOUNT = 3, 2
OF_ADDRESS = f"too many connections of this address: it may hold {ADDRESS} open"
OF_ACCOUNT = f"too many connections of this account: it may hold {ACCOUNT} open"


def test_a_client_holds_no_more_connections_than_it_may() -> None:
    connections = Connections(address_most=2)
    seats = [connections.take("here"), connections.take("here")]
    with pytest.raises(TooManyConnections, match="address: it may hold 2 open") as refused:
        connections.take("here")
    assert (refused.value.code, refused.value.retry_after) == (RateLimited.code, 10)
    connections.take("there").leave()
    seats.pop().leave()
    connections.take("here").leave()
    seats.pop().leave()
    assert len(connections.addresses) == 0


def test_an_account_holds_no_more_connections_than_it_may_wherever_they_come_from() -> None:
    connections = Connections(account_most=1)
    one, other = connections.take("here"), connections.take("there")
    one.claim(1)
    one.claim(1)
    with pytest.raises(TooManyConnections, match="account: it may hold 1 open"):
        other.claim(1)
    other.claim(2)
    one.leave()
    other.claim(1)
    other.leave()
    assert (len(connections.addresses), len(connections.accounts)) == (0, 0)


def test_what_is_not_limited_is_not_refused() -> None:
    connections = Connections()
    for _ in range(1000):
        connections.take("here").claim(1)


def test_in_production_there_are_limits_and_elsewhere_those_that_are_set() -> None:
    assert Settings().most_connections == (None, None)
    assert Settings(production=True).most_connections == (ADDRESS_CONNECTIONS, ACCOUNT_CONNECTIONS)
    assert Settings(address_connections=7).most_connections == (7, None)
    assert Settings(production=True, account_connections=3).most_connections == (ADDRESS_CONNECTIONS, 3)


@pytest.fixture
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    """With the one setting of the test."""
    async with open_place(**request.param) as opened:
        yield opened


@asynccontextmanager
async def subscribing(place: Place, token: str) -> AsyncIterator[Subscriber]:
    """A socket of the account with the number of the token, on which it was told something."""
    async with connected(place.address) as subscriber:
        await subscriber.introduce(token)
        await subscriber.subscribe("1", FEED)
        yield subscriber


class Stream:
    """A stream of events, which stays open while it is not read."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def event(self) -> Any:
        """The first event."""
        async with asyncio.timeout(60):
            while not (line := await anext(self._lines)).startswith("data:"):
                continue
        return json.loads(line.removeprefix("data:"))

    async def refusal(self) -> Any:
        """What is answered instead."""
        async with asyncio.timeout(60):
            return json.loads(await self.response.aread())


@asynccontextmanager
async def streaming(place: Place, token: str) -> AsyncIterator[Stream]:
    """A stream of events to the account with the number of the token."""
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {token}"}
    url, body = f"http://{place.address}/graphql", {"query": FEED}
    async with httpx.AsyncClient(timeout=60) as http, http.stream("POST", url, json=body, headers=headers) as response:
        yield Stream(response)


@pytest.mark.parametrize("place", [{"address_connections": ADDRESS}], indirect=True)
async def test_what_is_one_socket_too_many_for_an_address_is_closed_and_a_stream_refused(place: Place) -> None:
    async with AsyncExitStack() as holding:
        for token in ("1", "2"):
            subscriber = await holding.enter_async_context(subscribing(place, token))
            assert (await subscriber.data())["feedActivityAdded"]
        stream = await holding.enter_async_context(streaming(place, "3"))
        assert list((await stream.event())["data"]) == ["feedActivityAdded"]

        async with connected(place.address) as refused:
            assert await refused.closed() == (4411, OF_ADDRESS)
        async with streaming(place, "4") as one_more:
            [error] = (await one_more.refusal())["errors"]
        assert (one_more.response.status_code, one_more.response.headers["retry-after"]) == (429, "10")
        assert (error["message"], error["extensions"]["code"]) == (OF_ADDRESS, RateLimited.code)
    await until_free(place, "4")
    assert dropped(place, "4411") >= 1
    assert dropped(place, str(RateLimited.code)) == 1


@pytest.mark.parametrize("place", [{"account_connections": ACCOUNT}], indirect=True)
async def test_what_is_one_too_many_for_an_account_is_told_when_it_asks(place: Place) -> None:
    async with subscribing(place, "1") as one, streaming(place, "1") as other:
        assert (await one.data())["feedActivityAdded"]
        assert list((await other.event())["data"]) == ["feedActivityAdded"]
        async with subscribing(place, "1") as refused:
            assert await refused.closed() == (4411, OF_ACCOUNT)
        await until_free(place, "2")
        async with streaming(place, "1") as one_more:
            [error] = (await one_more.event())["errors"]
        assert (error["message"], error["extensions"]["code"]) == (OF_ACCOUNT, RateLimited.code)
        assert error["extensions"]["retryAfter"] == 10
    await until_free(place, "1")


async def until_free(place: Place, token: str) -> None:
    """Returns once the account is told something: the gateway hears a moment later that others have gone."""
    async with asyncio.timeout(60):
        while True:
            with suppress(ConnectionClosed):
                async with subscribing(place, token) as subscriber:
                    await subscriber.receive()
                    return


def dropped(place: Place, code: str) -> float:
    """How many long connections were ended with this code."""
    return place.metrics.registry.get_sample_value("atrium_push_dropped_total", {"code": code}) or 0.0
