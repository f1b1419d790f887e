"""Whether a backend is still asked: the client-side throttling of the Google SRE book, chapter "Handling Overload".

https://sre.google/sre-book/handling-overload/#client-side-throttling-a7sYUg
"""

import random
import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 5.0
BUCKETS = 10
PATIENCE = 2.0
"""How many requests are sent for each that is accepted: the book's K."""
LEAST = 20
"""So many requests within a window say nothing yet."""
PROBE_SECONDS = 0.1
"""How long a backend that answers nothing is left alone at most."""
RECOVERED = 3
"""So many answers in a row after refusing end it: the book's formula alone takes a whole window to trust again."""


class Breaker:
    """Counts what one method accepts of what is asked; refuses, by chance, what exceeds twice of that."""

    __slots__ = ("_accepts", "_bucket", "_chance", "_closed", "_monotonic", "_probe_at", "_requests", "_row", "_slot")

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        """`chance` answers numbers from 0 to 1, evenly."""
        self._monotonic = monotonic
        self._chance = chance
        self._slot = 0
        self._forget()

    def _forget(self) -> None:
        self._requests = 0
        self._accepts = 0
        self._bucket = [0, 0]
        self._closed = deque([(0, 0)] * (BUCKETS - 1))
        self._row: int | None = None
        """How many answers came in a row since requests are refused; None when they are not."""
        self._probe_at = 0.0

    def allows(self) -> bool:
        """Whether to send a request. One that is not sent counts as well."""
        now = self._monotonic()
        slot = int(now * (BUCKETS / WINDOW_SECONDS))
        if slot != self._slot:
            self._turn(slot)
        excess = self._requests - PATIENCE * self._accepts
        if excess <= LEAST or self._chance() * (self._requests + 1) >= excess:
            return True
        if now >= self._probe_at:
            self._probe_at = now + PROBE_SECONDS
            return True
        self._row = self._row or 0
        self._count(accepted=0)
        return False

    def accepted(self) -> None:
        """The backend answered, be it with a refusal of its own."""
        self._count(accepted=1)
        if self._row is not None:
            self._row += 1
            if self._row == RECOVERED:
                self._forget()

    def failed(self) -> None:
        """The backend did not answer, or said that it cannot."""
        self._count(accepted=0)
        if self._row is not None:
            self._row = 0

    def _count(self, accepted: int) -> None:
        self._requests += 1
        self._accepts += accepted
        self._bucket[0] += 1
        self._bucket[1] += accepted

    def _turn(self, slot: int) -> None:
        """Begins the bucket of this moment, and lets go of those that are out of the window by now."""
        for _ in range(min(slot - self._slot, BUCKETS)):
            requests, accepts = self._closed.popleft()
            self._requests -= requests
            self._accepts -= accepts
            self._closed.append((self._bucket[0], self._bucket[1]))
            self._bucket = [0, 0]
        self._slot = slot
