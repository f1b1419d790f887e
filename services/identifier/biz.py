"""Worker numbers on lease, and the ids that whoever holds one may make.

Two things keep ids apart. A lease gives a worker number to one holder, as long as the store's clock says. And each
lease is for a range of ticks that the store has set aside: a holder that is late to learn that its lease is over still
makes only ids of its own range, and the next holder begins above it. So no clock, however wrong, makes an id twice.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from schema.errcode import Overloaded
from services.runtime.ids import LAST_TICK, TICKS_PER_MS, id_of

LEASE_SECONDS = 10.0
"""How long a worker number belongs to its holder without renewal."""
TRUST = 0.9
"""The part of a lease that the holder counts on: its stopwatch may run slower than the store's clock."""
SET_ASIDE = int(LEASE_SECONDS * 1000) * TICKS_PER_MS
"""Ticks that a lease sets aside beyond the present: at least as many as pass until it ends."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker number, and the ticks it is for."""

    worker: int
    now: int
    """The present tick, by the store's clock."""
    upto: int
    """The holder's last tick."""


class LeaseStore(Protocol):
    """Where leases are kept. Whether one is over is judged by the store's clock alone."""

    async def acquire(self, holder: str) -> Lease | None:
        """A worker number that nobody holds, for LEASE_SECONDS from now; None when all are held.

        Its ticks are the last SET_ASIDE of the lease; they lie above all that were set aside for the number before.
        """
        ...

    async def renew(self, holder: str, worker: int, needed: int) -> Lease | None:
        """The lease for LEASE_SECONDS from now, and for ticks up to `needed` at least; None when it is lost."""
        ...

    async def release(self, holder: str, worker: int, last: int) -> None:
        """Gives the number back, if it is still the holder's; ticks above `last` were not used."""
        ...


@dataclass(slots=True)
class _Held:
    """A lease as its holder sees it."""

    lease: Lease
    since: float
    """When it was asked for, by the holder's stopwatch."""

    def tick(self, at: float) -> int:
        """The present tick: the store's, carried on by the stopwatch."""
        return self.lease.now + int((at - self.since) * 1000) * TICKS_PER_MS

    def is_over(self, at: float) -> bool:
        """Whether the store may have given the number to somebody else."""
        return at - self.since >= LEASE_SECONDS * TRUST


class Identifiers:
    """Makes ids while it holds a worker number, and none without."""

    def __init__(self, leases: LeaseStore, holder: str, stopwatch: Callable[[], float]) -> None:
        """`holder` is a name that nobody else has; `stopwatch` answers seconds since any moment and never steps."""
        self._leases = leases
        self._holder = holder
        self._stopwatch = stopwatch
        self._held: _Held | None = None
        self._all_taken = False
        self._last = 0
        self._keeping = asyncio.Lock()

    @property
    def worker(self) -> int | None:
        """The worker number that is held; None when there is none at the moment."""
        held = self._held
        return held.lease.worker if held and not held.is_over(self._stopwatch()) else None

    async def allocate(self, count: int) -> list[int]:
        """So many ids, growing, and greater than all that were made here before; Overloaded without a worker number."""
        while (ids := self._take(count)) is None:
            await self.keep(count)
        return ids

    def _take(self, count: int) -> list[int] | None:
        """The ids; None when the lease is not for so many ticks. Nothing waits from looking at the stopwatch on."""
        at, held = self._stopwatch(), self._held
        if held is None or held.is_over(at):
            raise Overloaded("every worker number is taken" if self._all_taken else "no worker number is held just now")
        first = max(held.tick(at), self._last + 1)
        last = first + count - 1
        if last > LAST_TICK:
            raise Overloaded("the store's clock is past the last moment that ids can hold")
        if last > held.lease.upto:
            return None
        self._last = last
        return [id_of(tick, held.lease.worker) for tick in range(first, last + 1)]

    async def keep(self, count: int = 0) -> None:
        """Renews the lease, or gets another when it is lost or there is none; with room for `count` ids if any."""
        async with self._keeping:
            if not await self._renew(count):
                await self._acquire()

    async def _renew(self, count: int) -> bool:
        if self._held is None:
            return False
        since = self._stopwatch()
        needed = self._last + (count + SET_ASIDE if count else 0)
        lease = await self._leases.renew(self._holder, self._held.lease.worker, needed)
        self._held = _Held(lease, since) if lease else None
        return lease is not None

    async def _acquire(self) -> None:
        since = self._stopwatch()
        lease = await self._leases.acquire(self._holder)
        self._all_taken = lease is None
        if lease:
            # Of two workers the one with the greater number makes the greater ids within a millisecond: begin the next.
            self._last = max(self._last | (TICKS_PER_MS - 1), lease.upto - SET_ASIDE)
            self._held = _Held(lease, since)

    async def release(self) -> None:
        """Makes no more ids, and gives the worker number back."""
        async with self._keeping:
            held, self._held = self._held, None
            if held:
                await self._leases.release(self._holder, held.lease.worker, self._last)
