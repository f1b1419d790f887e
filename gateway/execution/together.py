"""Awaits coroutines beside each other."""

from __future__ import annotations

from asyncio import CancelledError, Future, gather, get_running_loop
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from typing import Any

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


class Strand:
    """A coroutine that needs no task and has been run until it awaits a future.

    Such a coroutine awaits nothing but futures of this loop, does not ask which task it runs in, and sets no context
    variables: then it cannot tell that it shares a task.
    """

    __slots__ = ("coroutine", "future")

    def __init__(self, coroutine: Routine, future: Any) -> None:
        self.coroutine = coroutine
        self._await(future)

    def step(self) -> None:
        """Runs on to what is awaited next. Raises what the coroutine raises, StopIteration with its value at last."""
        self._await(self.coroutine.send(None))

    def _await(self, future: Any) -> None:
        self.future = future
        if future is not None:
            # Taken note of, as a task would: else nothing beside this could await the same future.
            future._asyncio_future_blocking = False

    def __await__(self) -> Generator[Any, Any, Any]:
        """Runs the rest in the task that awaits it."""
        coroutine, future = self.coroutine, self.future
        while True:
            if future is not None:
                future._asyncio_future_blocking = True
            try:
                try:
                    yield future
                except BaseException as error:
                    future = coroutine.throw(error)
                else:
                    future = coroutine.send(None)
            except StopIteration as end:
                return end.value

    def close(self) -> None:
        """Ends the coroutine where it is."""
        with suppress(StopIteration, CancelledError, Exception):
            self.coroutine.throw(CancelledError())
        self.coroutine.close()


Then = Callable[[Any, "Exception | None"], None]
"""Takes the value of a strand, or the error that ended it."""


class Strands:
    """Strands driven by the task of whoever awaits them together, beside tasks."""

    def __init__(self) -> None:
        self._loop = get_running_loop()
        self._strands: dict[Future[Any], list[tuple[Strand, Then]]] = {}
        self._tasks: dict[Future[Any], None] = {}
        self._done: list[Future[Any]] = []
        self._wake: Future[None] | None = None

    def add(self, strand: Strand, then: Then) -> None:
        """Runs a strand to its end when what it awaits is there; `then` is given its outcome."""
        future = strand.future
        if future is None:  # It gave way for one turn of the loop, as `asyncio.sleep(0)` does.
            future = self._loop.create_future()
            self._loop.call_soon(future.set_result, None)
        beside = self._strands.get(future)
        if beside is None:
            self._strands[future] = [(strand, then)]
            future.add_done_callback(self._on_done)
        else:
            beside.append((strand, then))

    def add_task(self, coroutine: Routine) -> None:
        """Runs a coroutine that needs a task, and fails as it fails."""
        task = self._loop.create_task(coroutine)
        self._tasks[task] = None
        task.add_done_callback(self._on_done)

    def _on_done(self, future: Future[Any]) -> None:
        self._done.append(future)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def finish(self) -> None:
        """Until all have come to their end. When one fails, the others have, before it is told."""
        try:
            while self._strands or self._tasks:
                if not self._done:
                    self._wake = self._loop.create_future()
                    await self._wake
                done, self._done = self._done, []
                for future in done:
                    self._continue(future)
        except CancelledError:
            await self._end(cancel_futures=True)
            raise
        except Exception:
            await self._end()
            raise

    def _continue(self, future: Future[Any]) -> None:
        if future in self._tasks:
            del self._tasks[future]
            future.result()
            return
        for strand, then in self._strands.pop(future, ()):
            self._step(strand, then)

    def _step(self, strand: Strand, then: Then) -> None:
        try:
            strand.step()
        except StopIteration as end:
            then(end.value, None)
        except Exception as error:
            then(None, error)
        else:
            self.add(strand, then)

    async def _end(self, cancel_futures: bool = False) -> None:
        """Cancels what still runs, and waits until it has ended.

        A future that a strand awaits may be awaited by others, too: it is cancelled only with everything.
        """
        for future, waiting in self._strands.items():
            for strand, _ in waiting:
                strand.close()
            if cancel_futures:
                future.cancel()
        self._strands.clear()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await gather(*self._tasks, return_exceptions=True)
            self._tasks.clear()
