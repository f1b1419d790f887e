"""Awaits coroutines beside each other."""

from __future__ import annotations

from asyncio import CancelledError, Future, gather, get_running_loop
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from .frames import Frame, Place, is_within

if TYPE_CHECKING:
    from .fields import FieldPlan

Routine = Coroutine[Any, Any, Any]


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


Question = tuple[Any, Any, "FieldPlan", Callable[[Any], Any], Frame]
"""What is to be done first, what tells the result then, which field asks, what shows the result, and where."""


class Questions:
    """What fields asked: each goes on when its future is done, in the task of whoever awaits all, beside tasks."""

    def __init__(self, go_on: Callable[[Questions, list[Question]], None]) -> None:
        """`go_on` continues what awaited one future, and adds what comes of it."""
        self._go_on = go_on
        self._loop = get_running_loop()
        self._pending: dict[Future[Any], list[Question]] = {}
        self._tasks: dict[Future[Any], None] = {}
        self._made: list[Future[Any]] = []
        self._done: list[Future[Any]] = []
        self._wake: Future[None] | None = None

    def add(self, questions: list[Question]) -> None:
        """Goes on with each when what it awaits is there."""
        for question in questions:
            future = question[0]
            beside = self._pending.get(future)
            if beside is not None:
                beside.append(question)
                continue
            if not isinstance(future, Future):
                future = self._task_of(future)
                question = (future, future, *question[2:])
            self._pending[future] = [question]
            future.add_done_callback(self._on_done)

    def _task_of(self, awaitable: Awaitable[Any]) -> Future[Any]:
        task = self._loop.create_task(wait_for(awaitable))
        self._made.append(task)
        return task

    def add_task(self, coroutine: Routine) -> None:
        """Runs a coroutine that needs a task, and fails as it fails."""
        task = self._loop.create_task(coroutine)
        self._tasks[task] = None
        task.add_done_callback(self._on_done)

    def forget(self, nulled: set[Place]) -> None:
        """Nobody waits any more for what is below places."""
        for future, questions in [*self._pending.items()]:
            questions[:] = [question for question in questions if not is_within(question[4], nulled)]
            if not questions:
                del self._pending[future]
                note_failure(future)
        self._wake_up()

    def _on_done(self, future: Future[Any]) -> None:
        if future in self._pending or future in self._tasks:
            self._done.append(future)
            self._wake_up()
        else:
            note_failure(future)

    def _wake_up(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def finish(self) -> None:
        """Until all have come to their end. When one fails, the others have, before it is told."""
        try:
            while self._pending or self._tasks:
                if not self._done:
                    self._wake = self._loop.create_future()
                    await self._wake
                done, self._done = self._done, []
                for future in done:
                    self._continue(future)
        except CancelledError:
            for future in self._pending:
                future.cancel()
            raise
        finally:
            await self._end()

    def _continue(self, future: Future[Any]) -> None:
        if future in self._tasks:
            del self._tasks[future]
            future.result()
        elif questions := self._pending.pop(future, None):
            if future.cancelled():  # Perhaps by somebody else who awaited it: then there is another one.
                questions = self._asked_again(questions)
            self._go_on(self, questions)

    def _asked_again(self, questions: list[Question]) -> list[Question]:
        """Adds those anew that can still be answered; gives back the others."""
        over = []
        for _, awaited, *rest in questions:
            future = future_of(awaited)
            if future is None:
                over.append((future, awaited, *rest))
            else:
                self.add([(future, awaited, *rest)])
        return over

    async def _end(self) -> None:
        """Cancels what still runs, and waits until it has ended. What others made may be awaited by others, too."""
        for future in self._pending:
            note_failure(future)
        self._pending.clear()
        if running := [task for task in (*self._tasks, *self._made) if not task.done()]:
            for task in running:
                task.cancel()
            await gather(*running, return_exceptions=True)
        self._tasks.clear()


def future_of(awaited: Any) -> Any:
    """What must be done before an awaitable has a result: `None` when it has; itself when a task must find out."""
    if isinstance(awaited, Future):
        return None if awaited.done() else awaited
    return getattr(awaited, "future", awaited)


def note_failure(future: Future[Any]) -> None:
    """Nobody else looks at how the future ended: asyncio would complain of that."""
    if future.done() and not future.cancelled():
        future.exception()


async def wait_for(awaitable: Awaitable[Any]) -> Any:
    """Awaits whatever can be awaited in an `await` expression, and fails as that fails."""
    return await awaitable
