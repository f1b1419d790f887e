"""What is awaited, in the shape of the response."""

from __future__ import annotations

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


def branches_of(waitings: list[Waiting], around: Frame | None) -> list[Branch]:
    """What stands beside each other right within a frame, given all that is awaited below it, in its order there.

    Frames between that hold one branch only are passed over, except that an error stops at one that may hold null.
    """
    if len(waitings) == 1:
        return [Branch(waitings[0], [], _nullable(_frames_between(waitings[0], around)))]
    return _grown(waitings, [_frames_between(waiting, around) for waiting in waitings], 0, len(waitings), 0)


def _grown(waitings: list[Waiting], frames: list[list[Frame]], start: int, end: int, depth: int) -> list[Branch]:
    """The branches of `waitings[start:end]`, which have their outermost `depth` frames in common."""
    branches = []
    while start < end:
        own = frames[start]
        stop = start + 1
        if len(own) > depth:
            frame = own[depth]
            while stop < end and len(frames[stop]) > depth and frames[stop][depth] is frame:
                stop += 1
        if stop == start + 1:
            branches.append(Branch(waitings[start], [], _nullable(own[depth:])))
        else:
            branches.append(_fork(waitings, frames, start, stop, depth))
        start = stop
    return branches


def _fork(waitings: list[Waiting], frames: list[list[Frame]], start: int, end: int, depth: int) -> Branch:
    """The branch of what has a frame at `depth` in common, and perhaps more."""
    first = depth
    parts: list[Branch] = []
    while len(parts) < 2:
        depth += 1
        own = frames[start]
        if len(own) > depth and len(frames[end - 1]) > depth and frames[end - 1][depth] is own[depth]:
            continue
        parts = _grown(waitings, frames, start, end, depth)
    return Branch(None, parts, _nullable(frames[start][first:depth]))


def _nullable(frames: list[Frame]) -> Frame | None:
    """The innermost of frames that may hold null."""
    for frame in reversed(frames):
        if not frame[4]:
            return frame
    return None


def nullable_around(place: Frame, around: Frame | None) -> Frame | None:
    """The innermost frame that may hold null, from a place outwards; `None` where none is within `around`."""
    frame: Frame | None = place
    while frame is not around and frame is not None:
        if not frame[4]:
            return frame
        frame = frame[0]
    return None


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
