"""One URL, one cache: `memory://` (in this process, the Redis commands all the same) or `redis://host:port/db`.

`memory://` is a cache of its own for whoever opens it; `memory://name` is one for all that open it in this process.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

MEMORY = "memory://"
TIMEOUT_SECONDS = 0.2
"""How long a call to the cache may take. A cache that is slower than the store behind it is of no use."""


def shared_memory(url: str) -> str:
    """The URL, `memory://` with a name nobody else has, so that several clients of this process share it."""
    return f"{MEMORY}{secrets.token_hex(8)}" if url == MEMORY else url


@asynccontextmanager
async def open_cache(url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> AsyncIterator[Redis]:
    """The cache at `url`, closed at the end; connects on first use. Values are bytes."""
    cache = connect(url, timeout_seconds)
    try:
        yield cache
    finally:
        await cache.aclose()


def connect(url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Redis:
    """A client of the cache at `url`. It never retries: whoever asks can do without the cache."""
    if url.startswith(MEMORY):
        from fakeredis import FakeAsyncRedis

        name = url.removeprefix(MEMORY)
        return FakeAsyncRedis(host=name) if name else FakeAsyncRedis()
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=50,
        timeout=timeout_seconds,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)
