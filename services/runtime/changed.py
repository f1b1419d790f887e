"""What has changed: taken out of the cache that gateways share, and told to every one of them."""

from collections.abc import Sequence

import msgspec
from redis.asyncio import Redis

from services.runtime.subjects import kept_keys
from services.runtime.versioned_cache import CACHE_FAILURES, Outage

CHANNEL = "atrium:push:changed"
"""The channel of the cache where every gateway hears of changes; they listen to all that begin as this one does."""
PREFIX = "atrium:kept:1:"
"""Begins every key of what gateways share; the number is that of the format."""
_decoder = msgspec.json.Decoder(list[str])


def subjects_in(message: bytes) -> list[str]:
    """The subjects that a message on the channel names; none for nonsense."""
    try:
        return _decoder.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


class Changes:
    """Tells of changes. A cache that is down holds nothing up: what it keeps ends by itself soon."""

    def __init__(self, cache: Redis, outage: Outage | None = None) -> None:
        self._cache = cache
        self._outage = outage or Outage()

    async def tell(self, subjects: Sequence[str]) -> None:
        """Empties what is kept of the subjects, then tells every gateway, in one round trip; once it has happened."""
        if not subjects:
            return
        try:
            async with self._cache.pipeline(transaction=False) as pipeline:
                pipeline.delete(*(PREFIX + key for key in kept_keys(subjects)))
                pipeline.publish(CHANNEL, msgspec.json.encode(subjects))
                await pipeline.execute()
        except CACHE_FAILURES as error:
            self._outage.failed(error)
        else:
            self._outage.worked()
