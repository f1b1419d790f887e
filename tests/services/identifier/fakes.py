"""A store of leases in memory, with a clock that a test moves as it likes, and what else can go wrong with a store."""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from services.identifier.biz import LEASE_SECONDS, SET_ASIDE, Lease
from services.runtime.ids import SEQUENCE_BITS, TICKS_PER_MS, WORKERS

Answer = TypeVar("Answer")


class Unreachable(Exception):
    """What the store raises when it does not answer."""


class Stopwatch:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Row:
    holder: str
    expires_at: float
    last_tick: int


class DictLeaseStore:
    """Keeps leases in a dict; `fails` and `loses_answer` happen once."""

    def __init__(self, numbers: Sequence[int] = range(WORKERS)) -> None:
        self.now = 100_000.0
        self.rows: dict[int, Row] = {}
        self.fails = False
        self.loses_answer = False
        self._numbers = numbers

    async def acquire(self, holder: str) -> Lease | None:
        self._may_fail()
        for worker in self._numbers:
            row = self.rows.get(worker)
            if row is None or row.expires_at <= self.now:
                last = max(row.last_tick if row else 0, self._tick())
                self.rows[worker] = Row(holder, self.now + LEASE_SECONDS, last + SET_ASIDE)
                return self._lease(worker)
        return None

    async def renew(self, holder: str, worker: int, needed: int) -> Lease | None:
        self._may_fail()
        row = self.rows[worker]
        if row.holder != holder:
            return None
        row.expires_at = self.now + LEASE_SECONDS
        row.last_tick = max(row.last_tick, self._tick() + SET_ASIDE, needed)
        return self._lease(worker)

    async def release(self, holder: str, worker: int, last: int) -> None:
        self._may_fail()
        if (row := self.rows[worker]).holder == holder:
            self.rows[worker] = Row("", self.now, min(row.last_tick, last))

    def _tick(self) -> int:
        return int(self.now * 1000) * TICKS_PER_MS

    def _lease(self, worker: int) -> Lease:
        if self.loses_answer:
            self.loses_answer = False
            raise Unreachable
        return Lease(worker, self._tick(), self.rows[worker].last_tick)

    def _may_fail(self) -> None:
        if self.fails:
            self.fails = False
            raise Unreachable


def done(work: Coroutine[Any, Any, Answer]) -> Answer:
    """What a coroutine answers that has nothing to wait for."""
    try:
        work.send(None)
    except StopIteration as stop:
        answer: Answer = stop.value
        return answer
    raise AssertionError("it waits for something")


def worker_of(id_: int) -> int:
    return (id_ >> SEQUENCE_BITS) & (WORKERS - 1)


def millisecond_of(id_: int) -> int:
    return id_ // (WORKERS * TICKS_PER_MS)


def tick_of(id_: int) -> int:
    return millisecond_of(id_) * TICKS_PER_MS + id_ % TICKS_PER_MS
