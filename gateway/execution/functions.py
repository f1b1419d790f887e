"""graphql-core's functions that execute, to be imported in place of them: the same signatures, run by plans."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, TypeVar

import graphql as core
from graphql.execution.executor import Executor
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental

from .executor import CompiledExecution, CompiledExecutor

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


class CompiledSubscription(CompiledExecution, ExecutorThrowingOnIncremental):
    """The executor of subscriptions, which cannot defer and stream."""


def by_plans(function: AnyFunction, executor_class: type[Executor[Any]] = CompiledExecutor) -> AnyFunction:
    """The same function with another executor class where its caller gives none."""
    place = [*signature(function).parameters].index("executor_class")

    @wraps(function)
    def run(*given: Any, **named: Any) -> Any:
        if len(given) <= place:
            named["executor_class"] = named.get("executor_class") or executor_class
        elif given[place] is None:
            given = (*given[:place], executor_class, *given[place + 1 :])
        return function(*given, **named)

    return run  # type: ignore[return-value]


execute = by_plans(core.execute)
execute_sync = by_plans(core.execute_sync)
experimental_execute_incrementally = by_plans(core.experimental_execute_incrementally)
subscribe = by_plans(core.subscribe, CompiledSubscription)
graphql = by_plans(core.graphql)
graphql_sync = by_plans(core.graphql_sync)
