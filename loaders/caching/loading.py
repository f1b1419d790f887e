"""Loads that belong to nobody: whoever misses an answer joins one, and the answer is kept for those who come later."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from loaders.batching import Source
from loaders.caching.around import Around
from loaders.caching.flight import Flight
from loaders.caching.local import Entry, Local
from loaders.caching.remote import Remote, Seen
from loaders.caching.rules import Kept
from schema.errcode import AtriumError
from services.runtime.channels import CALL_SECONDS, CallTally, call_tally
from services.runtime.deadline import deadline_of_its_own
from services.runtime.lane import lane

_log = structlog.get_logger(__name__)

K = TypeVar("K")
V = TypeVar("V")
JITTER = 0.1
"""By up to this part lifetimes are shorter, so that what was read together ends apart."""
RENEW_PART = 0.6
"""From this part of its lifetime on an answer that somebody still wants is renewed."""


@dataclass(frozen=True)
class Levels(Generic[K, V]):
    """Where the answers to one question are kept; either may be missing."""

    rule: Kept[K, V]
    local: Local[V] | None
    local_seconds: float
    remote: Remote[K, V] | None
    count: Callable[[str, str, int], None]
    """Told the level, the outcome, and of how many keys."""


class Loading(Generic[K, V]):
    """The loads of one question.

    Whoever asks for what is on its way waits for it together with the others, unless something has changed since that
    was asked for, or it has been on its way for too long: a read that begins after a change was heard of never answers
    what was before, and no read answers what is older than the lifetimes of both levels together.
    """

    def __init__(self, levels: Levels[K, V], source: Source[K, V], around: Around) -> None:
        self._levels = levels
        self.source = source
        self._around = around
        self._flights: dict[str, Flight[K, V]] = {}
        self._renewing: dict[str, dict[str, K]] = {}

    def join(self, keys: Mapping[str, K], tally: CallTally) -> dict[str, Flight[K, V]]:
        """The flight that brings each of these, by place: one that is under way, or a new one for all others.

        Each flight must be left once.
        """
        joined = {place: flight for place in keys if (flight := self._joinable(place))}
        if new := {place: key for place, key in keys.items() if place not in joined}:
            joined |= dict.fromkeys(new, self._begin(new, renew=False))
        for flight in set(joined.values()):
            flight.join(tally)
        return joined

    def _joinable(self, place: str) -> Flight[K, V] | None:
        flight = self._flights.get(place)
        if flight is None or flight.tick != self._around.heard.tick:
            return None
        return flight if self._around.monotonic() - flight.began < self._levels.local_seconds else None

    def renew(self, keys: Mapping[str, K]) -> None:
        """Has these loaded again, for nobody in particular, together with what else is to be renewed in this lane."""
        gathered = self._renewing.get(lane())
        if gathered is None:
            self._around.group.create_task(self._renew_soon())
            gathered = self._renewing[lane()] = {}
        gathered.update(keys)

    async def _renew_soon(self) -> None:
        await asyncio.sleep(self._around.renewing_after)
        gathered = self._renewing.pop(lane())
        if new := {place: key for place, key in gathered.items() if place not in self._flights}:
            self._levels.count("local", "renewed", len(new))
            self._begin(new, renew=True)

    def _begin(self, keys: Mapping[str, K], *, renew: bool) -> Flight[K, V]:
        flight = Flight[K, V](keys, self._around.heard.tick, self._around.monotonic(), renew=renew)
        self._flights |= dict.fromkeys(keys, flight)
        self._around.group.create_task(self._fly(flight))
        return flight

    async def _fly(self, flight: Flight[K, V]) -> None:
        """Loads, with time of its own and on nobody's account."""
        call_tally.set(flight.tally)
        try:
            with deadline_of_its_own(CALL_SECONDS):
                await self._load(flight)
        except Exception as problem:
            flight.crash(problem)
            if not isinstance(problem, AtriumError):
                _log.error("a load broke off", exc_info=problem)
        finally:
            flight.land({})
            self._remove(flight)

    def _remove(self, flight: Flight[K, V]) -> None:
        for place in flight.keys:
            if self._flights.get(place) is flight:
                del self._flights[place]

    async def _load(self, flight: Flight[K, V]) -> None:
        remote, keys = self._levels.remote, flight.keys
        seen = await remote.look(keys, renew=flight.renew) if remote else Seen[V](unanswered=list(keys))
        self._note(seen)
        started = self._around.monotonic()
        if seen.unanswered and not flight.is_wanted:
            return
        with flight.asking():
            answers = await self._ask({place: keys[place] for place in seen.unanswered})
        found = {place: answer for place, answer in answers.items() if not isinstance(answer, AtriumError)}
        self._keep(flight, seen.values | found)
        flight.land(seen.values | answers)
        self._remove(flight)
        if remote:
            await remote.fill(seen, keys, found, self._around.monotonic() - started)

    async def _ask(self, keys: Mapping[str, K]) -> dict[str, V | AtriumError]:
        if not keys:
            return {}
        answers = await self.source.answers(list(keys.values()))
        return dict(zip(keys, answers, strict=True))

    def _note(self, seen: Seen[V]) -> None:
        for outcome, number in seen.outcomes.items():
            self._levels.count("remote", outcome, number)

    def _keep(self, flight: Flight[K, V], answers: Mapping[str, V]) -> None:
        if self._levels.local:
            for place, value in answers.items():
                self._levels.local.put(place, self._entry(flight, flight.keys[place], value))

    def _entry(self, flight: Flight[K, V], key: K, value: V) -> Entry[V]:
        rule, now = self._levels.rule, self._around.monotonic()
        seconds = self._levels.local_seconds * (1 - JITTER * self._around.rng.random())
        ends_at = min(flight.began + seconds, now + rule.ends_at(value) - self._around.wall())
        return Entry(
            value=value,
            tick=flight.tick,
            about=rule.about(key, value),
            ends_at=ends_at,
            renew_at=now + (ends_at - now) * RENEW_PART,
            is_absent=rule.is_absent(value),
        )
