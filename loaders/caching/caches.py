"""The caches of one process, and what makes them forget."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TypeVar

from redis.asyncio import Redis

from loaders.batching import Question, Source
from loaders.caching.around import Around
from loaders.caching.cached import Cached
from loaders.caching.heard import Heard
from loaders.caching.loading import Levels, Loading
from loaders.caching.local import Local
from loaders.caching.remote import Remote
from loaders.caching.rules import RULES, Kept, Lifetimes
from schema.generated.sharing.v1.sharing_pb2 import SCOPE_UNSPECIFIED
from services.runtime.changed import CHANNEL, PREFIX, Changes, subjects_in
from services.runtime.sealing import Secret, no_secret
from services.runtime.subjects import is_kept
from services.runtime.telemetry import Metrics
from services.runtime.versioned_cache import Entries, Guard, Outage

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Sizes:
    """Which levels there are, how much they hold, and for how long."""

    local: bool = True
    remote: bool = True
    entries: int = 10_000
    """How many answers to one question this process keeps."""
    lifetimes: Lifetimes = field(default_factory=Lifetimes)


class Caches:
    """Both levels, for all questions."""

    def __init__(
        self,
        redis: Redis,
        sizes: Sizes,
        metrics: Metrics,
        group: asyncio.TaskGroup,
        beside: Sequence[Heard] = (),
        secret: Secret = no_secret,
    ) -> None:
        """Loads are tasks of `group`, and end with it. Those `beside` hear of every change, too.

        What is shared counts only if it was put there with the `secret`.
        """
        outage = Outage()
        self._sizes = sizes
        self._metrics = metrics
        self._guard = Guard(Entries(redis), PREFIX, outage)
        self._changes = Changes(redis, outage)
        self._heard = Heard(sizes.lifetimes.longest)
        self._beside = beside
        self.changes_heard = 0
        """Grows with each change that was heard of."""
        self._around = Around(self._heard, group, secret=secret)

    def of(self, question: Question[K, V], source: Source[K, V]) -> Source[K, V]:
        """The source, with its answers kept if the rules say so."""
        rule = RULES[question.name]
        if not isinstance(rule, Kept) or not (self._sizes.local or self._sizes.remote):
            return source
        if question.scope == SCOPE_UNSPECIFIED:
            raise ValueError(f"{question.name}: nobody says on what its answers depend")
        levels = self._levels(question.name, rule)
        return Cached(question, levels, Loading(levels, source, self._around), self._around)

    @asynccontextmanager
    async def changing(self, *subjects: str) -> AsyncIterator[None]:
        """Wraps a change: whoever reads after the block, here, sees it; whatever became of it."""
        try:
            yield
        finally:
            try:
                await self._changes.tell(subjects)
            finally:
                self._note("own", subjects)

    @property
    def channel(self) -> str:
        """Where changes are told."""
        return CHANNEL

    def hear(self, message: bytes) -> None:
        """Takes what was told on the channel."""
        self._note("channel", subjects_in(message))

    def gap(self) -> None:
        """Messages may have been missed: what this process keeps is not used any more."""
        self.changes_heard += 1
        self._metrics.changes_heard.labels("gap").inc()
        for heard in (self._heard, *self._beside):
            heard.note_gap()

    def _note(self, source: str, subjects: Sequence[str]) -> None:
        if subjects:
            self.changes_heard += 1
            self._metrics.changes_heard.labels(source).inc(len(subjects))
            for heard in self._beside:
                heard.note(subjects)
            if kept := list(filter(is_kept, subjects)):
                self._heard.note(kept)

    def _levels(self, question: str, rule: Kept[K, V]) -> Levels[K, V]:
        seconds, sizes = rule.seconds(self._sizes.lifetimes), self._sizes
        counter = cache(partial(self._metrics.cache_reads.labels, question))

        def count(level: str, outcome: str, number: int) -> None:
            counter(level, outcome).inc(number)

        return Levels(
            rule=rule,
            local=Local(sizes.entries, self._heard, count) if sizes.local else None,
            local_seconds=seconds.local,
            remote=Remote(rule, seconds, self._guard, self._around) if sizes.remote else None,
            count=count,
        )
