"""Whether a backend has fallen silent: a frozen one takes calls, and its connections stand, but nothing comes back.

Nobody can tell it from one that is slow by a single call. So many calls that wait, and not one answer meanwhile, can.
Nothing here costs a timer: whoever calls next looks.
"""

import time
from collections.abc import Callable

from services.runtime.channels.tally import Call

SILENT_SECONDS = 1.0
"""How long a backend must have said nothing."""
FEW = 20
"""So many calls that wait say nothing yet: a backend that is slow for a moment is worth waiting for."""
PROBE_SECONDS = 0.1
"""How often a silent backend is asked all the same."""


class Attempt:
    """A call that was sent, and is sent again where that may help."""

    __slots__ = ("calls", "given_up", "sent_at")

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.sent_at = 0.0
        self.given_up = False

    def give_up(self) -> None:
        """Nobody waits for it any more."""
        self.given_up = True
        for call in self.calls:
            call.cancel()


class Silence:
    """Listens to one backend."""

    __slots__ = ("_heard_at", "_monotonic", "_probe_at", "_silent", "_waiting")

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._waiting: dict[Attempt, None] = {}
        """In the order in which they were sent."""
        self._heard_at = 0.0
        self._probe_at = 0.0
        self._silent = False

    def allows(self) -> bool:
        """Whether to send a call. Of a backend that has fallen silent, those that waited long are given up as well."""
        if not self._silent and len(self._waiting) < FEW:
            return True
        now = self._monotonic()
        if now - self._heard_at < SILENT_SECONDS:
            return True
        self._silent = True
        self._give_up(now - SILENT_SECONDS)
        if now < self._probe_at:
            return False
        self._probe_at = now + PROBE_SECONDS
        return True

    def sent(self, attempt: Attempt) -> None:
        """A call is on its way."""
        attempt.sent_at = self._monotonic()
        if not self._waiting and not self._silent:
            self._heard_at = attempt.sent_at
        self._waiting[attempt] = None

    def over(self, attempt: Attempt, *, heard: bool) -> None:
        """A call is over; `heard` says whether its backend said anything, be it that it refuses."""
        self._waiting.pop(attempt, None)
        if heard:
            self._heard_at = self._monotonic()
            self._silent = False

    def _give_up(self, before: float) -> None:
        for attempt in [each for each in self._waiting if each.sent_at <= before]:
            del self._waiting[attempt]
            attempt.give_up()
