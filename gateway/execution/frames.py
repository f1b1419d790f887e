"""Where a value stands in the response: a linked tuple per object and list, made on the hot path, so it stays bare.

A frame is `(parent, key, type_name, container, non_null)`: the frame around it (`None` at the root), its response name
or list index, the name of the parent object type (`None` for a list item), the dict or list that holds its value, and
whether null there must propagate to the parent.
"""

from collections.abc import Container
from typing import Any, TypeAlias

from graphql.pyutils import Path

Frame: TypeAlias = tuple[Any, str | int, str | None, Any, bool]
Place: TypeAlias = tuple[int, str | int]
"""A place in the response for comparing: identity of the container, and the key in it."""


def path_of(frame: Frame) -> Path:
    """The same place as graphql-core writes it, for errors and resolve infos."""
    frames = [frame]
    while (frame := frame[0]) is not None:
        frames.append(frame)
    path: Path | None = None
    for place in reversed(frames):
        path = Path(path, place[1], place[2])
    assert path is not None
    return path


def field_of(frame: Frame) -> Frame:
    """The frame of the field whose list, or list of lists, the frame is an item of; itself for a field."""
    while frame[2] is None:
        frame = frame[0]
    return frame


def place_of(frame: Frame) -> Place:
    """The place of a frame."""
    return id(frame[3]), frame[1]


def is_within(frame: Frame | None, places: Container[Place]) -> bool:
    """Whether a frame is at one of some places, or below it."""
    while frame is not None:
        if (id(frame[3]), frame[1]) in places:
            return True
        frame = frame[0]
    return False
