"""The memories of one process, a question each."""

import asyncio
from dataclasses import dataclass
from typing import TypeVar

from redis.asyncio import Redis

from loaders.batching import Question
from loaders.caching.heard import Heard
from loaders.last_good.memory import Memory
from loaders.last_good.rules import LASTING
from loaders.last_good.shelf import Shelf
from schema.generated.sharing.v1.sharing_pb2 import SCOPE_UNSPECIFIED
from services.runtime.sealing import Secret, no_secret
from services.runtime.versioned_cache import Outage

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Room:
    """How much is remembered, and where."""

    entries: int = 2_000
    """How many answers to one question."""
    shared: bool = True
    """Whether gateways share them."""


class Memories:
    """What one process remembers of the answers of backends."""

    def __init__(self, room: Room, redis: Redis, group: asyncio.TaskGroup, secret: Secret = no_secret) -> None:
        """What is shared is kept in `redis`, and counts only if it was put there with the `secret`."""
        self._room = room
        self._shelf = Shelf(redis, group, Outage(), secret=secret) if room.shared else None
        self.heard = Heard(max(rule.seconds for rule in LASTING.values()))
        """To be told of every change."""

    def of(self, question: Question[K, V]) -> Memory[K, V] | None:
        """The memory of a question; None where nothing is to be remembered."""
        rule = LASTING.get(question.name)
        if rule is None:
            return None
        if question.scope == SCOPE_UNSPECIFIED:
            raise ValueError(f"{question.name}: nobody says on what its answers depend")
        return Memory(question, rule, self.heard, self._room.entries, self._shelf)
