"""Moments, as messages carry them and as the schema shows them."""

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(stamp: Timestamp) -> datetime:
    """The moment in UTC, to the microsecond. What `ToDatetime` says too, but at half its cost."""
    return _EPOCH + timedelta(0, stamp.seconds, stamp.nanos // 1000)
