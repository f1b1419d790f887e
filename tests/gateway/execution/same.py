"""Runs one operation by graphql-core and by plans, and fails where the answers differ."""

import inspect
from collections.abc import Callable
from typing import Any

from graphql import ExecutionResult, GraphQLSchema, execute, parse

from gateway.execution import Plans, compiled_executor
from tests.gateway.execution.differential import described, shown


async def run(schema: GraphQLSchema, document: str, root: Any, executor: Any = None, **options: Any) -> ExecutionResult:
    """The result by one executor; graphql-core's when None."""
    made = execute(schema, parse(document), root, executor_class=executor, **options)
    result = await made if inspect.isawaitable(made) else made
    assert isinstance(result, ExecutionResult)
    return result


async def same(
    schema: GraphQLSchema, document: str, root: Callable[[], Any] = dict, interpreted: str | None = None, **options: Any
) -> ExecutionResult:
    """The result, which is equal by graphql-core, by a plan just made and by one that was there.

    `interpreted` is why there is no plan; None when there is to be one.
    """
    plans = Plans()
    executor = compiled_executor(plans)
    expected = await run(schema, document, root(), **options)
    for _ in range(2):
        actual = await run(schema, document, root(), executor, **options)
        assert shown(actual.data) == shown(expected.data)
        assert list(map(described, actual.errors or ())) == list(map(described, expected.errors or ()))
        assert (actual.errors is None) is (expected.errors is None)
    if interpreted is None:
        assert (plans.compiled, plans.hits, dict(plans.interpreted)) == (1, 1, {})
    else:
        assert plans.interpreted[interpreted] == 2
    return expected
