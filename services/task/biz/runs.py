"""A run of a task, from its beginning to its end."""

from collections.abc import Callable, Mapping
from functools import partial

from services.task.biz.ports import History, Steps, Task
from services.task.biz.words import Origin, Outcome, Period, Result


class Runs:
    """Runs tasks and keeps their history."""

    def __init__(self, tasks: Mapping[str, Task], history: History, counted: Callable[[str, Outcome], None]) -> None:
        """`counted` is told each outcome of a task, by its name."""
        self.tasks = tasks
        self._history = history
        self._counted = counted

    def retried(self, task: str) -> None:
        """Counts that a step of this task failed and is tried again."""
        self._counted(task, Outcome.RETRIED)

    async def broken_off(self, run_id: str, task: str) -> None:
        """Notes that whoever began a run by hand did not let it come to its end."""
        self._counted(task, Outcome.FAILED)
        await self._history.ended(run_id, Outcome.FAILED, "interrupted")

    async def run(self, run_id: str, task: Task, period: Period, origin: Origin, steps: Steps) -> Result:
        """Does the task for the period; StepFailed when it failed, which is noted then."""
        begun = partial(self._history.begun, run_id, task.title.name, str(period), origin)
        try:
            await steps.do("begin", begun, task.patience)
            result = await task.run(period, steps)
        except Exception as error:
            self._counted(task.title.name, Outcome.FAILED)
            await steps.do("failed", partial(self._history.ended, run_id, Outcome.FAILED, str(error)), task.patience)
            raise
        told = ", ".join(f"{name}: {value}" for name, value in result.items())
        await steps.do("end", partial(self._history.ended, run_id, Outcome.OK, told), task.patience)
        self._counted(task.title.name, Outcome.OK)
        return result
