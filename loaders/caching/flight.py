"""One load of some keys, for everybody who waits for any of them."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, TypeVar

from schema.errcode import AtriumError, DeadlineExceeded
from services.runtime.channels import CallTally

K = TypeVar("K")
V = TypeVar("V")


class Flight(Generic[K, V]):
    """Keys on their way, by the place where their answers are kept. It lands once: what comes later does not count."""

    def __init__(self, keys: Mapping[str, K], tick: int, began: float, *, renew: bool = False) -> None:
        """`tick` is what was heard of changes when it `began`; with `renew` it is not for those alone who wait."""
        self.keys = keys
        self.tick = tick
        self.began = began
        self.renew = renew
        self._answers: Mapping[str, V | AtriumError] = {}
        self._problem: Exception | None = None
        self._asking: asyncio.Task[None] | None = None
        self._landed = asyncio.Event()
        self._waiting: list[CallTally] = []
        self.tally = CallTally()
        """The calls that it takes."""

    def land(self, answers: Mapping[str, V | AtriumError]) -> None:
        """Answers everybody; what is not among the answers never will be."""
        if not self._landed.is_set():
            self._answers = answers
            self._end()

    def crash(self, problem: Exception) -> None:
        """Tells everybody what kept them from being answered."""
        if not self._landed.is_set():
            self._problem = problem
            self._end()

    def _end(self) -> None:
        self._landed.set()
        waiting = set(self._waiting)
        for tally in waiting:
            tally.take_part(self.tally, len(waiting))

    def join(self, tally: CallTally) -> None:
        """Somebody more waits."""
        self._waiting.append(tally)

    def leave(self, tally: CallTally) -> None:
        """Somebody waits no longer. When that was the last one, the source is not asked any more."""
        self._waiting.remove(tally)
        if self._asking and not self.is_wanted:
            self._asking.cancel()

    @property
    def is_wanted(self) -> bool:
        """Whether it is of use to anybody."""
        return self.renew or bool(self._waiting)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Inside, its task asks the source, and is cancelled when nobody wants that any more.

        Elsewhere it is not: to cut short a talk with the cache costs the connection.
        """
        self._asking = asyncio.current_task()
        try:
            yield
        finally:
            self._asking = None

    async def landed(self) -> None:
        """Returns once it has landed."""
        await self._landed.wait()

    def answer(self, place: str) -> V | AtriumError:
        """The answer for the key of this place: DeadlineExceeded while there is none; raises what it crashed with."""
        if self._problem is not None:
            raise self._problem
        return self._answers[place] if place in self._answers else DeadlineExceeded()
