"""What was made of an answer, for fields that ask the same and show it alike: it is copied instead of made again."""

from __future__ import annotations

from typing import Any

from .dialect import Show
from .fields import FieldPlan

_LEAVES = frozenset({str, int, float, bool})


class Repeats:
    """What was made of answers that are there at the same time."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[tuple[int, FieldPlan], tuple[Show, dict[str, Any]]] = {}
        """By identity of what was awaited, which lives as long as its questions."""

    def again(self, field: FieldPlan, awaited: Any, show: Show) -> dict[str, Any] | None:
        """The same as was made before, in an object of its own; `None` when there is none, or it is not that simple."""
        known = self._made.get((id(awaited), field))
        return known[1].copy() if known is not None and known[0] == show else None

    def keep(self, field: FieldPlan, awaited: Any, show: Show, made: Any) -> None:
        """Notes what was made, where that depends on the answer alone: nothing of it failed, or is still awaited."""
        if type(made) is dict and field.is_told and _LEAVES.issuperset(map(type, made.values())):
            self._made[id(awaited), field] = (show, made)
