"""The first level: answers as messages, in this process, for a moment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cachebox import LRUCache

from loaders.caching.heard import Heard

V = TypeVar("V")
ABSENT_PART = 8
"""One part in so many is for answers that there is none, so that nobody can fill the level by guessing."""


@dataclass(slots=True)
class Entry(Generic[V]):
    """An answer that is kept."""

    value: V = field(repr=False)
    tick: int
    """What was heard when it was asked for."""
    about: tuple[str, ...]
    ends_at: float
    renew_at: float
    """From when on whoever finds it has it renewed; only one does."""
    is_absent: bool


class Local(Generic[V]):
    """The answers to one question; those that nobody asked for lately make room."""

    def __init__(self, most: int, heard: Heard, count: Callable[[str, str, int], None]) -> None:
        """`most` is how many answers it holds; `count` is told of those that have changed."""
        self._heard = heard
        self._count = count
        self._present: LRUCache[str, Entry[V]] = LRUCache(most)
        self._absent: LRUCache[str, Entry[V]] = LRUCache(max(1, most // ABSENT_PART))

    def get(self, key: str, now: float) -> Entry[V] | None:
        """The answer, unless its time is over or what it is about has changed."""
        entry = self._present.get(key) or self._absent.get(key)
        if entry is None or entry.ends_at <= now:
            return None
        if self._heard.is_current(entry.about, entry.tick):
            return entry
        self._count("local", "changed", 1)
        for kept in (self._present, self._absent):
            kept.pop(key, None)
        return None

    def put(self, key: str, entry: Entry[V]) -> None:
        """Keeps an answer, unless what it is about has changed since it was asked for."""
        if not self._heard.is_current(entry.about, entry.tick):
            return
        kept, other = (self._absent, self._present) if entry.is_absent else (self._present, self._absent)
        kept[key] = entry
        other.pop(key, None)

    @property
    def size(self) -> int:
        """How many answers it holds now."""
        return len(self._present) + len(self._absent)
