"""What is awaited: beside each other, cancelled, shared, without a loop, and nothing left behind."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    build_schema,
    execute,
    execute_sync,
    graphql_sync,
    parse,
    subscribe,
)

from gateway.execution import CompiledExecutor, Plans, compiled_executor
from tests.gateway.execution.same import same

SCHEMA = build_schema(
    """
    type Query { a: String, b: String, c: String!, thing: Thing, things: [Thing!] }
    type Mutation { first: Thing, second: Thing!, third: String }
    type Subscription { ticks: Int, things: Thing }
    type Thing { a: String, b: String, must: String!, thing: Thing }
    """
)
seen: ContextVar[str] = ContextVar("seen", default="nothing")


def started(document: str, root: Any, **options: Any) -> Awaitable[ExecutionResult]:
    made = execute(SCHEMA, parse(document), root, executor_class=CompiledExecutor, **options)
    assert not isinstance(made, ExecutionResult)
    return made


@contextmanager
def without_collections() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Watched:
    """Resolvers that wait for ever, and what became of them."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.reached = asyncio.Event()

    async def _forever(self, name: str) -> str:
        self.reached.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.append(name)
        return name

    def a(self, _info: Any) -> Awaitable[str]:
        return self._forever("a")

    def b(self, _info: Any) -> Awaitable[str]:
        return self._forever("b")

    def thing(self, _info: Any) -> Any:
        return self

    async def must(self, _info: Any) -> str:
        await self.reached.wait()
        raise ValueError("must")


def others() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


@pytest.mark.parametrize(
    ("document", "ended"),
    [
        ("{ a }", "a"),
        ("{ a b }", "ab"),
        ("{ a thing { b thing { a b } } }", "aabb"),
        ("{ things { a b } a }", "aaabb"),
    ],
)
async def test_a_cancelled_operation_leaves_nothing_running(document: str, ended: str) -> None:
    root = Watched()
    root.things = lambda _info: [root, root]  # type: ignore[attr-defined]
    task = asyncio.ensure_future(started(document, root))  # noqa: TID251 - cancelled here
    for _ in range(10):  # Until all that is to be awaited is.
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(root.ended) == sorted(ended)
    assert others() == set()


async def test_what_stands_beside_a_null_that_propagates_is_cancelled_and_has_ended() -> None:
    root = Watched()
    result = await started("{ thing { a b must } }", root)
    assert result.data == {"thing": None}
    assert [error.message for error in result.errors or ()] == ["must"]
    assert sorted(root.ended) == ["a", "b"]
    assert others() == set()


async def test_a_resolver_that_is_cancelled_cancels_the_operation_and_the_others() -> None:
    root = Watched()

    async def cancelled(_info: Any) -> None:
        await root.reached.wait()
        raise asyncio.CancelledError

    root.c = cancelled  # type: ignore[attr-defined]
    with pytest.raises(asyncio.CancelledError):
        await started("{ a thing { b } c }", root)
    assert sorted(root.ended) == ["a", "b"]
    assert others() == set()


async def test_one_future_serves_several_fields() -> None:
    def root() -> dict[str, Any]:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.001, future.set_result, "shared")
        return {"a": future, "b": future, "thing": {"a": future, "must": future}}

    result = await same(SCHEMA, "{ a b thing { a must b } }", root)
    assert result.data == {"a": "shared", "b": "shared", "thing": {"a": "shared", "must": "shared", "b": None}}


async def test_a_coroutine_given_twice_fails_the_second_time() -> None:
    def root() -> dict[str, Any]:
        coroutine = asyncio.sleep(0, "once")
        return {"a": coroutine, "b": coroutine}

    result = await same(SCHEMA, "{ a b }", root)
    assert result.data == {"a": "once", "b": None}


async def test_a_future_of_another_loop_is_an_error() -> None:
    other = asyncio.new_event_loop()
    result = await started("{ a b }", {"a": other.create_future(), "b": asyncio.sleep(0, "b")})
    other.close()
    assert result.data == {"a": None, "b": "b"}
    assert ["attached to a different loop" in error.message for error in result.errors or ()] == [True]


async def test_context_variables_go_down_not_sideways() -> None:
    async def setting(_info: Any) -> Any:
        seen.set("set")
        return {"a": lambda _: seen.get(), "must": lambda _: asyncio.sleep(0, seen.get())}

    async def asking(_info: Any) -> str:
        await asyncio.sleep(0.001)
        return seen.get()

    result = await same(SCHEMA, "{ thing { a must } b }", lambda: {"thing": setting, "b": asking})
    assert result.data == {"thing": {"a": "set", "must": "set"}, "b": "nothing"}


async def test_resolvers_run_in_a_task() -> None:
    async def later(_info: Any) -> Any:
        async with asyncio.timeout(60):
            await asyncio.sleep(0)
        return {"a": lambda _: str(asyncio.current_task() is not None), "must": "m"}

    result = await same(SCHEMA, "{ a thing { a must } b }", lambda: {"thing": later, "b": later, "a": later})
    assert result.data is not None
    assert result.data["thing"] == {"a": "True", "must": "m"}


async def test_what_an_operation_knew_goes_with_it_not_with_a_collection() -> None:
    context = Watched()
    known = weakref.ref(context)
    with without_collections():
        await started("{ a things { must } }", {"a": asyncio.sleep(0, "x"), "things": []}, context_value=context)
        del context
        assert known() is None


async def test_root_fields_of_a_mutation_run_one_after_another() -> None:
    told: list[str] = []

    async def step(name: str, result: Any) -> Any:
        told.append(f"{name} begins")
        await asyncio.sleep(0.001)
        told.append(f"{name} ends")
        return result

    def root() -> dict[str, Any]:
        told.clear()
        return {
            "first": lambda _: step("first", {"a": lambda _: step("a", "a"), "must": "m"}),
            "second": lambda _: step("second", {"must": "m"}),
            "third": lambda _: told.append("third"),
        }

    await same(SCHEMA, "mutation { second { must } first { a must } third }", root)
    in_order = ["second begins", "second ends", "first begins", "first ends", "a begins", "a ends", "third"]
    assert told == in_order


@pytest.mark.parametrize("second", [None, ValueError("no")])
async def test_a_mutation_ends_where_null_takes_everything(second: Any) -> None:
    told: list[str] = []

    def root() -> dict[str, Any]:
        return {"first": None, "second": asyncio.sleep(0, second), "third": lambda _: told.append("third")}

    result = await same(SCHEMA, "mutation { first { a } second { a } third }", root)
    assert result.data is None
    assert told == []


async def test_a_subscription_runs_its_plan_for_each_event() -> None:
    async def events() -> AsyncIterator[Any]:
        for number in range(3):
            yield {"things": {"a": asyncio.sleep(0, str(number)), "must": None if number == 1 else "m"}}

    plans = Plans()
    stream = subscribe(
        SCHEMA,
        parse("subscription { things { a must } }"),
        {"things": lambda _: events()},
        executor_class=compiled_executor(plans),
    )
    assert not isinstance(stream, ExecutionResult)
    results = [result async for result in stream]  # type: ignore[union-attr]
    assert [result.data for result in results] == [
        {"things": {"a": "0", "must": "m"}},
        {"things": None},
        {"things": {"a": "2", "must": "m"}},
    ]
    assert [len(result.errors or ()) for result in results] == [0, 1, 0]
    assert (plans.compiled, plans.hits) == (1, 2)


def test_without_a_loop_there_is_no_need_of_one() -> None:
    result = execute(SCHEMA, parse("{ a thing { must } }"), {"a": "x", "thing": {}}, executor_class=CompiledExecutor)
    assert isinstance(result, ExecutionResult)
    assert result.data == {"a": "x", "thing": None}


def test_an_awaitable_result_may_be_awaited_in_a_loop_started_later() -> None:
    made: Any = started("{ a b }", {"a": asyncio.sleep(0, "x"), "b": "y"})
    assert asyncio.run(made).data == {"a": "x", "b": "y"}


def test_synchronous_execution_takes_awaitables_as_values() -> None:
    class Late:
        def __await__(self) -> Any:
            yield

        def __str__(self) -> str:
            return "late"

    for executor in (None, CompiledExecutor):
        result = execute_sync(SCHEMA, parse("{ a }"), {"a": Late()}, executor_class=executor)
        assert result.data == {"a": "late"}
    with pytest.raises(RuntimeError, match="failed to complete synchronously"):
        execute_sync(SCHEMA, parse("{ a }"), {"a": Late()}, executor_class=CompiledExecutor, check_sync=True)
    assert graphql_sync(SCHEMA, "{ a }", {"a": "x"}).data == {"a": "x"}
