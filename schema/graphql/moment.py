"""Moments, as messages carry them and as the schema shows them."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NewType

from google.protobuf.timestamp_pb2 import Timestamp

Moment = NewType("Moment", str)
"""A moment in UTC, as ISO 8601 writes it. Nothing is ever done with it but to show it."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(stamp: Timestamp) -> Moment:
    """The moment to the microsecond."""
    return _written(stamp.seconds, stamp.nanos)


# Writing one is most of what an item of a feed costs, and the same items are in many feeds.
@lru_cache(maxsize=4096)
def _written(seconds: int, nanos: int) -> Moment:
    return Moment((_EPOCH + timedelta(0, seconds, nanos // 1000)).isoformat())
