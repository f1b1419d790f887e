"""One execution of a plan: fills the response in place, and awaits what stands in it until nothing is awaited."""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Callable, Iterator
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLResolveInfo, located_error
from graphql.execution.execute import assume_not_async_iterable, assume_not_awaitable
from graphql.execution.executor import collect_iterator_awaitables
from graphql.pyutils import is_async_iterable

from .branches import Branch, Waiting, branches_of
from .fields import Complete, FieldPlan
from .frames import Frame, field_of, is_within, path_of
from .together import Strand, Strands, together

if TYPE_CHECKING:
    from .executor import CompiledExecution

_KNOWN = (is_async_iterable, assume_not_async_iterable)
PENDING: Any = object()
"""Stands in the response where a value is still awaited."""
Run = Callable[..., Any]
"""A compiled selection set: `run(execution, source, frame, out) -> out`."""


class Execution:
    """What the plan's functions work on.

    They fill the response as they go, and what must be awaited is noted with its place. When they are through, it is
    awaited in the shape of the response, as graphql-core does: what stands beside each other in tasks of their own,
    what stands alone in the task of what is around it. So errors come in the same order, and null takes with it the
    same.
    """

    __slots__ = ("_noted", "data", "errors", "executor", "is_awaitable", "may_stream_lists", "takes_steps", "variables")

    def __init__(self, executor: CompiledExecution) -> None:
        self.executor = executor
        self.variables = executor.variable_values
        self.errors = executor.collected_errors
        self.is_awaitable = executor.is_awaitable
        self.may_stream_lists = executor.is_async_iterable not in _KNOWN
        self.data: dict[str, Any] | None = {}
        self._noted: list[Waiting] = []
        self.takes_steps = self.is_awaitable is not assume_not_awaitable and is_loop_running()
        """Whether coroutines that need no task may be run at once."""

    def run(self, run: Run) -> Any:
        """The result of an operation whose root fields go together, or an awaitable of it."""
        self._run_root(run)
        return self._finish() if self._noted else self.executor.build_response(self.data)

    def run_serially(self, runs: list[Run]) -> Any:
        """The result of root fields one after another, each with everything below it, or an awaitable of it."""
        for number, run in enumerate(runs, start=1):
            self._run_root(run)
            if self._noted:
                return self._finish(runs[number:])
            if self.data is None:
                break
        return self.executor.build_response(self.data)

    def _run_root(self, run: Run) -> None:
        try:
            self.data = run(self, self.executor.root_value, None, self.data)
        except GraphQLError as error:
            self._null_everything(error)
            self._background(self._noted_since(0))
        except BaseException:
            discard(self._noted_since(0))
            raise

    async def _finish(self, runs: list[Run] = []) -> Any:  # noqa: B006 - only read
        self.takes_steps = True
        await self._settle()
        for run in runs:
            if self.data is None:
                break
            self._run_root(run)
            await self._settle()
        return self.executor.build_response(self.data)

    async def _settle(self) -> None:
        """Awaits what is noted, and everything that comes of it."""
        if not self._noted:
            return
        try:
            await self._all(branches_of(self._noted_since(0), None))
        except GraphQLError as error:
            self._null_everything(error)

    def _null_everything(self, error: GraphQLError) -> None:
        self.data = None
        self.errors.add(error, None)

    # What the plan's functions call.

    def wait(self, field: FieldPlan, awaitable: Any, place: Frame, complete: Complete) -> Any:
        """Notes that a value is awaited; what stands in its place until then."""
        self._noted.append(Waiting(field, awaitable, place, complete))
        return PENDING

    def step(self, field: FieldPlan, coroutine: Any, place: Frame) -> Any:
        """Runs a coroutine that needs no task of its own as far as it gets; its completed value, if that is the end."""
        try:
            future = coroutine.send(None)
        except StopIteration as end:
            value = end.value
        else:
            self._noted.append(Waiting(field, Strand(coroutine, future), place, field.finish, needs_no_task=True))
            return PENDING
        return field.finish(self, value, place)

    def info(self, field: FieldPlan, place: Frame) -> GraphQLResolveInfo[Any]:
        """What a resolver of the field is told, or a type resolver of its value or of an item of its list."""
        path = path_of(field_of(place))
        return self.executor.build_resolve_info(field.definition, field.nodes(), field.parent, path)

    def fail(self, error: Exception, field: FieldPlan, place: Frame) -> Any:
        """Null, with the error collected, where null may stand; raises the located error where not."""
        path = path_of(place)
        located = located_error(error, field.nodes(), path.as_list())
        if place[4]:
            raise located
        self.errors.add(located, path)
        if self._noted:
            self._abandon_below(place)
        return None

    def interpret(self, awaitable_or_value: Any, field: FieldPlan, place: Frame) -> Any:
        """Takes over what graphql-core made of a value at a place."""
        if self.is_awaitable(awaitable_or_value):
            return self.wait(field, awaitable_or_value, place, as_it_is)
        return awaitable_or_value

    def drain(self, items: Iterator[Any]) -> None:
        """Lets what a list that failed midway still holds come to its end, unobserved."""
        if awaitables := collect_iterator_awaitables(items, self.is_awaitable):
            self.executor.settle_in_background([wait_for(one) for one in awaitables])

    # Awaiting.

    async def _all(self, branches: list[Branch]) -> None:
        """Awaits branches of the response beside each other. Raises the error of one whose null must propagate."""
        if len(branches) == 1:
            await self._branch(branches[0])
        elif any(branch.needs_no_task for branch in branches):
            await self._strands(branches)
        else:
            await together([self._branch(branch) for branch in branches])

    async def _branch(self, branch: Branch) -> None:
        """Awaits all of a branch; puts null where it may stand, nearest to an error."""
        try:
            if branch.waiting is None:
                await self._all(branch.parts)
            else:
                await self._value(branch.waiting)
        except GraphQLError as error:
            if branch.nullable is None:
                raise
            self._put_null(error, branch.nullable)

    async def _strands(self, branches: list[Branch]) -> None:
        strands = Strands()
        for branch in branches:
            if branch.waiting is not None and branch.needs_no_task:
                strands.add(branch.waiting.awaitable, self._continuation(branch, strands))
            else:
                strands.add_task(self._branch(branch))
        await strands.finish()

    def _continuation(self, branch: Branch, strands: Strands) -> Callable[[Any, Exception | None], None]:
        """What becomes of the outcome of a value that needed no task; what is to be awaited of it, gets one."""
        waiting = branch.waiting
        assert waiting is not None

        def then(value: Any, error: Exception | None) -> None:
            try:
                if error is None:
                    if parts := self._complete(waiting, value):
                        strands.add_task(self._within(branch, parts))
                    return
            except Exception as raised:
                error = raised
            self._fail(branch, waiting, error)

        return then

    async def _within(self, branch: Branch, parts: list[Branch]) -> None:
        """Awaits the parts of a value that is in its place already."""
        assert branch.waiting is not None
        try:
            await self._all(parts)
        except Exception as error:
            self._fail(branch, branch.waiting, error)

    def _fail(self, branch: Branch, waiting: Waiting, error: Exception) -> None:
        try:
            self._fail_value(waiting, error)
        except GraphQLError as located:
            if branch.nullable is None:
                raise
            self._put_null(located, branch.nullable)

    async def _value(self, waiting: Waiting) -> None:
        """Awaits a value, puts it in its place, and awaits what is to be awaited of it."""
        try:
            value = await waiting.awaitable
            if parts := self._complete(waiting, value):
                await self._all(parts)
        except Exception as error:
            self._fail_value(waiting, error)

    def _fail_value(self, waiting: Waiting, error: Exception) -> None:
        """Puts null in the place of a value where null may stand; raises the located error where not."""
        path = path_of(waiting.place)
        located = located_error(error, waiting.field.nodes(), path.as_list())
        if waiting.place[4]:
            raise located
        self._put_null(located, waiting.place)

    def _complete(self, waiting: Waiting, value: Any) -> list[Branch]:
        """Puts a value in its place; what of it is to be awaited."""
        place, noted_before = waiting.place, len(self._noted)
        try:
            place[3][place[1]] = waiting.complete(self, value, place)
        except Exception:
            self._background(self._noted_since(noted_before))
            raise
        except BaseException:
            discard(self._noted_since(noted_before))
            raise
        noted = self._noted_since(noted_before)
        return branches_of(noted, place) if noted else []

    def _put_null(self, error: GraphQLError, place: Frame) -> None:
        self.errors.add(error, path_of(place))
        place[3][place[1]] = None

    def _noted_since(self, number: int) -> list[Waiting]:
        """Takes back what was noted after the first so many."""
        taken = self._noted[number:]
        del self._noted[number:]
        return taken

    def _abandon_below(self, place: Frame) -> None:
        """What was noted below a place that failed at once comes to its end, but nobody waits for it."""
        kept, nulled = len(self._noted), (id(place[3]), place[1])
        while kept and is_within(self._noted[kept - 1].place, nulled):
            kept -= 1
        self._background(self._noted_since(kept))

    def _background(self, waitings: list[Waiting]) -> None:
        """Lets abandoned values continue as they would have, with everything that comes of them."""
        if waitings and is_loop_running():
            self.executor.settle_in_background([self._value(waiting) for waiting in waitings])
        else:
            discard(waitings)


async def wait_for(awaitable: Awaitable[Any]) -> Any:
    """Awaits whatever can be awaited in an `await` expression, and fails as that fails."""
    return await awaitable


def discard(waitings: list[Waiting]) -> None:
    """Ends what was not started yet."""
    for waiting in waitings:
        if isinstance(waiting.awaitable, (CoroutineType, Strand)):
            waiting.awaitable.close()
        elif isinstance(waiting.awaitable, Future):
            waiting.awaitable.cancel()


def is_loop_running() -> bool:
    """Whether there is an event loop that could run something."""
    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True


def as_it_is(_execution: Execution, value: Any, _place: Frame) -> Any:
    """Completes what is complete."""
    return value
