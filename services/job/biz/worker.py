"""Does errands step by step and portion by portion, each kept before the next: anybody can go on from there."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import structlog

from schema.errcode import AtriumError
from services.job.biz.errands import OPEN, Errand, Progress
from services.job.biz.ports import Backends, ErrandLost, ErrandStore
from services.job.biz.steps import STEPS, CountersWrong
from services.runtime.clock import Clock

_log = structlog.get_logger(__name__)

PORTION = 500
"""How many rows a backend is asked to do in one call."""
HOLD = timedelta(seconds=30)
"""How long an errand stays its holder's after each portion: longer than any call may take."""


class ErrandWorker:
    """Works on errands under one name."""

    def __init__(
        self, store: ErrandStore, backends: Backends, clock: Clock, holder: str, portion: int = PORTION
    ) -> None:
        self._store = store
        self._backends = backends
        self._clock = clock
        self._holder = holder
        self._portion = portion

    async def claim(self, limit: int) -> list[Errand]:
        """At most so many errands that are to be worked on now, by nobody else."""
        now = self._clock()
        return list(await self._store.claim(self._holder, now, now + HOLD, limit))

    async def run(self, errand: Errand, may_go_on: Callable[[], bool] = lambda: True) -> None:
        """Works on a claimed errand until it is done, refused, held up, in other hands, or not to go on.

        Raises what the store raises; then the errand is free again when its time is over.
        """
        try:
            await self._run(errand.begun(self._clock()), may_go_on)
        except ErrandLost:
            _log.warning("errand is in other hands", errand=errand.kind.name, account_id=errand.account_id)

    async def _run(self, errand: Errand, may_go_on: Callable[[], bool]) -> None:
        counted: set[str] = set()
        over = False
        while not over:
            attempts = errand.attempts
            errand = await self._next(errand, counted)
            over = errand.state not in OPEN or errand.attempts > attempts or not may_go_on()
            await self._store.save(errand, self._holder, None if over else self._clock() + HOLD)

    async def _next(self, errand: Errand, counted: set[str]) -> Errand:
        """The errand one portion on, or held up."""
        step = errand.next_step
        if step is None:  # Its holder was gone before it could say so.
            return errand.finished(self._clock())
        try:
            if step.name not in counted:
                counted.add(step.name)
                return errand.with_step(await self._counted(errand, step))
            return await self._moved(errand, step)
        except CountersWrong as problem:
            _log.error("counters are wrong", problem=str(problem))
            return errand.with_step(replace(step, done=True)).finished(self._clock(), str(problem))
        except AtriumError as error:
            return self._held_up(errand, step, error)

    async def _counted(self, errand: Errand, step: Progress) -> Progress:
        """The step when it begins, or goes on after a holder who may not have told of its last portion."""
        count = STEPS[errand.kind][step.name].left
        if count is None:
            return step
        left = await count(self._backends, errand)
        total = step.total or left
        return replace(step, total=total, moved=max(step.moved, total - left))

    async def _moved(self, errand: Errand, step: Progress) -> Errand:
        moved = await STEPS[errand.kind][step.name].act(self._backends, errand, self._portion)
        after = errand.with_step(replace(step, moved=step.moved + moved, done=not moved)).unhindered()
        if after.next_step:
            return after
        _log.info("errand is done", errand=errand.kind.name, account_id=errand.account_id, target_id=errand.target_id)
        return after.finished(self._clock())

    def _held_up(self, errand: Errand, step: Progress, error: AtriumError) -> Errand:
        problem = f"{step.name}: {error.message}"
        later = error.retryable or error.http_status >= 500
        _log.warning(
            "errand waits" if later else "errand was refused",
            errand=errand.kind.name,
            account_id=errand.account_id,
            problem=problem,
            attempts=errand.attempts + 1,
        )
        now = self._clock()
        return errand.postponed(now, problem) if later else errand.refused(now, problem)
