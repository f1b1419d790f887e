from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from services.runtime.tasks import task_group
from tests.loaders.caching.town import Clock, Gateway, MakeGateway, Store, Tasks, account

AccountStore = Store[int, Any]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    async with task_group() as opened:
        yield Tasks(opened)


@pytest.fixture
def store() -> AccountStore:
    """The account backend: accounts 1 and 2."""
    return Store({1: account(1), 2: account(2)}, None)


@pytest.fixture
def make_gateway(cache: Redis, tasks: Tasks, clock: Clock, store: AccountStore) -> MakeGateway:
    def make(question: str = "account_by_id", source: Any = store, redis: Redis = cache, **how: Any) -> Any:
        return Gateway(question, source, redis, tasks, clock, **how)

    return make
