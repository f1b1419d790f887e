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
CHANGED, MARKED_SECONDS = "atrium:changed:1:", 3600
"""Begins the key that stands for so many seconds after the last change of a subject: what was asked before is over."""
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
        """Marks the subjects as changed, empties what is kept of them, then tells every gateway; in one round trip."""
        if not subjects:
            return
        try:
            async with self._cache.pipeline(transaction=False) as pipeline:
                for subject in subjects:
                    pipeline.set(CHANGED + subject, b"", ex=MARKED_SECONDS)
                if kept := kept_keys(subjects):
                    pipeline.delete(*(PREFIX + key for key in kept))
                pipeline.publish(CHANNEL, msgspec.json.encode(subjects))
                await pipeline.execute()
        except CACHE_FAILURES as error:
            self._outage.failed(error)
        else:
            self._outage.worked()
