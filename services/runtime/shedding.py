"""How many requests a process takes on at once: those that it can answer in time, and no more when it is overloaded.

The limit is Little's law, as in BBR and go-kratos aegis: who answers R requests a second at best, and wants each to be
answered within T seconds, must not have more than R * T of them at work. R is measured. BBR measures T too, as the
quickest that there was; here T is what we want, since a queue that stays for longer than one remembers would teach that
slow is normal. R may have been that of lighter work: while the answers of a late loop take longer than T, less than
R * T is taken on, in proportion, as by gradient limiters. Overloaded is not a processor that is busy: a process may
share its processor, and what is slow may be what it asks. It is an event loop that is late (`pulse.py`), or answers
that took longer than T.

https://github.com/go-kratos/aegis/blob/main/ratelimit/bbr/bbr.go
https://github.com/Netflix/concurrency-limits
"""

import math
import time
from collections import deque
from collections.abc import Callable

from services.runtime.pulse import Pulse

BUCKET_SECONDS = 0.5
BUCKETS = 20
"""How much of the past counts: ten seconds."""
PATIENCE_SECONDS = 0.3
"""How long an answer may take before it counts as slow."""
LEAST = 80
"""So many requests are always taken on."""
MOST_WAITING = 500
"""So many may wait while nothing at all is answered: so it is when a backend is frozen, not under overload.

Nor are more taken on before overload shows, unless so many can be answered in time: within the half second that this
takes, a burst would bring work for several.
"""
SUSTAINED_SECONDS = 5.0
"""A process that has refused for this long should get fewer requests."""
MOST_CUT = 0.5
REGROWTH = 1.1
"""What is left of the limit at least, and how much more it is at most, after half a second."""
GAP_SECONDS = 1.0
"""How long there must be nothing to refuse until it counts as over."""


class Limiter:
    """Counts the requests of one process, and says when there are too many."""

    def __init__(self, pulse: Pulse, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pulse = pulse
        self._monotonic = monotonic
        self.in_flight = 0
        self.limit = LEAST
        """How many requests may be at work while the process is overloaded."""
        self._slot = int(monotonic() / BUCKET_SECONDS)
        self._answered, self._seconds = 0, 0.0
        """How many requests were answered in this bucket, and how long they took together."""
        self._past = deque([0] * BUCKETS, maxlen=BUCKETS)
        """How many were in each bucket before."""
        self._slow = False
        self._part = 1.0
        """How much of what the past promises holds for the work of today."""
        self._refusing_since = self._refused_at = float("-inf")

    @property
    def overloaded(self) -> bool:
        """Whether there is more to do than this process, or what it asks, can do in time."""
        return self._pulse.late or self._slow

    @property
    def pressure(self) -> float:
        """What part of the limit is taken; 0 while the process is not overloaded."""
        return self.in_flight / self.limit if self.overloaded else 0.0

    @property
    def exhausted(self) -> bool:
        """Whether requests have been refused for a while, and still are."""
        still = self._monotonic() - self._refused_at < GAP_SECONDS
        return still and self._refused_at - self._refusing_since >= SUSTAINED_SECONDS

    def enter(self) -> float | None:
        """Takes a request on and answers the moment, to be given to `leave`; None when it is refused."""
        now = self._monotonic()
        self._turn(now)
        if self.in_flight >= (self.limit if self.overloaded else max(self.limit, MOST_WAITING)):
            self._refuse(now)
            return None
        self.in_flight += 1
        return now

    def resume(self) -> float:
        """Takes a request on again that had left to wait for its client; the moment, to be given to `leave`."""
        self.in_flight += 1
        return self._monotonic()

    def leave(self, entered: float, *, answered: bool) -> None:
        """The request that was taken on at this moment is over; one that was given up says nothing of the capacity."""
        now = self._monotonic()
        self._turn(now)
        self.in_flight -= 1
        if answered:
            self._answered += 1
            self._seconds += now - entered

    def _refuse(self, now: float) -> None:
        if now - self._refused_at >= GAP_SECONDS:
            self._refusing_since = now
        self._refused_at = now

    def _turn(self, now: float) -> None:
        slot = int(now / BUCKET_SECONDS)
        if slot == self._slot:
            return
        self._past.append(self._answered)
        self._past.extend([0] * min(slot - self._slot - 1, BUCKETS))
        if self._past[-1]:
            self._learn(self._seconds / self._answered)
        else:
            self._slow = self.in_flight >= MOST_WAITING
        self._slot = slot
        self._answered, self._seconds = 0, 0.0
        best = max(self._past) / BUCKET_SECONDS
        self.limit = max(LEAST, math.ceil(best * PATIENCE_SECONDS * self._part))

    def _learn(self, took: float) -> None:
        """Answers took so long on average."""
        self._slow = took >= PATIENCE_SECONDS
        if not self._slow:
            self._part = min(self._part * REGROWTH, 1.0)
        elif self._pulse.late:
            self._part *= max(PATIENCE_SECONDS / took, MOST_CUT)
