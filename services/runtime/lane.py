"""The lane of the current work: which variant of the services it is to be answered by; empty for the usual one."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LANE_LENGTH = 40
"""The most characters that the name of a lane may have."""
_current: ContextVar[str] = ContextVar("atrium_lane", default="")


def lane() -> str:
    """Name of the current lane; empty outside of any."""
    return _current.get()


@contextmanager
def in_lane(name: str) -> Iterator[None]:
    """What runs inside belongs to the lane with this name."""
    before = _current.set(name[:LANE_LENGTH])
    try:
        yield
    finally:
        _current.reset(before)
