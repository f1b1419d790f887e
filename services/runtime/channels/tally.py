"""The RPCs that were sent on behalf of one request."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc.aio

Call = grpc.aio.UnaryUnaryCall[Any, Any]


class Cancellable(Protocol):
    """A call, or the wait for one."""

    def cancel(self) -> bool:
        """Ends it, unless it has ended."""
        ...


@dataclass(slots=True, eq=False)
class CallTally:
    """The RPCs that were sent on behalf of one request."""

    count: int = 0
    """How many."""
    shared: int = 0
    """How many of them were sent on behalf of other requests, too."""
    share: float = 0.0
    """The request's part of them: of a call that n requests share, 1/n. Over all requests this adds up to the calls."""
    _in_flight: set[Cancellable] = field(default_factory=set)

    def add(self, callers: int = 1) -> None:
        """Counts a call that is sent on behalf of so many requests."""
        self.count += 1
        self.shared += callers > 1
        self.share += 1 / callers

    def take_part(self, other: "CallTally", callers: int) -> None:
        """Counts the calls of another tally, which were sent on behalf of so many requests."""
        self.count += other.count
        self.shared += other.count if callers > 1 else other.shared
        self.share += other.share / callers

    def hold(self, work: Cancellable) -> None:
        """The request waits for this from now on."""
        self._in_flight.add(work)

    def release(self, work: Cancellable) -> None:
        """It does so no longer."""
        self._in_flight.discard(work)

    def abandon(self) -> None:
        """Cancels what is still in flight: nobody waits for it any more."""
        for work in tuple(self._in_flight):
            work.cancel()


call_tally: ContextVar[CallTally | None] = ContextVar("atrium_call_tally", default=None)
"""Where the RPCs of the current request are counted; set by whoever begins a request."""
