"""Atrium's own schema by plans, over loaders that answer, fail and find nothing."""

import asyncio
import inspect
from random import Random
from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLSchema, execute, parse
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from bench.queries import HOME
from gateway.execution import Plans
from gateway.execution.for_strawberry import compiled_strawberry_executor
from schema.errcode import AtriumError, BackendUnavailable, InvalidArgument, Unauthenticated
from schema.graphql.ports import GUEST
from tests.gateway.execution.differential import in_any_order, shown, stands
from tests.gateway.execution.documents import Writer
from tests.schema.fakes import ADA, BO, CORP, NEW, SAM, SCHEMA, FakeContext, FakeLoader

VIEWERS = (GUEST, ADA, BO, CORP, SAM, NEW)
DOCUMENTS = 600
LITERALS = {
    "ID": ['"acc_1"', '"acc_2"', '"act_11"', '"acc_999"', '"nonsense"', '""'],
    "[ID!]": ['["acc_1", "acc_2", "acc_1"]', "[]", '["acc_999", "act_11"]', '"acc_4"'],
    "String": ['"ada"', '"activity.publish"', '""', '"nobody"', "null"],
    "Int": ["1", "3", "0", "1000", "null"],
    "BannerSlot": ["HOME_TOP", "OTHER"],
    "[ActivityKind!]": ["[POST]", "[VIDEO, POST, POST]", "[]", "OTHER", "null"],
    "ActivityKind": ["POST", "OTHER"],
}
FAILURES: tuple[AtriumError, ...] = (
    BackendUnavailable("banner"),
    InvalidArgument("first", "must be smaller"),
    Unauthenticated("no"),
)


Case = tuple[str, dict[str, Any]]


def context(random: Random, faults: float) -> FakeContext:
    """One operation of somebody, some of whose loaders fail."""
    made = FakeContext(random.choice(VIEWERS), random.choice(FAILURES) if random.random() < faults / 4 else None)
    for loader in vars(made.loaders).values():
        if isinstance(loader, FakeLoader):
            loader.later = random.random() < 0.5
            loader.failure = random.choice(FAILURES) if random.random() < faults else None
    return made


async def outcome(schema: GraphQLSchema, case: Case, seed: int, faults: float, executor: Any) -> tuple[Any, ...]:
    """All that may be seen of an execution: the answer, what was degraded, what was asked and told."""
    document, variables = case
    asked = context(Random(seed), faults)
    options: dict[str, Any] = {
        "variable_values": variables,
        "is_awaitable": optimized_is_awaitable,
        "operation_extensions": None,
    }
    made = execute(schema, parse(document), context_value=asked, executor_class=executor, **options)
    result = await made if inspect.isawaitable(made) else made
    assert isinstance(result, ExecutionResult)
    # What was asked below a null that propagated is nobody's business.
    whole = {} if result.errors else vars(asked.loaders)
    keys = {name: sorted(map(repr, loader.keys)) for name, loader in whole.items()}
    degraded = sorted(repr(one) for one in asked.degraded if stands(tuple(one.path), result.data))
    errors = sorted({in_any_order(error, result.data) for error in result.errors or ()})
    return shown(result.data), errors, degraded, keys, asked.commands.told, asked.renewals


async def test_documents_over_the_schema_are_answered_as_by_strawberry() -> None:
    schema = SCHEMA._schema
    plans = Plans()
    executor = compiled_strawberry_executor(plans)
    with_data = 0
    for seed in range(DOCUMENTS):
        random = Random(seed)
        case = Writer(random, schema, depth=6, literals=LITERALS).document()
        faults = random.choice([0.0, 0.0, 0.1, 0.4])
        expected = await outcome(schema, case, seed, faults, StrawberryGraphQLCoreExecutionContext)
        assert await outcome(schema, case, seed, faults, executor) == expected, case
        with_data += expected[0] != "NoneType:None"
    assert with_data > DOCUMENTS / 4
    assert (plans.compiled, plans.interpreted.total()) == (len(plans), 0)


@pytest.mark.parametrize("seed", range(20))
async def test_the_home_query_is_answered_as_by_strawberry(seed: int) -> None:
    schema, executor = SCHEMA._schema, compiled_strawberry_executor(Plans())
    faults = seed % 3 / 4
    expected = await outcome(schema, (HOME, {}), seed, faults, StrawberryGraphQLCoreExecutionContext)
    for _ in range(2):
        assert await outcome(schema, (HOME, {}), seed, faults, executor) == expected


async def test_the_home_query_needs_no_tasks() -> None:
    made: list[Any] = []

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coroutine)
        return asyncio.Task(coroutine, loop=loop, **options)

    asked = FakeContext(ADA)
    for loader in vars(asked.loaders).values():
        loader.later = True
    loop = asyncio.get_running_loop()
    loop.set_task_factory(make)
    try:
        executor = compiled_strawberry_executor(Plans())
        result: Any = await execute(SCHEMA._schema, parse(HOME), context_value=asked, executor_class=executor)  # type: ignore[misc]
    finally:
        loop.set_task_factory(None)
    assert result.errors is None
    assert result.data["viewer"]["home"]["feed"]["edges"][0]["node"]["author"]["id"] == "acc_2"
    assert made == []
