"""Processes that remember the answers to one question, each by a clock of its own, and the cache between them."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as ConnectionLost

from loaders.caching.heard import Heard
from loaders.last_good.memory import Memory, Since
from loaders.last_good.rules import LASTING
from loaders.last_good.shelf import Shelf
from schema.errcode import AtriumError, BackendUnavailable, LastGood
from services.runtime.changed import Changes
from services.runtime.versioned_cache import Outage
from tests.loaders.caching.town import QUESTIONS, Clock
from tests.loaders.squares import turns


class FakeCache:
    """The few commands that are used, by a clock that passes when a test says so; fits where Redis does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.entries: dict[str, tuple[bytes, float]] = {}
        """What is kept, and until when."""
        self.is_down = False
        self.trips = 0
        """How often it was asked something."""
        self._told: list[Any] = []

    @property
    def redis(self) -> Redis:
        return cast(Redis, self)

    def pipeline(self, transaction: bool) -> "FakeCache":
        return FakePipeline(self)

    def left(self, name: str) -> float:
        """For how many seconds it keeps an entry; negative where there is none."""
        entry = self.entries.get(name)
        return entry[1] - self._clock() if entry and entry[1] > self._clock() else -0.002

    def put(self, name: str, value: bytes, seconds: float) -> None:
        self.entries[name] = (value, self._clock() + seconds)


class FakePipeline(FakeCache):
    """Does all at once at the end."""

    def __init__(self, cache: FakeCache) -> None:
        super().__init__(cache._clock)
        self._cache = cache

    async def __aenter__(self) -> "FakePipeline":
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._told.clear()

    def set(self, name: str, value: bytes, px: int = 0, ex: int = 0) -> None:
        self._told.append(lambda: self._cache.put(name, value, px / 1000 + ex))

    def mget(self, names: Sequence[str]) -> None:
        self._told.append(
            lambda: [self._cache.entries[name][0] if self._cache.left(name) > 0 else None for name in names]
        )

    def pttl(self, name: str) -> None:
        self._told.append(lambda: int(self._cache.left(name) * 1000))

    def delete(self, *names: str) -> None:
        self._told.append(lambda: [self._cache.entries.pop(name, None) for name in names])

    def publish(self, *_message: object) -> None:
        pass

    async def execute(self) -> list[Any]:
        await asyncio.sleep(0)
        self._cache.trips += 1
        if self._cache.is_down:
            raise ConnectionLost("down")
        return [command() for command in self._told]


class Process:
    """One gateway. Its clock shows something else than those of others."""

    def __init__(
        self,
        question: str,
        cache: Redis | None,
        group: asyncio.TaskGroup,
        clock: Clock,
        *,
        ahead: float = 0.0,
        most: int = 100,
    ) -> None:
        def monotonic() -> float:
            return clock() + ahead

        rule: Any = LASTING[question]
        self.heard = Heard(rule.seconds, monotonic=monotonic)
        shelf = None
        if cache is not None:
            shelf = Shelf(cache, group, Outage(pause=0), gathering_seconds=0, monotonic=monotonic)
            self._changes = Changes(cache, Outage(pause=0))
        self.memory: Memory[Any, Any] = Memory(QUESTIONS[question], rule, self.heard, most, shelf, monotonic)

    async def learn(self, key: Any, answer: Any, since: Since | None = None) -> None:
        """The backend answers; what is to be put on the shelf is there."""
        self.memory.learn({key: answer}, since or self.memory.now())
        await turns(20)

    async def change(self, *subjects: str) -> None:
        """This process changes something, and tells the others as far as it can."""
        await self._changes.tell(subjects)
        self.heard.note(subjects)

    async def recall(self, key: Any, error: AtriumError | None = None) -> LastGood | None:
        """What comes with the error when the backend does not answer."""
        found = await self.memory.recalled({key: error or BackendUnavailable("some")})
        return found[key].last_good if found else None
