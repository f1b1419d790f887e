"""Values of one type, read through and written through."""

import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from services.runtime.sealing import SEAL_BYTES, Secret, is_sealed, no_secret, sealed
from services.runtime.versioned_cache.entries import Fill
from services.runtime.versioned_cache.guard import Guard, is_taken, new_mark

T = TypeVar("T")
_VALUE = re.compile(rb"(V(\d+):)(.{%d})" % SEAL_BYTES, re.DOTALL)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long entries stay, in seconds; each varies at random, so that what was filled together ends apart."""

    present: float = 300.0
    absent: float = 5.0
    jitter: float = 0.1


@dataclass(slots=True)
class Write(Generic[T]):
    """What a writer tells the cache. Told nothing, the cache forgets the key."""

    value: T | None = None

    def put(self, value: T) -> None:
        """The value as it was committed, with its new version."""
        self.value = value


@dataclass(slots=True)
class _Seen(Generic[T]):
    """What one look at the cache showed."""

    values: dict[str, T] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)
    spoiled: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)


class VersionedCache(Generic[T]):
    """Values of one type by key; see the package for its promise."""

    def __init__(
        self,
        guard: Guard,
        kind: type[T],
        version_of: Callable[[T], int],
        *,
        secret: Secret = no_secret,
        lifetime: Lifetime | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """`version_of` a value is at least 1. An entry that was not put there with the `secret` is as good as none."""
        self._guard = guard
        self._secret = secret
        self._version_of = version_of
        self._lifetime = lifetime or Lifetime()
        self._rng = rng or random.SystemRandom()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(kind)

    @property
    def owed(self) -> frozenset[str]:
        """The keys whose last write could not settle: read from the store until they are emptied."""
        return self._guard.owed

    async def read(
        self, keys: Iterable[str], load: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]]
    ) -> dict[str, T]:
        """The values of those keys that have one; `load` is asked once, for all that the cache does not know."""
        seen = await self._look(list(dict.fromkeys(keys)))
        if not seen.unanswered:
            return seen.values
        leases = await self._guard.lease(seen.empty, seen.spoiled)
        loaded = await load(seen.unanswered)
        await self._guard.fill([Fill(key, lease, *self._entry(key, loaded.get(key))) for key, lease in leases.items()])
        return seen.values | dict(loaded)

    @asynccontextmanager
    async def writing(self, key: str) -> AsyncIterator[Write[T]]:
        """Wraps a transaction that changes the value of `key`; commit inside the block, then `put` the new value."""
        write = Write[T]()
        mark = new_mark()
        try:
            marked = await self._guard.mark(key, mark)
            yield write
        except BaseException:
            await self._guard.forget([key])
            raise
        if write.value is None or not marked:
            await self._guard.forget([key])
        else:
            await self._guard.settle(key, mark, self._version_of(write.value), *self._entry(key, write.value))

    def forgetting(self, keys: Iterable[str]) -> AbstractAsyncContextManager[None]:
        """Wraps a transaction that changes or deletes the values of `keys`: `writing` with nothing put, for many."""
        return self._guard.forgetting(keys)

    async def _look(self, keys: list[str]) -> _Seen[T]:
        seen = _Seen[T]()
        held = await self._guard.look(keys) if keys else {}
        for key in keys:
            if key in held:
                self._sort(seen, key, held[key])
            else:
                seen.unanswered.append(key)
        return seen

    def _sort(self, seen: _Seen[T], key: str, entry: bytes | None) -> None:
        if entry is None:
            seen.empty.append(key)
            seen.unanswered.append(key)
        elif is_taken(entry):
            seen.unanswered.append(key)
        else:
            self._decode(seen, key, entry)

    def _decode(self, seen: _Seen[T], key: str, entry: bytes) -> None:
        try:
            version, content = self._opened(key, entry)
            if version > 0:
                seen.values[key] = self._decoder.decode(content)
        except msgspec.DecodeError:
            for keys in (seen.spoiled, seen.empty, seen.unanswered):
                keys.append(key)

    def _opened(self, key: str, entry: bytes) -> tuple[int, bytes]:
        """Version and content of an entry; DecodeError for what was not put under this key by one of us."""
        found = _VALUE.match(entry)
        content = entry[found.end() :] if found else b""
        if found is None or not is_sealed(self._secret(), self._guard.place(key), found[1] + content, found[3]):
            raise msgspec.DecodeError("not an entry")
        return int(found[2]), content

    def _entry(self, key: str, value: T | None) -> tuple[bytes, int]:
        """The entry for a value, or for the lack of one, and its lifetime in milliseconds."""
        version = 0 if value is None else self._version_of(value)
        seconds = self._lifetime.absent if value is None else self._lifetime.present
        factor = self._rng.uniform(1 - self._lifetime.jitter, 1 + self._lifetime.jitter)
        head, content = b"V%d:" % version, self._encoder.encode(value)
        seal = sealed(self._secret(), self._guard.place(key), head + content)
        return head + seal + content, max(1, int(seconds * factor * 1000))
