"""The second level: answers as bytes, in the cache that all gateways share. What is lost there costs time only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from google.protobuf.message import DecodeError

from loaders.caching.around import Around
from loaders.caching.rules import Kept, Seconds
from loaders.caching.sealing import Spoiled, seal, unseal
from services.runtime.versioned_cache import Fill, Guard, is_taken

K = TypeVar("K")
V = TypeVar("V")
JITTER = 0.1
"""By up to this part lifetimes are shorter, so that what was filled together ends apart."""
RENEW_PART = 0.7
"""From this part of its lifetime on an entry that somebody still wants is renewed."""


@dataclass(slots=True)
class Seen(Generic[V]):
    """What one look showed."""

    values: dict[str, V] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    """The keys of which the source is to be asked."""
    empty: list[str] = field(default_factory=list)
    spoiled: list[str] = field(default_factory=list)
    standing: dict[str, bytes] = field(default_factory=dict)
    """What may be filled in, by key: a lease, or an entry that is to be renewed."""
    outcomes: dict[str, int] = field(default_factory=dict)
    """How many keys fared how."""

    def note(self, outcome: str) -> None:
        """Counts one key."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1


class Remote(Generic[K, V]):
    """The answers to one question."""

    def __init__(
        self,
        rule: Kept[K, V],
        seconds: Seconds,
        guard: Guard,
        around: Around,
    ) -> None:
        self._rule = rule
        self._seconds = seconds
        self._guard = guard
        self._around = around

    async def look(self, keys: Mapping[str, K], *, renew: bool = False) -> Seen[V]:
        """What is there for the keys, in one round trip, and leases for the empty ones in another.

        With `renew` the source is to be asked of what will end soon, too.
        """
        seen = Seen[V]()
        held = await self._guard.look(list(keys))
        for place, key in keys.items():
            entry = held.get(place)
            if entry is None:
                seen.note("miss")
                seen.unanswered.append(place)
                seen.empty += [place] if place in held else []
            elif is_taken(entry):
                seen.note("miss")
                seen.unanswered.append(place)
            else:
                self._read(seen, place, key, entry, renew)
        seen.standing |= await self._guard.lease([*seen.empty, *seen.spoiled], seen.spoiled)
        return seen

    async def fill(self, seen: Seen[V], keys: Mapping[str, K], answers: Mapping[str, V], elapsed: float) -> None:
        """Puts answers where they were found missing, if nobody has written there since.

        `elapsed` is for how many seconds the source had been asked when it answered; lifetimes count from there.
        """
        asked_at = self._around.wall() - elapsed
        fills = [
            Fill(place, seen.standing[place], self._sealed(place, keys[place], value, asked_at), milliseconds)
            for place, value in answers.items()
            if place in seen.standing and (milliseconds := self._milliseconds(value, elapsed)) > 0
        ]
        await self._guard.fill(fills)

    def _read(self, seen: Seen[V], place: str, key: K, entry: bytes, renew: bool) -> None:
        try:
            sealed = unseal(place, entry, self._around.secret())
            value = self._rule.unpack(key, sealed.payload)
            is_old = self._around.wall() - sealed.asked_at > RENEW_PART * self._seconds.remote
        except (Spoiled, DecodeError, ValueError):
            seen.note("spoiled")
            seen.spoiled.append(place)
            seen.unanswered.append(place)
            return
        outcome = self._outcome(key, value, renew and is_old)
        seen.note(outcome)
        if outcome in ("hit", "absent"):
            seen.values[place] = value
        else:
            seen.standing[place] = entry
            seen.unanswered.append(place)

    def _outcome(self, key: K, value: V, is_to_renew: bool) -> str:
        if not self._around.heard.is_settled(self._rule.about(key, value)):
            return "changed"
        if is_to_renew:
            return "renewed"
        if self._rule.ends_at(value) <= self._around.wall():
            return "miss"
        return "absent" if self._rule.is_absent(value) else "hit"

    def _sealed(self, place: str, key: K, value: V, asked_at: float) -> bytes:
        payload = self._rule.pack(key, value)
        return seal(place, self._rule.version(value), asked_at, payload, self._around.secret())

    def _milliseconds(self, value: V, elapsed: float) -> int:
        """How long the answer may still be kept."""
        lifetime = self._seconds.absent if self._rule.is_absent(value) else self._seconds.remote
        left = lifetime * (1 - JITTER * self._around.rng.random()) - elapsed
        return int(1000 * min(left, self._rule.ends_at(value) - self._around.wall()))
