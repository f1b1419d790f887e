"""A hub on the stack's cache, serving, and subscriptions on it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from gateway.push.feeds import Feeds
from gateway.push.hub import Hub
from gateway.push.past import Past
from gateway.push.sessions import Sessions
from services.runtime.telemetry import Metrics
from tests.gateway.push.fakes import Doorman, Stage, World

SETTLE_SECONDS = 0.03


async def until_listening(cache: Redis) -> None:
    """Returns once a hub is connected to the cache."""
    async with asyncio.timeout(10):
        while not await cache.pubsub_numpat():  # noqa: ASYNC110 - another process decides.
            await asyncio.sleep(0.001)


@pytest.fixture
def world() -> World:
    return World(11, 12, 13)


@pytest.fixture
def doorman() -> Doorman:
    return Doorman()


@pytest.fixture
def sessions(doorman: Doorman) -> Sessions:
    return Sessions(doorman, every=3600)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def hub(cache: Redis, world: World, metrics: Metrics) -> AsyncIterator[Hub]:
    hub = Hub(cache, world.public, metrics, settle_seconds=SETTLE_SECONDS)
    async with asyncio.TaskGroup() as group:
        group.create_task(hub.serve())
        await until_listening(cache)
        yield hub
        await hub.stop(0)


@pytest.fixture
def feeds(hub: Hub, sessions: Sessions, world: World) -> Feeds:
    return Feeds(hub, sessions, Past(world, retry_seconds=0.01))


@pytest.fixture
def stage() -> Stage:
    return Stage()
