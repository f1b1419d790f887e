"""What the keys of Redis hold, and the steps of the protocol on them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

CACHE_FAILURES = (RedisError, OSError)
"""What a cache raises that is dead or slow; a time-out of asyncio is an OSError."""
LEASE_MS = 2_000
MARK_MS = 10_000

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
class Fill:
    """What a reader puts in the place of its lease, or of the entry that it renews."""

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
        """Replaces each lease, or entry to be renewed, that still stands by its entry."""
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
