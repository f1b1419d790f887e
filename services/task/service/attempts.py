"""Attempts at one step: which failures are worth another, and what is told of them."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from services.task.biz import Refused

_log = structlog.get_logger(__name__)
T = TypeVar("T")
REASON_LENGTH = 300


def is_worth_another(problem: BaseException) -> bool:
    """Whether trying again may help."""
    return isinstance(problem, Exception) and not isinstance(problem, Refused)


def reason(problem: BaseException) -> str:
    """What went wrong, in a line."""
    words = str(problem).partition("\n")[0].strip()
    return (words or type(problem).__name__)[:REASON_LENGTH]


class Attempts:
    """Does one step of a run; each attempt that fails with another to come is logged and counted."""

    def __init__(self, task: str, step: str, most: int, retried: Callable[[str], None]) -> None:
        """`retried` is told the name of the task."""
        self._task = task
        self._step = step
        self._most = most
        self._retried = retried
        self._made = 0

    async def make(self, work: Callable[[], Awaitable[T]]) -> T:
        """What the work answers; raises what it raises."""
        self._made += 1
        try:
            return await work()
        except Exception as problem:
            if self._made < self._most and is_worth_another(problem):
                words = {"task": self._task, "step": self._step, "attempt": self._made, "reason": reason(problem)}
                _log.warning("step failed and is tried again", **words)
                self._retried(self._task)
            raise
