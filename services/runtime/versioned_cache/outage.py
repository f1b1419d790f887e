"""Whether a cache is failing."""

import time
from collections.abc import Callable

import structlog

_log = structlog.get_logger(__name__)


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
