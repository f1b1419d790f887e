"""The changes that this process has heard of: by its own writes, and by the channel that all gateways listen on."""

import time
from collections.abc import Callable, Iterable

MOST_SUBJECTS = 50_000
"""How many changed subjects are remembered; when there are more, what was kept before them is not used any more."""


class Heard:
    """Which subjects have changed since when.

    Time goes in ticks, one for each change: what was begun at a tick does not know the changes of later ticks.
    """

    def __init__(
        self, seconds: float, most: int = MOST_SUBJECTS, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`seconds` is the longest that anything read before a change may still be found in the shared cache."""
        self._seconds = seconds
        self._most = most
        self._monotonic = monotonic
        self._last: dict[str, tuple[int, float]] = {}
        self._floor = 0
        self._all_at = float("-inf")
        self.tick = 0

    @property
    def remembered(self) -> int:
        """How many subjects are remembered."""
        return len(self._last)

    def note(self, subjects: Iterable[str]) -> None:
        """These have changed, and the change is complete."""
        now = self._monotonic()
        self.tick += 1
        for subject in subjects:
            self._last.pop(subject, None)
            self._last[subject] = (self.tick, now)
        self._forget(now)

    def note_gap(self) -> None:
        """Anything may have changed: what this process keeps is not used any more."""
        self.tick += 1
        self._floor = self.tick

    def is_current(self, about: Iterable[str], tick: int) -> bool:
        """Whether what was begun at the tick, and is about these, knows all changes."""
        if tick == self.tick:
            return True
        return tick >= self._floor and all(self._last[each][0] <= tick for each in about if each in self._last)

    def is_settled(self, about: Iterable[str]) -> bool:
        """Whether none of these changed so recently that the shared cache may still hold what was before."""
        since = self._monotonic() - self._seconds
        return self._all_at < since and all(self._last[each][1] < since for each in about if each in self._last)

    def changed_since(self, about: Iterable[str], moment: float) -> bool:
        """Whether one of these is known to have changed at this moment of the monotonic clock, or later."""
        return any(self._last[each][1] >= moment for each in about if each in self._last)

    def _forget(self, now: float) -> None:
        """Forgets what is long past, and what is too much; nothing that was begun before is current then."""
        while self._last:
            subject, (tick, at) = next(iter(self._last.items()))
            if len(self._last) > self._most:
                self._all_at = at
            elif at >= now - self._seconds:
                break
            del self._last[subject]
            self._floor = tick
