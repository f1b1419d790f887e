"""Sending a read to another server when the first takes longer than nearly always, within a budget.

Which server that is, gRPC says: of three of which one is frozen, it may be that one again. So the read goes out once
more, and again, each time after twice as long, until gRPC has left the frozen one out.

After Dean and Barroso, "The Tail at Scale", Communications of the ACM, 2013.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

import grpc

from services.runtime.channels.tally import Call

FIRST_SECONDS = 0.1
"""What counts as long until it is known."""
SHORTEST_SECONDS = 0.01
LONGEST_SECONDS = 1.0
PART = 0.95
"""How many of all calls take less than what counts as long."""
STEP = 0.02
"""By how much of itself the estimate changes at most with one call."""
BUDGET = 0.1
"""How many of all calls may be sent twice."""
SAVINGS = 20.0
"""How many unused hedges are kept for a bad moment."""
MOST_SENT = 5
"""How often a read is sent at most: from 0.01 s on, the last time after 0.15 s, from 0.1 s on after 1.5 s."""


class Hedging:
    """What one method of a backend knows of how long it takes, and how many more calls it may cost."""

    __slots__ = ("_budget", "after")

    def __init__(self) -> None:
        self.after = FIRST_SECONDS
        """After how many seconds a call takes long: an estimate of the 95th percentile."""
        self._budget = SAVINGS

    def took(self, seconds: float) -> None:
        """A call took so long. The estimate rises when that is more and falls when it is less, 19 times as slowly."""
        factor = 1 + STEP * (PART if seconds > self.after else PART - 1)
        self.after = min(max(self.after * factor, SHORTEST_SECONDS), LONGEST_SECONDS)
        self._budget = min(self._budget + BUDGET, SAVINGS)

    async def takes_long(self, *calls: Call) -> float:
        """Waits until one of the calls is over, and answers 0; or until it should be sent again, after so many seconds.

        Each that was sent in vain doubles the time. With an empty budget it goes on waiting: savings come back while
        calls succeed elsewhere.
        """
        waited, seconds = 0.0, self.after * (1 << len(calls) - 1)
        while not await is_done_within(calls, seconds):
            waited += seconds
            if self._budget >= 1:
                self._budget -= 1
                return waited
            seconds = waited
        return 0.0


async def is_done_within(calls: Sequence[Call], seconds: float) -> bool:
    """Whether one of the calls is over after that time, or sooner."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    for call in calls:
        call.add_done_callback(partial(_end, ended))
    timer = loop.call_later(seconds, _end, ended)
    try:
        await ended
    finally:
        timer.cancel()
    return any(call.done() for call in calls)


async def first_to_answer(*calls: Call) -> Call:
    """The first of the calls that succeeds; the last to fail when none does."""
    waiting = set(calls)
    while True:
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for call in waiting:
            call.add_done_callback(partial(_end, ended))
        await ended
        for call in [call for call in waiting if call.done()]:
            waiting.discard(call)
            if not waiting or await call.code() is grpc.StatusCode.OK:
                return call


def _end(ended: "asyncio.Future[None]", _call: object = None) -> None:
    if not ended.done():
        ended.set_result(None)
