"""What this process remembers of the answers to one question, and what it finds on the shelf of all."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

import msgspec
import structlog
from cachebox import LRUCache
from google.protobuf.message import DecodeError

from loaders.batching import Question
from loaders.caching.heard import Heard
from loaders.caching.rules import scope_of
from loaders.last_good.rules import Lasting
from loaders.last_good.shelf import NOTHING, Found, Shelf, Shelved
from schema.errcode import AtriumError, LastGood
from schema.graphql.ports import Identity
from services.runtime.lane import lane
from services.runtime.subjects import kept_key

K = TypeVar("K")
V = TypeVar("V")
FRESH_SECONDS = 1.0
"""For so long what is remembered is not replaced by the like: most is answered many times in a second."""
SHELVE_SECONDS = 30.0
"""How often an answer to the same question is put on the shelf, unless what it is about has changed."""
_log = structlog.get_logger(__name__)


class Since(NamedTuple):
    """When a question was asked."""

    tick: int
    """What was heard of changes then."""
    at: float


@dataclass(slots=True)
class Entry(Generic[V]):
    """An answer that is remembered."""

    answer: V = field(repr=False)
    since: Since
    shelve_at: float
    """From when on the next one is put on the shelf."""

    def serves_for(self, since: Since) -> bool:
        """Whether it is as good as one that was asked for then: hardly older, with no change heard between."""
        return self.since.tick == since.tick and since.at - self.since.at < FRESH_SECONDS


class Memory(Generic[K, V]):
    """The last good answers to one question; those that were not given lately make room."""

    def __init__(
        self,
        question: Question[K, V],
        rule: Lasting[K, V],
        heard: Heard,
        most: int,
        shelf: Shelf | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`most` is how many answers it holds; without a `shelf` it knows of no other process."""
        self._rule = rule
        self._seconds = rule.seconds
        self._start = scope_of(question), question.name
        self._heard = heard
        self._shelf = shelf
        self._monotonic = monotonic
        self._entries: LRUCache[tuple[str, K], Entry[V]] = LRUCache(most)

    def now(self) -> Since:
        """Now, to be noted when a backend is asked."""
        return Since(self._heard.tick, self._monotonic())

    def learn(self, found: Mapping[K, V | AtriumError], since: Since) -> None:
        """Remembers what a backend answered, unless what it is about has changed since it was asked."""
        place, is_good = lane(), self._rule.is_good
        for key, answer in found.items():
            before = self._entries.get((place, key))
            if before is not None and before.serves_for(since):
                continue
            if not isinstance(answer, AtriumError) and is_good(key, answer) and self._is_current(key, since):
                self._put(place, key, before, answer, since)

    def here(self, key: K) -> LastGood | None:
        """What this process remembers, unless it is too old, or what it is about has changed."""
        entry = self._entries.get((lane(), key))
        if entry is None or not self._is_current(key, entry.since):
            return None
        age = self._monotonic() - entry.since.at
        return LastGood(entry.answer, age) if age <= self._seconds else None

    async def recalled(self, failed: Mapping[K, AtriumError]) -> dict[K, AtriumError]:
        """The errors of those keys that were answered before, each with that answer. Never raises."""
        try:
            known = await self._anywhere(failed)
        except Exception as problem:
            _log.error("recalling broke off", exc_info=problem)
            return {}
        return {key: with_last_good(failed[key], kept) for key, kept in known.items()}

    async def _anywhere(self, keys: Iterable[K]) -> dict[K, LastGood]:
        """The younger of what is remembered here and what is on the shelf."""
        now, place = self.now(), lane()
        names = {self._name(place, key): key for key in keys}
        found = await self._found(names)
        known = {key: self._younger(place, key, found.get(name, NOTHING), now) for name, key in names.items()}
        return {key: kept for key, kept in known.items() if kept}

    async def _found(self, names: Mapping[str, K]) -> Mapping[str, Found]:
        if self._shelf is None:
            return {}
        return await self._shelf.find({name: self._rule.about(key) for name, key in names.items()}, self._seconds)

    def _younger(self, place: str, key: K, found: Found, now: Since) -> LastGood | None:
        here = self.here(key)
        if here and here.age >= found.changed:
            here = None
        if here and here.age <= found.age:
            return here
        return self._taken(place, key, found, now) or here

    def _taken(self, place: str, key: K, found: Found, now: Since) -> LastGood | None:
        """What was found on the shelf, remembered here from now on, if it is still so."""
        since = Since(now.tick, now.at - found.age)
        if found.payload is None or found.age >= found.changed:
            return None
        if self._heard.changed_since(self._rule.about(key), since.at):
            return None  # By a change of which the cache could not be told.
        try:
            answer = self._rule.unpack(key, found.payload)
        except (DecodeError, ValueError):
            return None
        self._entries[place, key] = Entry(answer, since, now.at + SHELVE_SECONDS)
        return LastGood(answer, found.age)

    def _is_current(self, key: K, since: Since) -> bool:
        return since.tick == self._heard.tick or self._heard.is_current(self._rule.about(key), since.tick)

    def _put(self, place: str, key: K, before: Entry[V] | None, answer: V, since: Since) -> None:
        shelve_at = before.shelve_at if before and self._is_current(key, before.since) else 0.0
        if self._shelf and shelve_at <= since.at and self._shelf.put(self._shelved(place, key, answer, since)):
            shelve_at = since.at + SHELVE_SECONDS
        self._entries[place, key] = Entry(answer, since, shelve_at)

    def _shelved(self, place: str, key: K, answer: V, since: Since) -> Shelved:
        return Shelved(self._name(place, key), lambda: self._rule.pack(key, answer), since.at, self._seconds)

    def _name(self, place: str, key: K) -> str:
        """Says everything that makes the question this one: scope, lane, and the whole key with its viewer."""
        scope, question = self._start
        return kept_key(scope, question, msgspec.json.encode(_said(key)).decode(), place)


def _said(part: object) -> object:
    """A part of a key as names have it: who asks, but not what proves it."""
    match part:
        case Identity():
            return [part.account_id, part.account_type]
        case tuple():
            return [_said(each) for each in part]
    return part


def with_last_good(error: AtriumError, kept: LastGood | None) -> AtriumError:
    """The error for one key alone: others that share it know nothing of its answer."""
    own = error.again()
    own.last_good = kept
    return own
