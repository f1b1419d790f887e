"""What clients use is told to the other gateways, through Redis and beside the requests.

No request waits for it: each process limits by what it knows, and bars a client once all together let it use too much.
Without Redis each process limits by itself.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from throttled.rate_limiter.gcra import RedisLimitAtomicActionSpec

from gateway.rates.meter import Spending

MOST_AT_ONCE = 500
"""So many clients are told of in one pipeline."""
MOST_WAITING = 10_000
"""So many may wait to be told of; beyond, those that wait longest are forgotten."""
_log = structlog.get_logger(__name__)


class Ledger:
    """Tells and learns what clients used; a `lifecycle.Server`."""

    def __init__(self, cache: Redis) -> None:
        self._cache = cache
        self._use = cache.register_script(RedisLimitAtomicActionSpec.SCRIPTS)
        self._waiting: deque[Spending] = deque(maxlen=MOST_WAITING)
        self._woken = asyncio.Event()
        self._stopping = False
        self._is_lost = False

    def tell(self, spending: Spending) -> None:
        """Has the others hear of it soon."""
        self._waiting.append(spending)
        self._woken.set()

    async def serve(self) -> None:
        """Tells what there is to tell, all that gathered in the meantime together, until stopped."""
        while not self._stopping:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting and not self._stopping:
                await self._exchange([self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))])

    async def stop(self, grace: float) -> None:
        """Tells nothing more."""
        self._stopping = True
        self._woken.set()

    async def _exchange(self, told: Sequence[Spending]) -> None:
        try:
            answers = await self._use_up(told)
        except (RedisError, OSError, TimeoutError) as error:
            self._note(lost=True, error=type(error).__name__)
            return
        self._note(lost=False)
        for spending, (limited, _remaining, _reset_after, retry_after) in zip(told, answers, strict=True):
            if limited:
                spending.meter.bar(spending.key, float(retry_after))

    async def _use_up(self, told: Sequence[Spending]) -> Sequence[tuple[int, int, bytes, bytes]]:
        async with self._cache.pipeline(transaction=False) as pipe:
            for spending in told:
                quota = spending.meter.quota
                amount = min(spending.amount, quota.burst)
                arguments = [quota.emission_interval, quota.burst, amount]
                await self._use([f"atrium:rate:{spending.meter.name}:{spending.key}"], arguments, client=pipe)
            return list(await pipe.execute())

    def _note(self, *, lost: bool, **words: str) -> None:
        """Says so once when it changes."""
        if lost is not self._is_lost:
            self._is_lost = lost
            _log.warning("rate limits not shared" if lost else "rate limits shared again", **words)
