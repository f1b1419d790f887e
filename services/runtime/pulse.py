"""How late the event loop of a process is. It is what everything in the process waits for, so it tells of overload."""

import asyncio
import time
from collections.abc import Callable

from prometheus_client import Gauge

BEAT_SECONDS = 0.1
"""How often a process looks whether its event loop keeps up."""
LATE_SECONDS = 0.03
"""A loop that is this late on average has more to do than it can."""
MEMORY = 0.8
"""How much of the average is from before the last beat: it follows within half a second."""
STUCK_SECONDS = 2.0
"""A loop that was this late once answered nobody meanwhile."""
REST_SECONDS = 1.0
"""How long a loop must have turned again before it counts as well."""


class Pulse:
    """The heartbeat of one event loop."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._average = 0.0
        self._stuck_until = float("-inf")
        self._beaten = asyncio.Event()

    @property
    def late(self) -> bool:
        """Whether the loop has more to do than it can."""
        return self._average >= LATE_SECONDS

    @property
    def stuck(self) -> bool:
        """Whether the loop stood still, now or a moment ago."""
        return self._monotonic() < self._stuck_until

    def note(self, lag: float) -> None:
        """The loop woke up so many seconds late."""
        self._average = MEMORY * self._average + (1 - MEMORY) * lag
        if lag >= STUCK_SECONDS:
            self._stuck_until = self._monotonic() + REST_SECONDS
        self._beaten.set()
        self._beaten = asyncio.Event()

    async def beaten(self) -> None:
        """Returns at the next beat."""
        await self._beaten.wait()

    async def beat(self, gauge: Gauge, every: float = BEAT_SECONDS) -> None:
        """Measures for ever how late the loop wakes up, and tells the gauge."""
        while True:
            due = self._monotonic() + every
            await asyncio.sleep(every)
            lag = max(0.0, self._monotonic() - due)
            gauge.set(lag)
            self.note(lag)
