import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from tests.loaders.caching.town import Clock
from tests.loaders.last_good.town import FakeCache, Process

MakeProcess: TypeAlias = Callable[..., Process]
"""The fixture `process`: makes one that remembers a question's answers; all share the fixture `shelf`."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf(clock: Clock) -> FakeCache:
    return FakeCache(clock)


@pytest.fixture
def process(shelf: FakeCache, group: asyncio.TaskGroup, clock: Clock) -> MakeProcess:
    def make(question: str = "features", cache: Any = shelf.redis, **how: Any) -> Process:
        return Process(question, cache, group, clock, **how)

    return make
