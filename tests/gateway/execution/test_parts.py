"""Properties that tell of which parts they are made: read without being called, and never what another class has."""

import asyncio
from collections.abc import Callable
from enum import Enum
from itertools import count
from types import MethodType
from typing import Any

import pytest
import strawberry

from gateway.execution import Plans
from gateway.execution.for_strawberry import compiled_strawberry_executor
from tests.gateway.execution.differential import described, shown


class Told(property):
    """A property that tells of its parts, and counts how often it is called all the same."""

    def __init__(self, path: tuple[str, ...], show: Callable[[Any], Any] | None = None) -> None:
        self.parts = path, show
        self.calls = 0
        super().__init__(self._read)

    def _read(self, source: Any) -> Any:
        self.calls += 1
        for name in self.parts[0]:
            source = getattr(source, name)
        return source if self.parts[1] is None else self.parts[1](source)


class Message:
    def __init__(self, **values: Any) -> None:
        self.__dict__ = values


@strawberry.enum
class Kind(Enum):
    SMALL = 1
    LARGE = 2


def told(path: str, show: Callable[[Any], Any] | None = None) -> Any:
    field: Any = strawberry.field(default=Told(tuple(path.split(".")) if path else (), show))
    field.init = False
    return field


@strawberry.type
class Thing:
    message: strawberry.Private[Any]

    name: str = told("message.name")
    size: int = told("message.size")
    kind: Kind | None = told("message.kind", lambda number: Kind(number) if number else None)
    part: "Thing | None" = told("", lambda thing: thing.message.part)
    parts: list["Thing"] = told("message.parts")


class Louder(Thing):
    """A thing by another property of the same name."""

    name = property(lambda self: self.message.name.upper())


def thing(class_: type[Thing] = Thing, **values: Any) -> Thing:
    made = class_.__new__(class_)
    made.message = Message(**({"name": "a", "size": 1, "kind": 1, "part": None, "parts": []} | values))
    return made


async def answered(document: str, *things: Any, plans: Plans | None = None) -> Any:
    """The data, which with the errors are as by Strawberry; each document runs twice."""

    @strawberry.type
    class Query:
        @strawberry.field
        def things(self) -> list[Thing | None]:
            return [*things]

    usual, compiled = (
        strawberry.Schema(Query, execution_context_class=executor)
        for executor in (None, compiled_strawberry_executor(plans or Plans()))
    )
    expected = await usual.execute(document)
    for _ in range(2):
        actual = await compiled.execute(document)
        assert shown(actual.data) == shown(expected.data)
        assert [*map(described, actual.errors or ())] == [*map(described, expected.errors or ())]
    return actual.data


def calls(name: str) -> int:
    """How often a property of things was called."""
    descriptor = Thing.__dict__[name]
    assert isinstance(descriptor, Told)
    return descriptor.calls


async def test_a_property_that_tells_of_its_parts_is_not_called() -> None:
    things = [thing(name=str(number), part=thing(), parts=[thing(size=number)]) for number in range(5)]
    before = calls("name")
    found = await answered("{ things { name kind part { name } parts { size } } }", *things)
    assert found["things"][4] == {"name": "4", "kind": "SMALL", "part": {"name": "a"}, "parts": [{"size": 4}]}
    assert calls("name") - before == 10  # By Strawberry alone.


@pytest.mark.parametrize(
    "values",
    [{"name": 1}, {"name": None}, {"size": 2**40}, {"kind": 3}, {"kind": None}, {"part": ValueError("no")}],
)
async def test_values_that_do_not_fit_fail_as_they_would(values: dict[str, Any]) -> None:
    await answered("{ things { name size kind part { name } } }", thing(), thing(**values), thing())


async def test_a_message_that_lacks_something_fails_as_it_would() -> None:
    poor = thing()
    poor.message = Message(size=1)
    await answered("{ things { size name kind } }", thing(), poor)


async def test_a_class_with_a_property_of_its_own_is_read_by_that() -> None:
    found = await answered("{ things { name size } }", thing(), thing(Louder), thing())
    assert [one["name"] for one in found["things"]] == ["a", "A", "a"]


def asking(
    answers: list[asyncio.Future[Any]], show: Callable[[int], Any], many: int, recovered: list[str] | None = None
) -> tuple[Any, Any]:
    """Schemas, by Strawberry and by plans, of as many askers, who ask for one answer or another in turn.

    Where errors are `recovered` from, their words are noted.
    """

    async def resolve(self: Any, info: strawberry.Info) -> Thing | None:
        answer: Thing | None = show(self.number)(await answers[self.number % len(answers)])
        return answer

    def ask(self: Any, _context: Any) -> Any:
        return answers[self.number % len(answers)], show(self.number)

    def recover(_info: Any, error: Exception, show: Any) -> Any:
        if recovered is None:
            raise error
        recovered.append(str(error))
        return show({"name": "recovered"})

    resolve.asking = ask, recover  # type: ignore[attr-defined]

    @strawberry.type
    class Asker:
        number: strawberry.Private[int]
        thing = strawberry.field(resolver=resolve)

    @strawberry.type
    class Query:
        @strawberry.field
        def askers(self) -> list[Asker]:
            return [Asker(number=number) for number in range(many)]

    executors = None, compiled_strawberry_executor(Plans())
    usual, compiled = (strawberry.Schema(Query, execution_context_class=executor) for executor in executors)
    return usual, compiled


async def both(document: str, show: Callable[[int], Any], answers: list[Any], many: int = 6) -> Any:
    """The data, which with the errors are as by Strawberry."""
    loop = asyncio.get_running_loop()
    waiting = [loop.create_future() for _ in answers]
    usual, compiled = asking(waiting, show, many)
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(schema.execute(document)) for schema in (usual, compiled)]
        await asyncio.sleep(0)
        for future, answer in zip(waiting, answers, strict=True):
            future.set_result(answer)
    expected, actual = (task.result() for task in running)
    assert shown(actual.data) == shown(expected.data)
    assert [*map(described, actual.errors or ())] == [*map(described, expected.errors or ())]
    return actual.data


class Showing:
    """Shows things, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, number: int) -> Any:
        return MethodType(self._show, number % 2)

    def _show(self, parity: int, answer: Any) -> Any:
        self.times += 1
        return thing(name=f"{answer} {parity}", part=thing())


async def test_what_is_shown_otherwise_is_made_anew() -> None:
    showing = Showing()
    shows = [showing(0), showing(1)]
    found = await both("{ askers { thing { __typename name kind } } }", lambda n: shows[n % 2], ["x"])
    assert [one["thing"]["name"] for one in found["askers"]] == ["x 0", "x 1"] * 3
    assert showing.times == 6 + 6  # Strawberry's six, and those of plans.


async def test_what_is_shown_alike_of_one_answer_is_made_once() -> None:
    showing = Showing()
    show = showing(1)
    found = await both("{ askers { thing { name size } } }", lambda _: show, ["x", "y"])
    assert [one["thing"]["name"] for one in found["askers"]] == ["x 1", "y 1"] * 3
    assert len({id(one["thing"]) for one in found["askers"]}) == 6  # Each has an object of its own.
    assert showing.times == 6 + 2


@pytest.mark.parametrize(
    "document", ["{ askers { thing { name part { name } } } }", "{ askers { thing { parts { name } } } }"]
)
async def test_what_holds_more_than_leaves_is_made_each_time(document: str) -> None:
    showing = Showing()
    show = showing(1)
    await both(document, lambda _: show, ["x"])
    assert showing.times == 6 + 6


@pytest.mark.parametrize("values", [{"name": 1}, {"size": 2**40}, {"kind": None}, {"kind": 3}])
async def test_what_fails_or_is_null_is_made_each_time(values: dict[str, Any]) -> None:
    await both("{ askers { thing { name size kind } } }", lambda _: thing_of, [values])


def thing_of(values: dict[str, Any]) -> Thing:
    return thing(**values)


async def test_what_is_recovered_is_recovered_for_each() -> None:
    recovered: list[str] = []
    loop = asyncio.get_running_loop()
    answer = loop.create_future()
    _, compiled = asking([answer], lambda _: thing_of, 3, recovered)
    loop.call_soon(answer.set_exception, ValueError("late"))
    result = await compiled.execute("{ askers { thing { name } } }")
    assert result.errors is None
    assert [one["thing"]["name"] for one in result.data["askers"]] == ["recovered"] * 3
    assert recovered == ["late"] * 3


async def test_what_another_class_reads_is_made_each_time() -> None:
    numbers = count(1)

    class Counting(Thing):
        name = property(lambda self: f"read {next(numbers)}")

    def show(_answer: str) -> Thing:
        return thing(Counting)

    loop = asyncio.get_running_loop()
    answer = loop.create_future()
    _, compiled = asking([answer], lambda _: show, 3)
    loop.call_soon(answer.set_result, "x")
    result = await compiled.execute("{ askers { thing { name } } }")
    assert result.errors is None
    assert [one["thing"]["name"] for one in result.data["askers"]] == ["read 1", "read 2", "read 3"]
