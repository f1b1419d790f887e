"""A source of answers that keeps them: first in this process, then in the cache that all gateways share."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Generic, TypeVar

from loaders.batching import Question
from loaders.caching.around import Around
from loaders.caching.flight import Flight
from loaders.caching.loading import Levels, Loading
from loaders.caching.local import Entry
from loaders.caching.rules import scope_of
from schema.errcode import AtriumError
from services.runtime.channels import CALL_SECONDS, CallTally, call_tally
from services.runtime.deadline import time_left
from services.runtime.lane import lane
from services.runtime.subjects import kept_key

K = TypeVar("K")
V = TypeVar("V")


class Cached(Generic[K, V]):
    """The answers to one question; a `Source`."""

    def __init__(self, question: Question[K, V], levels: Levels[K, V], loading: Loading[K, V], around: Around) -> None:
        self._question = question
        self._scope = scope_of(question)
        self._rule = levels.rule
        self._local = levels.local
        self._count = levels.count
        self._loading = loading
        self._monotonic = around.monotonic

    def answers(self, keys: Sequence[K]) -> Awaitable[Sequence[V | AtriumError]]:
        """The answers in the order of the keys; at once when this process has them all."""
        concerns = self._rule.concerns
        if concerns is None or all(map(concerns, keys)):
            return self._kept(keys)
        return self._one_by_one(keys) if any(map(concerns, keys)) else self._loading.source.answers(keys)

    async def _one_by_one(self, keys: Sequence[K]) -> Sequence[V | AtriumError]:
        """For the rare case that only some of the answers may be kept."""
        return [answer for key in keys for answer in await self.answers([key])]

    def _kept(self, keys: Sequence[K]) -> Awaitable[Sequence[V | AtriumError]]:
        start = kept_key(self._scope, self._question.name, "", lane())
        places = [start + self._rule.name(key) for key in keys]
        entries = self._look(places, keys)
        missed = {place: key for place, key, entry in zip(places, keys, entries, strict=True) if entry is None}
        if missed:
            tally = call_tally.get() or CallTally()
            return self._arrived(places, entries, self._loading.join(missed, tally), tally)
        done: asyncio.Future[Sequence[V | AtriumError]] = asyncio.get_running_loop().create_future()
        done.set_result([entry.value for entry in entries if entry])
        return done

    def _look(self, places: Sequence[str], keys: Sequence[K]) -> Sequence[Entry[V] | None]:
        """What this process has; of what will end soon it begins to get more."""
        if self._local is None:
            return [None] * len(places)
        now = self._monotonic()
        entries = [self._local.get(place, now) for place in places]
        self._note(entries)
        ending: dict[str, K] = {}
        for place, key, entry in zip(places, keys, entries, strict=True):
            if entry and entry.renew_at <= now:
                entry.renew_at = entry.ends_at
                ending[place] = key
        if ending:
            self._loading.renew(ending)
        return entries

    def _note(self, entries: Sequence[Entry[V] | None]) -> None:
        missed = entries.count(None)
        absent = sum(entry is not None and entry.is_absent for entry in entries)
        for outcome, number in (("hit", len(entries) - missed - absent), ("absent", absent), ("miss", missed)):
            if number:
                self._count("local", outcome, number)

    async def _arrived(
        self,
        places: Sequence[str],
        entries: Sequence[Entry[V] | None],
        flights: Mapping[str, Flight[K, V]],
        tally: CallTally,
    ) -> Sequence[V | AtriumError]:
        """All answers, once those are there that this process did not have; giving up leaves the others alone."""
        distinct, waiting = set(flights.values()), asyncio.current_task()
        assert waiting is not None
        tally.hold(waiting)
        try:
            async with asyncio.timeout(time_left(CALL_SECONDS)):
                for flight in distinct:
                    await flight.landed()
        except TimeoutError:
            pass  # Those that did not land answer so themselves.
        finally:
            tally.release(waiting)
            for flight in distinct:
                flight.leave(tally)
        pairs = zip(places, entries, strict=True)
        return [entry.value if entry else self._answer(flights[place], place) for place, entry in pairs]

    def _answer(self, flight: Flight[K, V], place: str) -> V | AtriumError:
        answer = flight.answer(place)
        return self._question.blamed(answer.again()) if isinstance(answer, AtriumError) else answer
