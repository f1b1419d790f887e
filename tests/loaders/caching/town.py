"""Gateways that share a cache, each with caches of its own, in front of one source that remembers what it was asked."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar, cast

from redis.asyncio import Redis

from loaders.account import AccountQuestions
from loaders.activity import ActivityQuestions
from loaders.banner import BannerQuestions
from loaders.batching import Question, Source
from loaders.caching.around import Around
from loaders.caching.cached import Cached
from loaders.caching.heard import Heard
from loaders.caching.loading import Levels, Loading
from loaders.caching.local import Local
from loaders.caching.remote import Remote
from loaders.caching.rules import RULES, Kept, Lifetimes
from loaders.permission import PermissionQuestions
from schema.errcode import AtriumError
from schema.generated.account.v1 import account_pb2
from services.runtime.changed import PREFIX
from services.runtime.versioned_cache import Entries, Guard, Outage
from tests.loaders.fakes import channels

K = TypeVar("K")
V = TypeVar("V")
LIFETIMES = Lifetimes()


CHANNELS = channels()[1]
QUESTIONS: dict[str, Question[Any, Any]] = {
    question.name: question
    for asked in (
        AccountQuestions(CHANNELS["account"]),
        PermissionQuestions(CHANNELS["permission"]),
        BannerQuestions(CHANNELS["banner"]),
        ActivityQuestions(CHANNELS["activity"]),
    )
    for question in vars(asked).values()
    if isinstance(question, Question)
}
"""Everything that is asked, by name; nobody answers."""


class Clock:
    """Seconds that pass when a test says so; both clocks of a process."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Store(Generic[K, V]):
    """Answers from a dict; a `Source`."""

    def __init__(self, values: dict[K, V], missing: V) -> None:
        self.values = values
        self.missing = missing
        self.asked: list[list[K]] = []
        self.given_up = 0
        self.open = asyncio.Event()
        """While it is cleared, nobody is answered."""
        self.open.set()
        self.problem: Exception | None = None
        self._asked_again = asyncio.Event()

    async def was_asked(self, times: int = 1) -> None:
        """Returns when it was asked so often."""
        while len(self.asked) < times:
            self._asked_again.clear()
            await self._asked_again.wait()

    async def answers(self, keys: Sequence[K]) -> Sequence[V | AtriumError]:
        self.asked.append(list(keys))
        self._asked_again.set()
        found = [self.values.get(key, self.missing) for key in keys]
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        if self.problem:
            raise self.problem
        return found


class Tasks:
    """A task group that says when nothing is under way."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: set[asyncio.Task[Any]] = set()

    def create_task(self, work: Coroutine[Any, Any, V]) -> asyncio.Task[V]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        return task

    async def rest(self) -> None:
        """Returns when all of them have ended."""
        while running := [task for task in self._tasks if not task.done()]:
            async with asyncio.timeout(60):
                await asyncio.wait(running)


class Gateway(Generic[K, V]):
    """One process: what it keeps of one question, and what it has heard of."""

    def __init__(
        self,
        question: str,
        source: Source[K, V],
        redis: Redis,
        tasks: Tasks,
        clock: Clock,
        *,
        most: int = 100,
        local: bool = True,
        remote: bool = True,
    ) -> None:
        rule = RULES[question]
        assert isinstance(rule, Kept)
        self._tasks = tasks
        self.counted: Counter[str] = Counter()
        self.heard = Heard(LIFETIMES.longest, monotonic=clock)
        around = Around(self.heard, cast(asyncio.TaskGroup, tasks), clock, clock, random.Random(7), renewing_after=0)
        seconds = rule.seconds(LIFETIMES)
        guard = Guard(Entries(redis), PREFIX, Outage(pause=0))
        self.local = Local[V](most, self.heard, self._count)
        levels = Levels[K, V](
            rule=rule,
            local=self.local if local else None,
            local_seconds=seconds.local,
            remote=Remote(rule, seconds, guard, around) if remote else None,
            count=self._count,
        )
        self._cached = Cached[K, V](QUESTIONS[question], levels, Loading(levels, source, around), around)

    def _count(self, level: str, outcome: str, number: int) -> None:
        self.counted[f"{level} {outcome}"] += number

    def knows(self, *keys: K) -> bool:
        """Whether it answers at once."""
        return isinstance(self.answers(*keys), asyncio.Future)

    async def read(self, *keys: K) -> Sequence[V | AtriumError]:
        """The answers, once nothing is under way any more."""
        answers = await self.answers(*keys)
        await self._tasks.rest()
        return answers

    def answers(self, *keys: K) -> Awaitable[Sequence[V | AtriumError]]:
        return self._cached.answers(keys)


MakeGateway = Callable[..., Gateway[Any, Any]]


def account(number: int, version: int = 1, **attributes: Any) -> account_pb2.Account:
    return account_pb2.Account(id=number, version=version, handle=f"h{number}", **attributes)
