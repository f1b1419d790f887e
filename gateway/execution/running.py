"""One execution of a plan: fills the response in place, and awaits what stands in it until nothing is awaited."""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Callable, Iterator
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, GraphQLResolveInfo, located_error
from graphql.execution.execute import assume_not_async_iterable, assume_not_awaitable
from graphql.execution.executor import collect_iterator_awaitables
from graphql.pyutils import is_async_iterable

from .branches import Branch, Waiting, branches_of, nullable_around
from .dialect import Show
from .fields import Complete, FieldPlan
from .frames import Frame, Place, field_of, is_within, path_of, place_of
from .repeats import Repeats
from .together import Question, Questions, future_of, note_failure, together, wait_for

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

    __slots__ = (
        "_asked",
        "_driven",
        "_noted",
        "asks",
        "context",
        "data",
        "errors",
        "executor",
        "is_awaitable",
        "may_stream_lists",
        "variables",
    )

    def __init__(self, executor: CompiledExecution) -> None:
        self.executor = executor
        self.context = executor.context_value
        self.variables = executor.variable_values
        self.errors = executor.collected_errors
        self.is_awaitable = executor.is_awaitable
        self.may_stream_lists = executor.is_async_iterable not in _KNOWN
        self.data: dict[str, Any] | None = {}
        self._noted: list[Waiting] = []
        self._asked: list[Question] = []
        self._driven: list[Questions] = []
        self.asks = self.is_awaitable is not assume_not_awaitable and is_loop_running()
        """Whether fields may ask in parts, without a coroutine."""

    def run(self, run: Run) -> Any:
        """The result of an operation whose root fields go together, or an awaitable of it."""
        self._run_root(run)
        return self._finish() if self._noted or self._asked else self.executor.build_response(self.data)

    def run_serially(self, runs: list[Run]) -> Any:
        """The result of root fields one after another, each with everything below it, or an awaitable of it."""
        for number, run in enumerate(runs, start=1):
            self._run_root(run)
            if self._noted or self._asked:
                return self._finish(runs[number:])
            if self.data is None:
                break
        return self.executor.build_response(self.data)

    def _run_root(self, run: Run) -> None:
        try:
            self.data = run(self, self.executor.root_value, None, self.data)
        except GraphQLError as error:
            self._null_everything(error)
            self._abandon(0, 0)
        except BaseException:
            discard(self._noted_since(0))
            drop(self._asked_since(0))
            raise

    async def _finish(self, runs: list[Run] = []) -> Any:  # noqa: B006 - only read
        self.asks = True
        await self._settle()
        for run in runs:
            if self.data is None:
                break
            self._run_root(run)
            await self._settle()
        return self.executor.build_response(self.data)

    async def _settle(self) -> None:
        """Awaits what is noted and asked, and everything that comes of it."""
        try:
            await self._rest(self._noted_since(0), self._asked_since(0), None)
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

    def ask(self, field: FieldPlan, asked: tuple[Any, Callable[[Any], Any]] | None, place: Frame) -> Any:
        """Shows what was asked if it is there; notes the question otherwise."""
        if asked is None:
            return self._finished(field, None, place)
        awaited, show = asked
        future = future_of(awaited)
        if future is None:
            return self._told(field, awaited, show, place)
        self._asked.append((future, awaited, field, show, place))
        return PENDING

    def _told(
        self,
        field: FieldPlan,
        awaited: Any,
        show: Callable[[Any], Any],
        place: Frame,
        repeats: Repeats | None = None,
    ) -> Any:
        try:
            value = show(awaited.result())
        except Exception as error:
            return self.recover(error, show, field, place)
        try:
            run = field.runs.get(type(value))
            if run is not None and (field.cast is None or getattr(value, field.cast, None) is None):
                made = run(self, value, place, {})
            else:
                made = field.complete(self, value, place)
        except Exception as error:
            return self.fail(error, field, place)
        if repeats is not None:
            repeats.keep(field, awaited, show, made)
        return made

    def recover(self, error: Exception, show: Show | None, field: FieldPlan, place: Frame) -> Any:
        """What a field that asks answers in spite of an error; null, or the located error, where it does not."""
        try:
            value = field.recovered(self, error, show, place)
        except Exception as raised:
            return self.fail(raised, field, place)
        return self._finished(field, value, place)

    def _finished(self, field: FieldPlan, value: Any, place: Frame) -> Any:
        try:
            return field.finish(self, value, place)
        except Exception as error:
            return self.fail(error, field, place)

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
        if self._noted or self._asked:
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

    async def _rest(self, noted: list[Waiting], asked: list[Question], around: Frame | None) -> None:
        """Awaits what stands within a frame. Raises the error of what makes null propagate beyond it."""
        branches = branches_of(noted, around) if noted else []
        if asked:
            await self._driving(asked, branches, around)
        elif branches:
            await self._all(branches)

    async def _all(self, branches: list[Branch]) -> None:
        """Awaits branches of the response beside each other. Raises the error of one whose null must propagate."""
        if len(branches) == 1:
            await self._branch(branches[0])
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

    async def _driving(self, asked: list[Question], branches: list[Branch], around: Frame | None) -> None:
        """Goes on with each question as soon as it is answered, beside branches."""
        questions = Questions(partial(self._go_on, around))
        self._driven.append(questions)
        try:
            questions.add(asked)
            for branch in branches:
                questions.add_task(self._branch(branch))
            await questions.finish()
        finally:
            self._driven.remove(questions)

    def _go_on(self, around: Frame | None, questions: Questions, answered: list[Question]) -> None:
        """Puts what was asked in its place. Raises the error that makes null propagate beyond a frame."""
        noted, asked = len(self._noted), len(self._asked)
        repeats, nulled = Repeats(), set[Place]()
        for _, awaited, field, show, place in answered:
            try:
                made = repeats.again(field, awaited, show)
                place[3][place[1]] = self._told(field, awaited, show, place, repeats) if made is None else made
            except GraphQLError as error:
                self._abandon_below(place)
                nearest = nullable_around(place, around)
                if nearest is None:
                    self._abandon(noted, asked)
                    raise
                self._null(error, nearest)
                nulled.add(place_of(nearest))
        self._forget(nulled)
        if len(self._asked) > asked:
            questions.add(self._asked_since(asked))
        if len(self._noted) > noted:
            for branch in branches_of(self._noted_since(noted), around):
                questions.add_task(self._branch(branch))

    async def _value(self, waiting: Waiting) -> None:
        """Awaits a value, puts it in its place, and awaits what is to be awaited of it."""
        try:
            value = await waiting.awaitable
            noted, asked = self._complete(waiting, value)
            if noted or asked:
                await self._rest(noted, asked, waiting.place)
        except Exception as error:
            self._fail_value(waiting, error)

    def _fail_value(self, waiting: Waiting, error: Exception) -> None:
        """Puts null in the place of a value where null may stand; raises the located error where not."""
        path = path_of(waiting.place)
        located = located_error(error, waiting.field.nodes(), path.as_list())
        if waiting.place[4]:
            raise located
        self._put_null(located, waiting.place)

    def _complete(self, waiting: Waiting, value: Any) -> tuple[list[Waiting], list[Question]]:
        """Puts a value in its place; what of it is to be awaited."""
        place, noted, asked = waiting.place, len(self._noted), len(self._asked)
        try:
            place[3][place[1]] = waiting.complete(self, value, place)
        except Exception:
            self._abandon(noted, asked)
            raise
        except BaseException:
            discard(self._noted_since(noted))
            drop(self._asked_since(asked))
            raise
        return self._noted_since(noted), self._asked_since(asked)

    def _put_null(self, error: GraphQLError, place: Frame) -> None:
        self._null(error, place)
        self._forget({place_of(place)})

    def _null(self, error: GraphQLError, place: Frame) -> None:
        self.errors.add(error, path_of(place))
        place[3][place[1]] = None

    def _forget(self, nulled: set[Place]) -> None:
        """Nobody waits any more for what was asked below places."""
        if nulled:
            for questions in self._driven:
                questions.forget(nulled)

    def _noted_since(self, number: int) -> list[Waiting]:
        """Takes back what was noted after the first so many."""
        taken = self._noted[number:]
        del self._noted[number:]
        return taken

    def _asked_since(self, number: int) -> list[Question]:
        """Takes back what was asked after the first so many."""
        taken = self._asked[number:]
        del self._asked[number:]
        return taken

    def _abandon_below(self, place: Frame) -> None:
        """What was noted below a place that failed at once comes to its end, but nobody waits for it."""
        noted, asked, nulled = len(self._noted), len(self._asked), (place_of(place),)
        while noted and is_within(self._noted[noted - 1].place, nulled):
            noted -= 1
        while asked and is_within(self._asked[asked - 1][4], nulled):
            asked -= 1
        self._abandon(noted, asked)

    def _abandon(self, noted: int, asked: int) -> None:
        """Nobody waits for what was noted after the first so many, nor for what was asked."""
        self._background(self._noted_since(noted))
        drop(self._asked_since(asked))

    def _background(self, waitings: list[Waiting]) -> None:
        """Lets abandoned values continue as they would have, with everything that comes of them."""
        if waitings and is_loop_running():
            self.executor.settle_in_background([self._value(waiting) for waiting in waitings])
        else:
            discard(waitings)


def discard(waitings: list[Waiting]) -> None:
    """Ends what was not started yet."""
    for waiting in waitings:
        if isinstance(waiting.awaitable, CoroutineType):
            waiting.awaitable.close()
        elif isinstance(waiting.awaitable, Future):
            waiting.awaitable.cancel()


def drop(questions: list[Question]) -> None:
    """Leaves alone what was asked: others may await the same."""
    for future, *_ in questions:
        if isinstance(future, Future):
            future.add_done_callback(note_failure)
        elif isinstance(future, CoroutineType):
            future.close()


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
