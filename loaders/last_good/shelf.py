"""The last good answers that gateways share, in the cache: put there beside the requests, looked for after a failure.

All ages are told by how long the cache will still keep an entry, so that no clock of a gateway is believed.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from typing import NamedTuple

import structlog
from redis.asyncio import Redis

from loaders.caching.sealing import Spoiled, seal, unseal
from services.runtime.cache import TIMEOUT_SECONDS
from services.runtime.changed import CHANGED, MARKED_SECONDS
from services.runtime.sealing import Secret, no_secret
from services.runtime.versioned_cache import CACHE_FAILURES, Outage

PREFIX = "atrium:last:1:"
"""Begins every key; the number is that of the format."""
GATHERING_SECONDS = 1.0
"""How long answers wait for others before they are put there."""
MOST_WAITING = 2_000
"""So many may wait; what comes then is not put there, and comes again with the next answer."""
MOST_AT_ONCE = 50
"""So many are put there in one round trip."""
MOST_BYTES = 65_536
"""A larger answer is not put there."""
_log = structlog.get_logger(__name__)


class Shelved(NamedTuple):
    """An answer on its way to the shelf."""

    name: str
    pack: Callable[[], bytes]
    asked_at: float
    seconds: int
    """How long it is of use, from then on."""


class Found(NamedTuple):
    """What the shelf knows of one name. What is as old as the last change, or older, is not so any more."""

    payload: bytes | None
    age: float
    """Of the answer, in seconds, at least."""
    changed: float
    """How many seconds ago the last change was that is known of; infinite without one."""


NOTHING = Found(None, math.inf, math.inf)


class Shelf:
    """Puts and finds answers. Nothing here fails because of the cache."""

    def __init__(
        self,
        redis: Redis,
        group: asyncio.TaskGroup,
        outage: Outage,
        *,
        gathering_seconds: float = GATHERING_SECONDS,
        timeout_seconds: float = TIMEOUT_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        secret: Secret = no_secret,
    ) -> None:
        """Putting answers there is a task of `group`. What was not put there with the `secret` is not found."""
        self._redis = redis
        self._secret = secret
        self._group = group
        self._outage = outage
        self._gathering_seconds = gathering_seconds
        self._timeout_seconds = timeout_seconds
        self._monotonic = monotonic
        self._waiting: dict[str, Shelved] = {}
        self._putting = False

    def put(self, shelved: Shelved) -> bool:
        """Has the answer put there soon; whether there was room for it."""
        if len(self._waiting) >= MOST_WAITING and shelved.name not in self._waiting:
            return False
        self._waiting[shelved.name] = shelved
        if not self._putting:
            self._begin()
        return True

    def _begin(self) -> None:
        putting = self._put_all()
        try:
            self._group.create_task(putting, context=Context())
        except RuntimeError:  # The application has ended, so the group takes nothing in.
            putting.close()
            return
        self._putting = True

    async def _put_all(self) -> None:
        """Puts there what waits, so much at a time that requests hardly notice."""
        try:
            await asyncio.sleep(self._gathering_seconds)
            while self._waiting:
                names = list(self._waiting)[:MOST_AT_ONCE]
                await self._put([self._waiting.pop(name) for name in names])
        except Exception as problem:
            _log.error("putting answers on the shelf broke off", exc_info=problem)
        finally:
            self._putting = False

    async def _put(self, answers: Sequence[Shelved]) -> None:
        """What is lost here costs an answer that perhaps nobody will want."""
        if not self._outage.lets_through():
            return
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for name, pack, asked_at, seconds in answers:
                    payload, left = pack(), seconds - (self._monotonic() - asked_at) - self._timeout_seconds
                    if len(payload) <= MOST_BYTES and left >= 0.001:
                        pipeline.set(
                            PREFIX + name, seal(PREFIX + name, 1, 0.0, payload, self._secret()), px=int(left * 1000)
                        )
                await pipeline.execute()
        except CACHE_FAILURES as error:
            self._outage.failed(error)
        else:
            self._outage.worked()

    async def find(self, names: Mapping[str, Sequence[str]], seconds: int) -> dict[str, Found]:
        """What is known of these names, each with the subjects that it is about, in one round trip.

        `seconds` is how long answers are of use. When the cache fails nothing is known.
        """
        if not self._outage.lets_through():
            return {}
        about = sorted({subject for subjects in names.values() for subject in subjects})
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answers, marks = await self._look([PREFIX + name for name in names], [CHANGED + one for one in about])
        except CACHE_FAILURES as error:
            self._outage.failed(error)
            return {}
        self._outage.worked()
        changed = {subject: MARKED_SECONDS - left for subject, left in zip(about, marks, strict=True) if left >= 0}
        return {
            name: Found(
                self._opened(name, sealed) if left >= 0 else None,
                seconds - left,
                min((changed[one] for one in names[name] if one in changed), default=math.inf),
            )
            for name, (sealed, left) in zip(names, answers, strict=True)
        }

    async def _look(
        self, names: Sequence[str], marks: Sequence[str]
    ) -> tuple[list[tuple[bytes | None, float]], list[float]]:
        """Entries with how many seconds they will still be kept, negative where there is none; of marks only that."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.mget(names)
            for key in (*names, *marks):
                pipeline.pttl(key)
            entries, *left = await pipeline.execute()
        seconds = [milliseconds / 1000 for milliseconds in left]
        return list(zip(entries, seconds[: len(names)], strict=True)), seconds[len(names) :]

    def _opened(self, name: str, sealed: bytes | None) -> bytes | None:
        try:
            return unseal(PREFIX + name, sealed, self._secret()).payload if sealed is not None else None
        except Spoiled:
            return None
