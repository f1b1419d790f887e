"""How long the current request may still take. Every wait on its behalf is given what is left."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends_at: ContextVar[float | None] = ContextVar("atrium_deadline", default=None)


@contextmanager
def deadline_in(seconds: float) -> Iterator[None]:
    """What runs inside must be done in `seconds`, or sooner when a deadline around it ends sooner."""
    ends_at = time.monotonic() + seconds
    outer = _ends_at.get()
    before = _ends_at.set(ends_at if outer is None else min(outer, ends_at))
    try:
        yield
    finally:
        _ends_at.reset(before)


@contextmanager
def deadline_of_its_own(seconds: float) -> Iterator[None]:
    """What runs inside must be done in `seconds`, whatever the deadline around it: others wait for it, too."""
    before = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(before)


def ends_within(seconds: float) -> bool:
    """Whether there is a deadline, and less time than this is left."""
    ends_at = _ends_at.get()
    return ends_at is not None and ends_at - time.monotonic() < seconds


def time_left(default: float, cap: float | None = None) -> float:
    """Seconds until the current deadline, at most `cap`, below 0 when it is over; `default` where there is none."""
    ends_at = _ends_at.get()
    left = default if ends_at is None else ends_at - time.monotonic()
    return left if cap is None else min(left, cap)
