"""One limit, kept for each client by itself: in this process, and shared with others when somebody uses much of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from cachebox import LRUCache
from throttled.asyncio import MemoryStore, Quota, RateLimiterType, Throttled

MOST_CLIENTS = 100_000
"""Of which each limit knows something at a time, those that came last."""
SHARED_PART = 0.1
"""A process tells the others of a client when it used so much of what it may use at once."""


@dataclass(eq=False, slots=True)
class Spending:
    """What a client used in this process since the others heard of it."""

    meter: "Meter"
    key: str
    amount: int = 0
    told: bool = False


class Meter:
    """The limit of one quota."""

    def __init__(self, name: str, quota: Quota, tell: Callable[[Spending], None] | None = None) -> None:
        """`tell` is called when other processes are to hear what a client used."""
        self.name = name
        self.quota = quota
        self._local = Throttled(
            using=RateLimiterType.GCRA.value, quota=quota, store=MemoryStore(options={"MAX_SIZE": MOST_CLIENTS})
        )
        self._tell = tell
        self._spent: LRUCache[str, Spending] = LRUCache(MOST_CLIENTS)
        self._barred: LRUCache[str, float] = LRUCache(MOST_CLIENTS)

    async def use(self, key: str, amount: int) -> float:
        """Uses some of what the client may use; 0, or for how many seconds it must wait because that is too much."""
        if (wait := self._barred_for(key)) > 0:
            return wait
        amount = min(amount, self.quota.burst)
        result = await self._local.limit(key, amount)
        if result.limited:
            return max(result.state.retry_after, 0.001)
        if self._tell:
            self._note(key, amount, self._tell)
        return 0

    def bar(self, key: str, seconds: float) -> None:
        """Lets the client use nothing for so long."""
        self._barred[key] = time.monotonic() + seconds

    def _barred_for(self, key: str) -> float:
        until = self._barred.get(key)
        return 0 if until is None else until - time.monotonic()

    def _note(self, key: str, amount: int, tell: Callable[[Spending], None]) -> None:
        spending = self._spent.get(key)
        if spending is None or spending.told:
            spending = self._spent[key] = Spending(self, key)
        spending.amount += amount
        if spending.amount >= self.quota.burst * SHARED_PART:
            spending.told = True
            tell(spending)
