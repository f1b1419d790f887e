"""Which activities a subscriber has been told of."""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import timedelta

from services.runtime.ids import TICKS_PER_MS, id_of

REMEMBERED = 1000
"""How many ids of activities a subscription remembers, so as to tell each once."""


class Told:
    """Ids, not only the greatest: an activity may be told late, after one with a greater id."""

    def __init__(self, floor: int, known: Iterable[int] = ()) -> None:
        """What is not greater than `floor` is old, and so are the `known` ones."""
        self._floor = floor
        self._ids = OrderedDict.fromkeys(known)
        self._greatest = max(self._ids, default=floor)

    def is_new(self, activity_id: int) -> bool:
        """Whether the subscriber has not been told yet; from now on it has."""
        if activity_id <= self._floor or activity_id in self._ids:
            return False
        self._ids[activity_id] = None
        if len(self._ids) > REMEMBERED:
            forgotten, _ = self._ids.popitem(last=False)
            self._floor = max(self._floor, forgotten)
        self._greatest = max(self._greatest, activity_id)
        return True

    def back(self, span: timedelta) -> int:
        """An id so much older than the greatest one told, as far back as it is known what was told."""
        return max(self._floor, self._greatest - id_of(span // timedelta(milliseconds=1) * TICKS_PER_MS, 0))
