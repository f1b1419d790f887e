"""Functions to be imported in place of graphql-core's: they take the same, answer the same, and run plans."""

from collections.abc import AsyncIterator, Callable
from inspect import isawaitable, signature
from typing import Any

import graphql as core
import pytest
from graphql import ExecutionResult, build_schema, parse
from graphql.execution.executor import Executor

from gateway import execution
from gateway.execution import CompiledExecution, CompiledExecutor, Plans, compiled_executor

NAMES = ["execute", "execute_sync", "experimental_execute_incrementally", "graphql", "graphql_sync"]
SCHEMA = build_schema(
    """
    directive @defer(label: String, if: Boolean! = true) on FRAGMENT_SPREAD | INLINE_FRAGMENT
    type Query { a: String, must: Int! }
    type Subscription { ticks: Tick }
    type Tick { number: Int }
    """
)
PLAIN = build_schema("type Query { a: String, must: Int! }")
ROOT = {"a": "A", "must": "no number"}


@pytest.fixture
def plans() -> Any:
    """What the functions' own executor counts from here on."""
    return Counts()


class Counts:
    def __init__(self) -> None:
        self._plans = CompiledExecution.plans
        self._before = (self._plans.compiled, self._plans.hits)

    def new(self) -> tuple[int, int]:
        """How many plans were made and used again since."""
        return (self._plans.compiled - self._before[0], self._plans.hits - self._before[1])


def source(name: str, document: str) -> Any:
    return document if name.startswith("graphql") else parse(document)


async def answered(made: Any) -> ExecutionResult:
    result = await made if isawaitable(made) else made
    assert isinstance(result, ExecutionResult)
    return result


@pytest.mark.parametrize("name", [*NAMES, "subscribe"])
def test_they_take_what_graphql_core_takes(name: str) -> None:
    assert signature(getattr(execution, name)) == signature(getattr(core, name))
    assert getattr(execution, name).__name__ == name


@pytest.mark.parametrize("name", NAMES)
async def test_they_answer_what_graphql_core_answers(name: str, plans: Counts) -> None:
    for number, document in enumerate(["{ a }", "{ a must }", "query ($a: Int!) { a }", "query A { a } query B { a }"]):
        given = PLAIN, source(name, f"{document} # {name} {number}"), ROOT
        expected = await answered(getattr(core, name)(*given))
        for _ in range(2):
            assert await answered(getattr(execution, name)(*given)) == expected
    assert plans.new() == (2, 2)


@pytest.mark.parametrize("name", NAMES)
async def test_an_executor_class_of_the_caller_is_obeyed(name: str, plans: Counts) -> None:
    function: Callable[..., Any] = getattr(execution, name)
    place = [*signature(function).parameters].index("executor_class")
    own = Plans()
    given = [PLAIN, source(name, "{ a } # own"), {"a": "A"}]
    positional: list[Any] = [
        *given,
        *[parameter.default for parameter in [*signature(function).parameters.values()][3:place]],
    ]
    for executor_class in (Executor, compiled_executor(own)):
        assert (await answered(function(*given, executor_class=executor_class))).data == {"a": "A"}
        assert (await answered(function(*positional, executor_class))).data == {"a": "A"}
    assert (own.compiled, own.hits) == (1, 1)
    assert plans.new() == (0, 0)
    assert (await answered(function(*positional, None))).data == {"a": "A"}
    assert (await answered(function(*given, executor_class=None))).data == {"a": "A"}
    assert sum(plans.new()) == 2


async def ticks() -> AsyncIterator[dict[str, Any]]:
    for number in (1, "x", 3):
        yield {"ticks": {"number": number}}


@pytest.mark.parametrize(
    ("document", "new"),
    [
        ("subscription { ticks { number } }", (1, 2)),
        ("subscription { ticks { ... @defer { number } } }", (0, 0)),
        ("subscription { ... @defer(if: false) { ticks { number } } }", (0, 0)),
    ],
)
async def test_events_of_a_subscription_are_the_same(document: str, new: tuple[int, int], plans: Counts) -> None:
    answers = []
    for module in (core, execution):
        stream: Any = module.subscribe(SCHEMA, parse(document), {"ticks": lambda _info: ticks()})
        answers.append([one async for one in stream])
    assert answers[0] == answers[1]
    assert len(answers[0]) == 3
    assert plans.new() == new


async def test_a_subscription_that_cannot_begin_is_the_same() -> None:
    for root in ({}, {"ticks": lambda _info: 1}):
        documents = parse("subscription { ticks { number } }"), parse("subscription ($a: Int!) { ticks { number } }")
        for document in documents:
            assert await answered(execution.subscribe(SCHEMA, document, root)) == await answered(
                core.subscribe(SCHEMA, document, root)
            )


async def test_what_is_deferred_is_delivered_by_graphql_core() -> None:
    document = parse("{ a ... @defer { must } }")
    results = []
    for module in (core, execution):
        made: Any = module.experimental_execute_incrementally(SCHEMA, document, {"a": "A", "must": 1})
        results.append([made.initial_result.formatted, *[one.formatted async for one in made.subsequent_results]])
    assert results[0] == results[1]
    assert len(results[0]) == 2


def test_a_class_of_their_own_with_plans_is_not_taken_for_one_that_overrides() -> None:
    assert [one._is_custom for one in (CompiledExecutor, execution.functions.CompiledSubscription)] == [False, False]
