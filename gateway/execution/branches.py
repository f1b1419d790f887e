"""What is awaited, in the shape of the response."""

from __future__ import annotations

from asyncio import CancelledError, gather, get_running_loop
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from .frames import Frame

if TYPE_CHECKING:
    from .fields import Complete, FieldPlan


class Waiting:
    """A value that is awaited, and what to do with it."""

    __slots__ = ("awaitable", "complete", "field", "place")

    def __init__(self, field: FieldPlan, awaitable: Any, place: Frame, complete: Complete) -> None:
        self.field = field
        self.awaitable = awaitable
        self.place = place
        self.complete = complete


class Branch:
    """A part of the response that is awaited as one: a single value, or parts that are awaited beside each other."""

    __slots__ = ("nullable", "parts", "waiting")

    def __init__(self, waiting: Waiting | None, parts: list[Branch], nullable: Frame | None) -> None:
        self.waiting = waiting
        self.parts = parts
        self.nullable = nullable
        """The nearest place around it, within the branch, that may hold null."""


class _Fork:
    """A frame, and what is awaited right within it or within forks of it."""

    __slots__ = ("frame", "within")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.within: list[_Fork | Waiting] = []


def branches_of(waitings: list[Waiting], around: Frame | None) -> list[Branch]:
    """What stands beside each other right within a frame, given all that is awaited below it, in its order there.

    Frames between that hold one branch only are passed over, except that an error stops at one that may hold null.
    """
    trunk: list[_Fork | Waiting] = []
    forks: list[_Fork] = []
    for waiting in waitings:
        frames = _frames_between(waiting, around)
        known = 0
        while known < min(len(forks), len(frames)) and forks[known].frame is frames[known]:
            known += 1
        del forks[known:]
        for frame in frames[known:]:
            fork = _Fork(frame)
            (forks[-1].within if forks else trunk).append(fork)
            forks.append(fork)
        (forks[-1].within if forks else trunk).append(waiting)
    return [_branch(part) for part in trunk]


def _frames_between(waiting: Waiting, around: Frame | None) -> list[Frame]:
    """The frames around a value, from the one right within `around`."""
    frames: list[Frame] = []
    if waiting.place is around:
        return frames
    frame = waiting.place[0]
    while frame is not around:
        frames.append(frame)
        frame = frame[0]
    frames.reverse()
    return frames


def _branch(part: _Fork | Waiting) -> Branch:
    nullable = None
    while isinstance(part, _Fork):
        if not part.frame[4]:
            nullable = part.frame
        if len(part.within) > 1:
            return Branch(None, [_branch(one) for one in part.within], nullable)
        part = part.within[0]
    return Branch(part, [], nullable)


async def together(coroutines: list[Coroutine[Any, Any, None]]) -> None:
    """Runs all in tasks of their own. When one fails, the others have come to their end before it is told."""
    loop = get_running_loop()
    tasks = [loop.create_task(coroutine) for coroutine in coroutines]
    try:
        await gather(*tasks)
    except (Exception, CancelledError):
        for task in tasks:
            task.cancel()
        await gather(*tasks, return_exceptions=True)
        raise
