"""Runs a document by graphql-core and by plans over the same world, and tells how the two differ."""

from __future__ import annotations

import asyncio
import gc
import re
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import ExecutionResult, GraphQLError, execute, parse
from graphql.execution.executor import Executor

from tests.gateway.execution.documents import Writer
from tests.gateway.execution.gates import Gates
from tests.gateway.execution.schemas import Made, make_schema
from tests.gateway.execution.worlds import Chance, Path

ADDRESS = re.compile(r"0x[0-9a-f]+")


@dataclass
class Outcome:
    """What came of one execution."""

    data: Any
    errors: list[str]
    calls: list[str]
    """Calls of resolvers whose objects are in the response, sorted."""
    left: list[str] = field(default_factory=list)
    """What was left behind: warnings, and what the loop was told."""


@dataclass(frozen=True)
class Case:
    """A document over a world, by their seeds."""

    made: Made
    seed: int
    document: str
    variables: dict[str, Any]
    faults: float
    waits: float
    races: bool
    """Whether some of what is awaited is there at once, so that the order of errors is nobody's promise."""


def cases(seed: int, documents: int, per_schema: int = 25) -> Any:
    """So many cases, the same for the same seed."""
    for start in range(0, documents, per_schema):
        random = Random(seed + start)
        made = make_schema(random)
        for number in range(start, min(start + per_schema, documents)):
            document, variables = Writer(random, made.schema).document()
            faults, waits = random.choice([0.0, 0.1, 0.3]), random.choice([0.0, 0.2, 0.5])
            yield Case(made, seed + number, document, variables, faults, waits, number % 4 == 3)


async def outcome(case: Case, executor_class: type[Executor[Any]] | None, collect: bool = False) -> Outcome:
    """Runs one case; collects its garbage where what it leaves behind is of interest."""
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        if collect:
            gc.collect()
            warned.clear()
        made = await _outcome(case, executor_class)
        if collect:
            gc.collect()
    asyncio.get_running_loop().set_exception_handler(None)
    made.left = [*told, *(str(one.message) for one in warned)]
    return made


async def _outcome(case: Case, executor_class: type[Executor[Any]] | None) -> Outcome:
    gates = Gates()
    world = case.made.stage.world = Chance(case.seed, case.made, gates, case.faults, case.waits, case.races)
    result = await _result(case, gates, executor_class)
    await _settled(gates)
    case.made.stage.world = None
    if isinstance(result, BaseException):
        return Outcome(repr(result), [], [])
    calls = sorted(f"{path} {shown}" for path, shown in world.calls if stands(path, result.data))
    errors = [described(error) for error in result.errors or ()]
    if case.races:
        errors = sorted({in_any_order(error, result.data) for error in result.errors or ()})
    return Outcome(result.data, errors, calls)


async def _result(case: Case, gates: Gates, executor_class: type[Executor[Any]] | None) -> Any:
    try:
        made = execute(
            case.made.schema,
            parse(case.document),
            Root(),
            variable_values=case.variables,
            executor_class=executor_class,
        )
        return made if isinstance(made, ExecutionResult) else await gates.run(made)
    except (Exception, asyncio.CancelledError) as error:
        return error


class Root:
    """What the root fields are read from: nothing is there."""

    def __repr__(self) -> str:
        return "<root>"


async def _settled(gates: Gates) -> None:
    """Waits for whatever still runs in the background."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await gates.run(asyncio.gather(*others, return_exceptions=True))
    for _ in range(5):  # Until nothing that has ended is held by a callback to come.
        await asyncio.sleep(0)


def described(error: GraphQLError) -> str:
    """All that is to be equal of an error."""
    original = type(error.original_error).__name__
    message = ADDRESS.sub("", error.message)
    return f"{message} {error.path} {error.locations} {error.extensions} {original}"


def in_any_order(error: GraphQLError, data: Any) -> str:
    """An error where it stands; of those that made a null above them, only that there is one."""
    place: list[Any] = []
    for key in error.path or ():
        if data is None:
            return f"something nulled {place}"
        try:
            data = data[key]
        except (TypeError, KeyError, IndexError):
            break
        place.append(key)
    return described(error)


def stands(path: Path, data: Any) -> bool:
    """Whether the object of a field is in the response: what runs below a null is nobody's business."""
    for key in path[:-1]:
        try:
            data = data[key]
        except (TypeError, KeyError, IndexError):
            return False
    return data is not None


def differences(expected: Outcome, actual: Outcome) -> list[str]:
    """How an outcome differs from what it should be; empty when it does not."""
    found = []
    if shown(expected.data) != shown(actual.data):
        found.append(f"data: {shown(expected.data)}\n      {shown(actual.data)}")
    if expected.errors != actual.errors:
        found.append("errors:\n  " + "\n  ".join(expected.errors) + "\nnot:\n  " + "\n  ".join(actual.errors))
    if expected.calls != actual.calls:
        missing = [call for call in expected.calls if call not in actual.calls]
        more = [call for call in actual.calls if call not in expected.calls]
        found.append(f"calls: missing {missing}, more {more}, {len(expected.calls)} and {len(actual.calls)}")
    return found


def shown(data: Any) -> str:
    """Data with everything that counts: order of keys, types of values."""
    if isinstance(data, dict):
        return "{" + ", ".join(f"{key!r}: {shown(value)}" for key, value in data.items()) + "}"
    if isinstance(data, list):
        return "[" + ", ".join(map(shown, data)) + "]"
    return ADDRESS.sub("", f"{type(data).__name__}:{data!r}")


async def compare(case: Case, executor_class: type[Executor[Any]]) -> list[str]:
    """How plans differ from graphql-core in one case: first when the plan is made, then when it is there."""
    expected = await outcome(case, None)
    for _ in range(2):
        actual = await outcome(case, executor_class)
        found = differences(expected, actual)
        if actual.left:
            found += await left_behind(case, executor_class)
        if found:
            return found
    return []


async def left_behind(case: Case, executor_class: type[Executor[Any]]) -> list[str]:
    """What an execution leaves behind that graphql-core does not, and that no other left to be found only now."""
    if (await outcome(case, None, collect=True)).left:
        return []
    left = (await outcome(case, executor_class, collect=True)).left
    return [f"left: {left}"] if left else []


Check = Callable[[Case], Awaitable[list[str]]]
