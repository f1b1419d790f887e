"""A cache in front of a store: no read that begins after a write has completed answers what was before that write.

The store is the truth: it gives each value a version that grows with every write of its key, orders the writes of one
key (a row lock, or a compare-and-set by version), and never reuses the key of a deleted value. Redis may lose any
entry at any moment (eviction, expiry, restart). One Redis key holds at most one of three things:

    V<version>:<msgpack>   a value, or the knowledge that the store has none (version 0, short-lived)
    L<token>               the lease of the one reader that may fill the key in
    W<token>               the mark of a writer that is about to commit

A reader takes a value as it is. Where a key is empty it first puts a lease (SET NX), then reads the store, then
replaces its lease, and nothing but its lease, by what it read. Where it finds a mark or the lease of another, it reads
the store and leaves the key alone. A writer puts its mark over whatever is there, commits, then settles: in one script

    1. it finds its own mark                                  -> its value takes the place
    2. a lower version above 0                                -> its value takes the place
    3. an equal or higher version                             -> nothing
    4. a lease, another writer's mark, version 0, nonsense    -> the key is emptied
    5. nothing                                                -> nothing

A writer that deleted, that failed, that was cancelled, or that does not know whether its mark arrived, empties the key
instead: a failed commit may have reached the store all the same. Emptying a key is always safe: it is an eviction.

Why it holds. Let a write of version w have settled at time t. Just after t the key is empty or holds a version >= w:
the five cases leave nothing else. So whatever puts an older version v < w there has to act after t, and is one of

  - a reader. Its lease stood on the key when it filled in, tokens are never used twice, and no lease outlives t
    (case 4). So it put the lease after t, hence read the store after t, hence after w was committed: v >= w.
  - a writer by case 1. No mark outlives t either (cases 1 and 4). So it put its mark after t, hence committed after w
    did, and the store orders them: v > w.
  - a writer by case 2. It replaces a lower version, and that was already >= w.

This needs no assumption on how two writers' commits and settlings interleave, nor on evictions. A deletion empties the
key at t, and the same three cases show that no value returns: a lease put after t reads that there is none, a mark put
after t belongs to a writer that finds no row, and case 4 drops a version 0 instead of covering it by an older value.
A command that somebody gave up waiting for may still arrive late. A late mark only keeps the key from being filled
until it expires: its writer does not use case 1, it empties the key. A late settling or filling is judged when it
arrives, and the argument above asks nothing else of it.

The mark is not needed for the promise; it is there for a writer that dies between commit and settling. Its mark keeps
the old value out until the mark expires, and the key is empty then.

A cache that fails. A read or write never fails because of it. A writer that could not settle remembers the key: this
process reads it from the store only, and empties it before its next use of the cache. Another process that still
reaches the cache may meanwhile answer the old value, at most for the rest of its lifetime: then, and if a writer dies
after its mark was lost as well, the lifetime of an entry is the bound.

Sources: leases and the stale set they prevent are from Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013,
section 3.2.1; versions that decide between two fills are from "Cache made consistent", Engineering at Meta, 2022.
"""

import random
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

_log = structlog.get_logger(__name__)

T = TypeVar("T")
R = TypeVar("R")
CACHE_FAILURES = (RedisError, OSError)
"""What a cache raises that is dead or slow; a time-out of asyncio is an OSError."""
LEASE_MS = 2_000
MARK_MS = 10_000
_VALUE = re.compile(rb"V(\d+):")

FILL = """
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[3 * i - 2] then
    redis.call('SET', key, ARGV[3 * i - 1], 'PX', ARGV[3 * i])
  end
end
"""
"""Keys; for each its lease, the entry to put in its place and that entry's lifetime in milliseconds."""
SETTLE = """
local held = redis.call('GET', KEYS[1])
if not held then return end
local version = tonumber(string.match(held, '^V(%d+):') or '0')
if held == ARGV[1] or (version > 0 and version < tonumber(ARGV[2])) then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
elseif version == 0 then
  redis.call('DEL', KEYS[1])
end
"""
"""Key; the writer's mark, its version, its entry and that entry's lifetime in milliseconds."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long entries stay, in seconds; each varies at random, so that what was filled together ends apart."""

    present: float = 300.0
    absent: float = 5.0
    jitter: float = 0.1


@dataclass(frozen=True, slots=True)
class Fill:
    """What a reader puts in the place of its lease."""

    key: str
    lease: bytes
    entry: bytes
    milliseconds: int


class Entries:
    """The steps of the protocol: one round trip each, atomic per key. Any may raise one of CACHE_FAILURES."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._fill = redis.register_script(FILL)
        self._settle = redis.register_script(SETTLE)

    async def fetch(self, keys: Sequence[str]) -> list[bytes | None]:
        """What the keys hold, in order."""
        return cast(list[bytes | None], await self._redis.mget(keys))

    async def lease(self, leases: Mapping[str, bytes], spoiled: Collection[str]) -> list[str]:
        """Puts a lease on each key that is empty, once those in `spoiled` are emptied; answers which ones it got."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key in spoiled:
                pipeline.delete(key)
            for key, lease in leases.items():
                pipeline.set(key, lease, nx=True, px=LEASE_MS)
            answers = await pipeline.execute()
        return [key for key, got in zip(leases, answers[len(spoiled) :], strict=True) if got]

    async def fill(self, fills: Sequence[Fill]) -> None:
        """Replaces each lease that still stands by its entry."""
        arguments = [part for fill in fills for part in (fill.lease, fill.entry, fill.milliseconds)]
        await self._fill(keys=[fill.key for fill in fills], args=arguments)

    async def mark(self, key: str, mark: bytes) -> None:
        """Puts a writer's mark over whatever the key holds."""
        await self._redis.set(key, mark, px=MARK_MS)

    async def mark_all(self, marks: Mapping[str, bytes]) -> None:
        """Puts writers' marks over whatever the keys hold."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, mark in marks.items():
                pipeline.set(key, mark, px=MARK_MS)
            await pipeline.execute()

    async def settle(self, key: str, mark: bytes, version: int, entry: bytes, milliseconds: int) -> None:
        """Puts the entry in the place of the mark or of a lower version, or empties the key."""
        await self._settle(keys=[key], args=[mark, version, entry, milliseconds])

    async def empty(self, keys: Collection[str]) -> None:
        """Empties the keys, whatever they hold."""
        await self._redis.delete(*keys)


class Outage:
    """Whether the cache is failing: told once when it begins and once when it ends, and asked before each read."""

    def __init__(self, pause: float = 0.5, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`pause` is for how many seconds reads leave a failing cache alone before one of them tries again."""
        self._pause = pause
        self._monotonic = monotonic
        self._try_again: float | None = None

    def lets_through(self) -> bool:
        """Whether a read should try the cache; during an outage true once per pause."""
        now = self._monotonic()
        if self._try_again is None:
            return True
        if now < self._try_again:
            return False
        self._try_again = now + self._pause
        return True

    def failed(self, error: BaseException) -> None:
        """A call to the cache failed."""
        if self._try_again is None:
            _log.warning("cache outage begins", error=f"{type(error).__name__}: {error}")
        self._try_again = self._monotonic() + self._pause

    def worked(self) -> None:
        """A call to the cache worked."""
        if self._try_again is not None:
            _log.info("cache outage ends")
        self._try_again = None


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


def _new_mark() -> bytes:
    return b"W" + secrets.token_bytes(12)


class VersionedCache(Generic[T]):
    """Values of one type by key, read through and written through; see the module for its promise."""

    def __init__(
        self,
        entries: Entries,
        prefix: str,
        kind: type[T],
        version_of: Callable[[T], int],
        *,
        lifetime: Lifetime | None = None,
        rng: random.Random | None = None,
        outage: Outage | None = None,
    ) -> None:
        """`prefix` begins every key; `version_of` a value is at least 1; caches on one Redis may share an outage."""
        self._entries = entries
        self._prefix = prefix
        self._version_of = version_of
        self._lifetime = lifetime or Lifetime()
        self._rng = rng or random.SystemRandom()
        self._outage = outage or Outage()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._owed: dict[str, object] = {}

    @property
    def owed(self) -> frozenset[str]:
        """The keys whose last write could not settle: read from the store until they are emptied."""
        return frozenset(self._owed)

    async def read(
        self, keys: Iterable[str], load: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]]
    ) -> dict[str, T]:
        """The values of those keys that have one; `load` is asked once, for all that the cache does not know."""
        wanted = list(dict.fromkeys(keys))
        seen = await self._look(wanted)
        if not seen.unanswered:
            return seen.values
        leases = await self._take_leases(seen)
        loaded = await load(seen.unanswered)
        await self._fill_in(leases, loaded)
        return seen.values | dict(loaded)

    @asynccontextmanager
    async def writing(self, key: str) -> AsyncIterator[Write[T]]:
        """Wraps a transaction that changes the value of `key`; commit inside the block, then `put` the new value."""
        write = Write[T]()
        mark = _new_mark()
        try:
            marked = await self._marked(key, mark)
            yield write
        except BaseException:
            await self._forget([key])
            raise
        if write.value is None or not marked:
            await self._forget([key])
        else:
            await self._settled([key], self._settling(key, mark, write.value))

    @asynccontextmanager
    async def forgetting(self, keys: Iterable[str]) -> AsyncIterator[None]:
        """Wraps a transaction that changes or deletes the values of `keys`, all of which the cache then forgets.

        Each is written as by `writing` with nothing put, in two round trips for all. Begin it before the commit, end
        it after: inside the transaction will do for its beginning.
        """
        written = list(dict.fromkeys(keys))
        if not written:
            yield
            return
        try:
            await self._attempt(self._entries.mark_all({self._prefix + key: _new_mark() for key in written}))
            yield
        finally:
            await self._forget(written)

    async def _look(self, keys: list[str]) -> _Seen[T]:
        seen = _Seen[T]()
        if not keys:
            return seen
        usable = await self._usable(keys)
        held = await self._attempt(self._entries.fetch([self._prefix + key for key in usable])) if usable else []
        known = dict(zip(usable, held, strict=True)) if held is not None else {}
        for key in keys:
            if key in known:
                self._sort(seen, key, known[key])
            else:
                seen.unanswered.append(key)
        return seen

    def _sort(self, seen: _Seen[T], key: str, entry: bytes | None) -> None:
        if entry is None:
            seen.empty.append(key)
            seen.unanswered.append(key)
        elif entry[:1] in (b"L", b"W"):
            seen.unanswered.append(key)
        else:
            self._decode(seen, key, entry)

    def _decode(self, seen: _Seen[T], key: str, entry: bytes) -> None:
        try:
            if (version := _VALUE.match(entry)) is None:
                raise msgspec.DecodeError("not an entry")
            if int(version[1]) > 0:
                seen.values[key] = self._decoder.decode(entry[version.end() :])
        except msgspec.DecodeError:
            for keys in (seen.spoiled, seen.empty, seen.unanswered):
                keys.append(key)

    async def _take_leases(self, seen: _Seen[T]) -> dict[str, bytes]:
        if not seen.empty:
            return {}
        leases = {self._prefix + key: b"L" + secrets.token_bytes(12) for key in seen.empty}
        spoiled = [self._prefix + key for key in seen.spoiled]
        got = await self._attempt(self._entries.lease(leases, spoiled))
        return {key.removeprefix(self._prefix): leases[key] for key in got or ()}

    async def _fill_in(self, leases: Mapping[str, bytes], loaded: Mapping[str, T]) -> None:
        fills = [Fill(self._prefix + key, lease, *self._entry(loaded.get(key))) for key, lease in leases.items()]
        if fills:
            await self._attempt(self._entries.fill(fills))

    def _entry(self, value: T | None) -> tuple[bytes, int]:
        """The entry for a value, or for the lack of one, and its lifetime in milliseconds."""
        version = 0 if value is None else self._version_of(value)
        seconds = self._lifetime.absent if value is None else self._lifetime.present
        factor = self._rng.uniform(1 - self._lifetime.jitter, 1 + self._lifetime.jitter)
        return b"V%d:" % version + self._encoder.encode(value), max(1, int(seconds * factor * 1000))

    async def _marked(self, key: str, mark: bytes) -> bool:
        try:
            await self._entries.mark(self._prefix + key, mark)
        except CACHE_FAILURES as error:
            self._outage.failed(error)
            return False
        return True

    def _settling(self, key: str, mark: bytes, value: T) -> Awaitable[None]:
        entry, milliseconds = self._entry(value)
        return self._entries.settle(self._prefix + key, mark, self._version_of(value), entry, milliseconds)

    async def _forget(self, keys: Collection[str]) -> None:
        await self._settled(keys, self._entries.empty([self._prefix + key for key in keys]))

    async def _settled(self, keys: Collection[str], call: Awaitable[None]) -> None:
        """Runs the last call of a write; when that fails or is cancelled, remembers that the keys must be emptied."""
        try:
            await call
        except CACHE_FAILURES as error:
            self._owe(keys)
            self._outage.failed(error)
        except BaseException:
            self._owe(keys)
            raise

    def _owe(self, keys: Collection[str]) -> None:
        self._owed.update((key, object()) for key in keys)

    async def _usable(self, keys: list[str]) -> list[str]:
        """Those of the keys that may be looked up in the cache now."""
        if not self._outage.lets_through():
            return []
        if self._owed:
            await self._attempt(self._pay(dict(self._owed)))
        return [key for key in keys if key not in self._owed]

    async def _pay(self, owed: Mapping[str, object]) -> None:
        await self._entries.empty([self._prefix + key for key in owed])
        # A write that failed while this was under way owes its key anew.
        self._owed = {key: debt for key, debt in self._owed.items() if owed.get(key) is not debt}

    async def _attempt(self, call: Awaitable[R]) -> R | None:
        """What the call answers; None when the cache fails."""
        try:
            answer = await call
        except CACHE_FAILURES as error:
            self._outage.failed(error)
            return None
        self._outage.worked()
        return answer
