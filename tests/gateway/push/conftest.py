"""A hub on the stack's cache, serving, and subscriptions on it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from gateway.push.feeds import Feeds
from gateway.push.hub import Hub
from gateway.push.listeners import Gap
from gateway.push.past import Past
from gateway.push.sessions import Sessions
from services.runtime.telemetry import Metrics
from tests.gateway.push.fakes import Doorman, Stage, World

SETTLE_SECONDS = 0.03


async def begin(hub: Hub, group: asyncio.TaskGroup) -> None:
    """Lets the hub serve, and returns once it hears what is published."""
    async with asyncio.timeout(60), hub.listener(["whoever listens is told of a gap at first"]) as listener:
        group.create_task(hub.serve())
        assert await listener.get() is Gap.GAP


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
        await begin(hub, group)
        yield hub
        await hub.stop(0)


@pytest.fixture
def feeds(hub: Hub, sessions: Sessions, world: World) -> Feeds:
    return Feeds(hub, sessions, Past(world, retry_seconds=0.01))


@pytest.fixture
def stage() -> Stage:
    return Stage()
