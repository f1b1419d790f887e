"""The steps of a run that somebody waits for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.task.biz import Patience, StepFailed
from services.task.service.attempts import Attempts, is_worth_another, reason

T = TypeVar("T")
ATTEMPTS = 3
"""How often a step is tried at most: somebody waits."""


class HandSteps:
    """Does each step at once; after a crash a person begins anew."""

    def __init__(self, task: str, show: Callable[[str], None], retried: Callable[[str], None]) -> None:
        """`show` is given a line whenever there is something new to say."""
        self._task = task
        self._show = show
        self._retried = retried

    async def do(self, name: str, work: Callable[[], Awaitable[T]], patience: Patience) -> T:
        """What the work answers; StepFailed when no attempt did."""
        most = min(patience.attempts, ATTEMPTS)
        attempts = Attempts(self._task, name, most, self._retried)
        for number in range(most):
            try:
                return await attempts.make(work)
            except Exception as problem:
                if number + 1 == most or not is_worth_another(problem):
                    raise StepFailed(name, reason(problem)) from problem
            await asyncio.sleep(patience.first_pause * 2**number)
        raise ValueError("a step is tried once at least")

    def tell(self, so_far: str) -> None:
        """Shows it."""
        self._show(so_far)
