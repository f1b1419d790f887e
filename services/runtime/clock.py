"""The time, as a thing that a test can hold in its hand."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers the current time, in UTC and aware of it."""


def utc_now() -> datetime:
    """The time of the machine's clock."""
    return datetime.now(UTC)
