"""A clock for tests: whatever is awaited waits at a gate, and gates open one by one, each when all else has settled.

So two executors that await the same values see them come in the same order, whatever tasks they make of them.
"""

import asyncio
import types
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar, cast

T = TypeVar("T")
Outcome = Callable[[], Any]
"""Answers a value, or raises."""


class Gates:
    """The gates of one run. The one with the least rank of those that somebody waits at opens next."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], int] = {}

    async def passed(self, rank: int) -> None:
        """Waits until the gate of this rank opens."""
        gate = asyncio.get_running_loop().create_future()
        self._waiting[gate] = rank
        try:
            await gate
        finally:
            self._waiting.pop(gate, None)

    async def run(self, awaitable: Awaitable[T]) -> T:
        """The outcome of what passes the gates."""
        loop: Any = asyncio.get_running_loop()
        task: asyncio.Task[T] = loop.create_task(cast(Any, _awaited(awaitable)))
        while not task.done():
            await asyncio.sleep(0)
            if task.done() or loop._ready:  # Something else has yet to settle.
                continue
            if not self._waiting:
                raise AssertionError("nothing moves any more")
            gate = min(self._waiting, key=lambda one: self._waiting[one])
            del self._waiting[gate]
            gate.set_result(None)
        return task.result()


async def _awaited(awaitable: Awaitable[T]) -> T:
    return await awaitable


class Gated:
    """An object that can be awaited but is neither a coroutine nor a future."""

    def __init__(self, gates: Gates, rank: int, outcome: Outcome) -> None:
        self._parts = gates, rank, outcome

    def __await__(self) -> Generator[Any, None, Any]:
        return passing(*self._parts).__await__()


async def passing(gates: Gates, rank: int, outcome: Outcome) -> Any:
    """The outcome, after the gate."""
    await gates.passed(rank)
    return outcome()


@types.coroutine
def old_style(gates: Gates, rank: int, outcome: Outcome) -> Generator[Any, None, Any]:
    """The same, as a generator."""
    return (yield from passing(gates, rank, outcome).__await__())


async def at_once(_gates: Gates, _rank: int, outcome: Outcome) -> Any:
    """The outcome without any wait."""
    return outcome()


def future(gates: Gates, rank: int, outcome: Outcome) -> Awaitable[Any]:
    """The outcome as a task, which is a future, already under way."""
    loop = asyncio.get_running_loop()
    return loop.create_task(passing(gates, rank, outcome))


def done_future(_gates: Gates, _rank: int, outcome: Outcome) -> Awaitable[Any]:
    """A future that is done already."""
    made = asyncio.get_running_loop().create_future()
    try:
        made.set_result(outcome())
    except Exception as error:
        made.set_exception(TypeError("stopped") if isinstance(error, StopIteration) else error)
    return made


Kind = Callable[[Gates, int, Outcome], Any]
GATED: tuple[Kind, ...] = (passing, passing, future, Gated, old_style)
AT_ONCE: tuple[Kind, ...] = (at_once, done_future)
"""Those that are there in the first turn of the loop, so that what comes first depends on how tasks are nested."""
