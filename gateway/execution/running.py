"""One execution of a plan: fills the response in place, and awaits what stands in it until nothing is awaited."""

from __future__ import annotations

from asyncio import AbstractEventLoop, CancelledError, Future, gather, get_running_loop
from collections.abc import Awaitable, Callable, Iterator
from contextvars import Context, copy_context
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLResolveInfo, located_error
from graphql.execution.executor import collect_iterator_awaitables

from .fields import Complete, FieldPlan
from .frames import Frame, Place, depth_of, field_of, is_within, nullable_place, path_of

if TYPE_CHECKING:
    from .executor import CompiledExecution

PENDING: Any = object()
"""Stands in the response where a value is still awaited."""
Run = Callable[..., Any]
"""A compiled selection set: `run(execution, source, frame, out) -> out`."""


class Waiting:
    """A value that is awaited, and what to do with it."""

    __slots__ = ("awaitable", "complete", "context", "field", "place")

    def __init__(
        self, field: FieldPlan, awaitable: Any, place: Frame, complete: Complete, context: Context | None
    ) -> None:
        self.field = field
        self.awaitable = awaitable
        self.place = place
        self.complete = complete
        self.context = context
        """The context variables of what it came from; `None` for those of the operation."""


class Execution:
    """What the plan's functions work on.

    They fill the response as they go. What must be awaited is noted with its place; when they are through, everything
    noted is awaited together, and each value continues in its place as soon as it is there.
    """

    __slots__ = (
        "_cancelled",
        "_context",
        "_doomed",
        "_fresh",
        "_ready",
        "_started",
        "_wake",
        "data",
        "errors",
        "executor",
        "is_awaitable",
        "variables",
    )

    def __init__(self, executor: CompiledExecution) -> None:
        self.executor = executor
        self.variables = executor.variable_values
        self.errors = executor.collected_errors
        self.is_awaitable = executor.is_awaitable
        self.data: dict[str, Any] | None = {}
        self._fresh: list[Waiting] = []
        self._started: dict[Future[Any], list[Waiting]] = {}
        self._ready: list[Future[Any]] = []
        self._cancelled: list[Future[Any]] = []
        self._doomed: list[tuple[GraphQLError, Frame | None]] = []
        self._wake: Future[None] | None = None
        self._context: Context | None = None

    def run(self, run: Run) -> Any:
        """The result of an operation whose root fields go together, or an awaitable of it."""
        self._run_root(run)
        return self._finish() if self._fresh else self.executor.build_response(self.data)

    def run_serially(self, runs: list[Run]) -> Any:
        """The result of root fields one after another, each with everything below it, or an awaitable of it."""
        for number, run in enumerate(runs, start=1):
            self._run_root(run)
            if self._fresh:
                return self._run_rest(runs[number:])
            if self.data is None:
                break
        return self.executor.build_response(self.data)

    async def _finish(self) -> Any:
        await self._settle()
        return self.executor.build_response(self.data)

    async def _run_rest(self, runs: list[Run]) -> Any:
        await self._settle()
        for run in runs:
            if self.data is None:
                break
            self._run_root(run)
            await self._settle()
        return self.executor.build_response(self.data)

    def _run_root(self, run: Run) -> None:
        try:
            self.data = run(self, self.executor.root_value, None, self.data)
        except GraphQLError as error:
            self._null_everything(error)
            self._background(self._noted_since(0))
        except BaseException:
            self._discard(self._noted_since(0))
            raise

    # What the plan's functions call.

    def wait(self, field: FieldPlan, awaitable: Any, place: Frame, complete: Complete) -> Any:
        """Notes that a value is awaited; what stands in its place until then."""
        self._fresh.append(Waiting(field, awaitable, place, complete, self._context))
        return PENDING

    def info(self, field: FieldPlan, place: Frame) -> GraphQLResolveInfo:
        """What a resolver of the field is told, or a type resolver of its value or of an item of its list."""
        path = path_of(field_of(place))
        return self.executor.build_resolve_info(field.definition, field.nodes(), field.parent, path)

    def fail(self, error: Exception, field: FieldPlan, place: Frame) -> None:
        """Collects the error where null may stand; raises it, located, where not."""
        path = path_of(place)
        located = located_error(error, field.nodes(), path.as_list())
        if place[4]:
            raise located
        self.errors.add(located, path)
        self._abandon_below(place)

    def interpret(self, awaitable_or_value: Any, field: FieldPlan, place: Frame) -> Any:
        """Takes over what graphql-core made of a value at a place."""
        if self.is_awaitable(awaitable_or_value):
            return self.wait(field, awaitable_or_value, place, as_it_is)
        return awaitable_or_value

    def drain(self, items: Iterator[Any]) -> None:
        """Lets what a list that failed midway still holds come to its end, unobserved."""
        if awaitables := collect_iterator_awaitables(items, self.is_awaitable):
            self._settle_in_background(awaitables)

    # Awaiting.

    async def _settle(self) -> None:
        """Awaits everything, and everything that comes of it."""
        loop = get_running_loop()
        try:
            while self._fresh or self._started:
                if len(self._fresh) == 1 and not self._started and self._fresh[0].context is None:
                    await self._await_one(self._fresh.pop())
                else:
                    await self._await_some(loop)
                if self._doomed:
                    self._propagate()
        except BaseException:
            await self._cancel_all()
            raise
        if self._cancelled:
            await gather(*self._cancelled, return_exceptions=True)
            self._cancelled = []

    async def _await_one(self, waiting: Waiting) -> None:
        """With nothing beside it, a value needs no task of its own."""
        try:
            value = await waiting.awaitable
        except Exception as error:
            self._fail_late(waiting, error)
        else:
            self._complete(waiting, value)

    async def _await_some(self, loop: AbstractEventLoop) -> None:
        """Starts what is fresh, then continues whatever is there."""
        for waiting in distinct(self._noted_since(0)):
            self._start(waiting, loop)
        if not self._ready:
            self._wake = loop.create_future()
            await self._wake
        ready, self._ready = self._ready, []
        for future in ready:
            for waiting in self._started.pop(future, ()):
                self._take(future, waiting)

    def _start(self, waiting: Waiting, loop: AbstractEventLoop) -> None:
        future = self._future(waiting, loop)
        beside = self._started.get(future)
        if beside is not None:
            beside.append(waiting)
            return
        self._started[future] = [waiting]
        future.add_done_callback(self._on_done)

    def _future(self, waiting: Waiting, loop: AbstractEventLoop) -> Future[Any]:
        """The value as a future: a task, unless it is a future of this loop. `_settle` is the parent of the tasks."""
        awaitable = waiting.awaitable
        if isinstance(awaitable, Future) and awaitable.get_loop() is loop:
            return awaitable
        if type(awaitable) is not CoroutineType or awaitable.cr_suspended or awaitable.cr_running:
            awaitable = wait_for(awaitable)
        if loop.get_task_factory() is not None:
            return loop.create_task(awaitable)
        waiting.context = waiting.context.copy() if waiting.context is not None else copy_context()
        return loop.create_task(awaitable, context=waiting.context)

    def _on_done(self, future: Future[Any]) -> None:
        self._ready.append(future)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _take(self, future: Future[Any], waiting: Waiting) -> None:
        """Continues with the outcome of a future, among the context variables that it may have set."""
        if future.cancelled():
            raise CancelledError
        error = future.exception()
        if error is not None and not isinstance(error, Exception):
            raise error
        if waiting.context is None:
            self._conclude(waiting, future, error)
            return
        self._context = waiting.context
        try:
            waiting.context.run(self._conclude, waiting, future, error)
        finally:
            self._context = None

    def _conclude(self, waiting: Waiting, future: Future[Any], error: Exception | None) -> None:
        if error is None:
            self._complete(waiting, future.result())
        else:
            self._fail_late(waiting, error)

    def _complete(self, waiting: Waiting, value: Any) -> None:
        place = waiting.place
        noted_before = len(self._fresh)
        try:
            place[3][place[1]] = waiting.complete(self, value, place)
        except Exception as error:
            self._background(self._noted_since(noted_before))
            self._fail_late(waiting, error)

    # Null, and what it takes with it.

    def _fail_late(self, waiting: Waiting, error: Exception) -> None:
        """Collects the error of an awaited value where null may stand; where not, null is to propagate."""
        place = waiting.place
        path = path_of(place)
        located = located_error(error, waiting.field.nodes(), path.as_list())
        if place[4]:
            self._doomed.append((located, nullable_place(place[0])))
            return
        self.errors.add(located, path)
        place[3][place[1]] = None

    def _propagate(self) -> None:
        """Nulls the nearest places that may be null, and cancels what is awaited below them.

        This waits until all that came together has continued, because graphql-core, too, hears of the errors beside
        one that propagates if they come in the same turn of the loop; there, the deeper null is there earlier.
        """
        doomed, self._doomed = self._doomed, []
        doomed.sort(key=lambda one: -depth_of(one[1]))
        nulled: set[Place] = set()
        for error, place in doomed:
            if place is None:
                self._null_everything(error)
                continue
            self.errors.add(error, path_of(place))
            place[3][place[1]] = None
            nulled.add((id(place[3]), place[1]))
        self._cancel_below(nulled)

    def _null_everything(self, error: GraphQLError) -> None:
        self.data = None
        self.errors.add(error, None)

    def _cancel_below(self, nulled: set[Place]) -> None:
        fresh = self._fresh
        self._fresh = [one for one in fresh if not self._is_nulled(one, nulled)]
        if len(self._fresh) < len(fresh):
            self._discard([one for one in fresh if self._is_nulled(one, nulled)])
        for future, waitings in list(self._started.items()):
            waitings[:] = [one for one in waitings if not self._is_nulled(one, nulled)]
            if not waitings:
                del self._started[future]
                future.cancel()
                self._cancelled.append(future)

    def _is_nulled(self, waiting: Waiting, nulled: set[Place]) -> bool:
        return self.data is None or is_within(waiting.place, nulled)

    def _abandon_below(self, place: Frame) -> None:
        """What was noted below a place that failed at once comes to its end, but nobody waits for it."""
        kept, nulled = len(self._fresh), {(id(place[3]), place[1])}
        while kept and is_within(self._fresh[kept - 1].place, nulled):
            kept -= 1
        self._background(self._noted_since(kept))

    def _noted_since(self, number: int) -> list[Waiting]:
        """Takes back what was noted after the first so many."""
        taken = self._fresh[number:]
        del self._fresh[number:]
        return taken

    def _background(self, waitings: list[Waiting]) -> None:
        if waitings:
            self._settle_in_background([waiting.awaitable for waiting in waitings])

    def _settle_in_background(self, awaitables: list[Awaitable[Any]]) -> None:
        self.executor.settle_in_background([one if is_startable(one) else wait_for(one) for one in awaitables])

    def _discard(self, waitings: list[Waiting]) -> None:
        """Ends what was not started yet."""
        for waiting in waitings:
            if isinstance(waiting.awaitable, CoroutineType):
                waiting.awaitable.close()
            elif isinstance(waiting.awaitable, Future):
                waiting.awaitable.cancel()

    async def _cancel_all(self) -> None:
        """Ends everything, and waits until it has ended."""
        self._discard(self._noted_since(0))
        futures = [*self._started, *self._cancelled]
        for future in futures:
            future.cancel()
        if futures:
            await gather(*futures, return_exceptions=True)


async def wait_for(awaitable: Awaitable[Any]) -> Any:
    """Awaits whatever can be awaited in an `await` expression, and fails as that fails."""
    return await awaitable


def distinct(waitings: list[Waiting]) -> list[Waiting]:
    """The same, where a coroutine that several places were given fails in all but the first, as Python has it."""
    if len({id(one.awaitable) for one in waitings}) == len(waitings):
        return waitings
    seen: set[int] = set()
    for one in waitings:
        if id(one.awaitable) in seen and isinstance(one.awaitable, CoroutineType):
            one.awaitable = wait_for(one.awaitable)
        seen.add(id(one.awaitable))
    return waitings


def is_startable(awaitable: Any) -> bool:
    """Whether asyncio takes it as it is."""
    return isinstance(awaitable, (CoroutineType, Future))


def as_it_is(_execution: Execution, value: Any, _place: Frame) -> Any:
    """Completes what is complete."""
    return value
