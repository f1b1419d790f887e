"""Fields that ask in parts: no task for each, errors recovered from or told, and nothing waited for in vain."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    execute,
    parse,
)

from gateway.execution import CompiledExecutor
from gateway.execution.frames import Place
from gateway.execution.running import Execution
from tests.gateway.execution.same import same

Ask = Callable[..., Any]


class Promise:
    """What has of a future what is of use; several share one."""

    def __init__(self, shared: list[asyncio.Future[None]], value: str) -> None:
        self._shared = shared
        self._value = value

    @property
    def future(self) -> asyncio.Future[None] | None:
        """What to wait for."""
        return None if self._shared[-1].done() and not self._shared[-1].cancelled() else self._shared[-1]

    def result(self) -> str:
        """What it is then."""
        return self._value

    def __await__(self) -> Generator[Any, None, str]:
        while (future := self.future) is not None:
            yield from future
        return self._value


def made_of(ask: Ask, recover: Callable[[Any, Exception, Any], Any] | None = None) -> Any:
    """A resolver that says of which parts it is made."""

    def recovered(info: Any, error: Exception, show: Any) -> Any:
        if recover is None:
            raise error
        return recover(info, error, show)

    async def resolve(source: Any, info: Any, **given: Any) -> Any:
        show = None
        try:
            if (asked := ask(source, info.context, **given)) is None:
                return None
            awaitable, show = asked
            return show(await awaitable)
        except Exception as error:
            return recovered(info, error, show)

    resolve.asking = ask, recovered  # type: ignore[attr-defined]
    return resolve


def schema_of(**resolvers: Any) -> GraphQLSchema:
    """A schema with a thing of these fields, of which `must` may not be null, and with many such things."""
    fields = {name: GraphQLField(GraphQLString, resolve=resolve) for name, resolve in resolvers.items()}
    if "must" in fields:
        fields["must"] = GraphQLField(GraphQLNonNull(GraphQLString), resolve=resolvers["must"])
    thing = GraphQLObjectType("Thing", fields)
    things = GraphQLList(GraphQLNonNull(thing))
    return GraphQLSchema(
        GraphQLObjectType(
            "Query",
            {
                "thing": GraphQLField(thing, resolve=lambda *_: {}),
                "things": GraphQLField(things, resolve=lambda *_: [{}, {}, {}]),
            },
        )
    )


def running(schema: GraphQLSchema, document: str) -> Awaitable[ExecutionResult]:
    made = execute(schema, parse(document), executor_class=CompiledExecutor)
    assert not isinstance(made, ExecutionResult)
    return made


def others() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


def future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


def later(value: Any) -> asyncio.Future[Any]:
    """A future that is done in the next turn of the loop."""
    made = future()
    settle = made.set_exception if isinstance(value, Exception) else made.set_result
    asyncio.get_running_loop().call_soon(lambda: None if made.done() else settle(value))
    return made


async def test_fields_that_ask_need_no_tasks() -> None:
    tasks: list[int] = []

    def ask(*_: Any) -> Any:
        return later("told"), shown

    def shown(value: str) -> str:
        tasks.append(len(asyncio.all_tasks()))
        return value.upper()

    result = await running(schema_of(a=made_of(ask), b=made_of(ask)), "{ thing { a b c: a } things { b } }")
    assert result.data == {"thing": {"a": "TOLD", "b": "TOLD", "c": "TOLD"}, "things": [{"b": "TOLD"}] * 3}
    assert tasks == [1] * 6


async def test_what_is_there_is_shown_at_once() -> None:
    done = future()
    done.set_result("there")
    made = execute(
        schema_of(a=made_of(lambda *_: (done, str.upper)), b=made_of(lambda *_: None)),
        parse("{ thing { a b } }"),
        executor_class=CompiledExecutor,
    )
    assert isinstance(made, ExecutionResult)
    assert made.data == {"thing": {"a": "THERE", "b": None}}


async def test_a_future_shared_by_all_of_a_batch_serves_each() -> None:
    def ask(_source: Any, context: Any, number: str = "1") -> Any:
        return Promise(context, number), lambda value: value * 2

    shared = [future()]
    thing = GraphQLObjectType("Thing", {"a": GraphQLField(GraphQLString, resolve=made_of(ask))})
    schema = GraphQLSchema(
        GraphQLObjectType("Query", {"things": GraphQLField(GraphQLList(thing), resolve=lambda *_: [1, 2])})
    )
    made = execute(schema, parse("{ things { a b: a } }"), context_value=shared, executor_class=CompiledExecutor)
    asyncio.get_running_loop().call_soon(shared[0].set_result, None)
    assert (await made).data == {"things": [{"a": "11", "b": "11"}] * 2}  # type: ignore[misc]


async def test_a_shared_future_that_somebody_cancels_is_followed_by_another() -> None:
    shared = [future()]
    schema = schema_of(a=made_of(lambda *_: (Promise(shared, "a"), str)))
    made = running(schema, "{ thing { a } }")

    def cancel() -> None:
        shared.append(future())
        shared[0].cancel()
        asyncio.get_running_loop().call_soon(shared[1].set_result, None)

    asyncio.get_running_loop().call_soon(cancel)
    assert (await made).data == {"thing": {"a": "a"}}


async def test_a_future_that_somebody_cancels_cancels_the_operation() -> None:
    awaited = future()
    schema = schema_of(a=made_of(lambda *_: (awaited, str)), b=made_of(lambda *_: (future(), str)))
    made = running(schema, "{ thing { a b } }")
    asyncio.get_running_loop().call_soon(awaited.cancel)
    with pytest.raises(asyncio.CancelledError):
        await made


async def test_any_other_awaitable_gets_a_task() -> None:
    async def told(value: Any) -> Any:
        await asyncio.sleep(0)
        if isinstance(value, Exception):
            raise value
        return value

    schema = schema_of(
        a=made_of(lambda *_: (told("a"), str.upper)), b=made_of(lambda *_: (told(ValueError("b")), str.upper))
    )
    result = await same(schema, "{ thing { a b } }")
    assert result.data == {"thing": {"a": "A", "b": None}}
    assert others() == set()


def broken(*_: Any) -> Any:
    raise ValueError("broken")


@pytest.mark.parametrize(
    "ask",
    [broken, lambda *_: (later(ValueError("broken")), str), lambda *_: (later("x"), broken)],
    ids=["asking", "answer", "showing"],
)
async def test_an_error_is_recovered_from_or_told(ask: Ask) -> None:
    def recover(info: Any, error: Exception, _show: Any) -> str:
        return f"{info.path.as_list()} {error}"

    schema = schema_of(a=made_of(ask, recover), b=made_of(ask))
    result = await same(schema, "{ thing { a b } things { b } }")
    assert result.data == {"thing": {"a": "['thing', 'a'] broken", "b": None}, "things": [{"b": None}] * 3}
    assert len(result.errors or ()) == 4


async def test_what_stands_in_for_an_answer_is_shown_as_the_answer_would_be() -> None:
    def recover(_info: Any, _error: Exception, show: Any) -> Any:
        return show("kept") if show else "nothing"

    schema = schema_of(
        a=made_of(lambda *_: (later(ValueError("broken")), str.upper), recover), b=made_of(broken, recover)
    )
    result = await same(schema, "{ thing { a b } }")
    assert result == ExecutionResult({"thing": {"a": "KEPT", "b": "nothing"}}, None)


async def test_an_argument_that_cannot_be_coerced_is_not_recovered_from() -> None:
    schema = GraphQLSchema(
        GraphQLObjectType(
            "Query",
            {
                "a": GraphQLField(
                    GraphQLString,
                    {"must": GraphQLNonNull(GraphQLString)},  # type: ignore[dict-item]
                    made_of(lambda *_, **__: (later("x"), str), lambda *_: "recovered"),
                )
            },
        )
    )
    made: Any = execute(
        schema,
        parse('query ($v: String = "d") { a(must: $v) }'),
        variable_values={"v": None},
        executor_class=CompiledExecutor,
    )
    result = made if isinstance(made, ExecutionResult) else await made
    assert result.data == {"a": None}
    assert ["Expected variable" in error.message for error in result.errors or ()] == [True]


async def test_nobody_waits_below_a_null_that_propagates() -> None:
    asked: list[asyncio.Future[Any]] = []

    def ask(*_: Any) -> Any:
        asked.append(future())
        return asked[-1], str

    schema = schema_of(a=made_of(ask), must=made_of(lambda *_: (later(ValueError("no")), str)))
    result = await same(schema, "{ thing { a must } things { must a } }")
    assert result.data == {"thing": None, "things": None}
    assert not any(one.cancelled() for one in asked[-4:])  # Others may await the same.
    assert others() == set()


async def test_what_waits_is_looked_through_once_for_all_that_fail_together() -> None:
    looked: list[int] = []

    class Counting(Execution):
        def _forget(self, nulled: set[Place]) -> None:
            looked.append(len(nulled))
            super()._forget(nulled)

    class Counted(CompiledExecutor):
        execution_class = Counting

    failed = later(ValueError("no"))
    schema = schema_of(a=made_of(lambda *_: (future(), str)), must=made_of(lambda *_: (failed, str)))
    document = parse("{ " + " ".join(f"t{number}: thing {{ a must }}" for number in range(50)) + " }")
    made: Any = execute(schema, document, executor_class=Counted)
    result = await made
    assert result.data == {f"t{number}": None for number in range(50)}
    assert len(result.errors) == 50
    assert looked == [50]


async def test_nobody_waits_below_a_null_that_propagates_at_once() -> None:
    schema = schema_of(a=made_of(lambda *_: (future(), str)), must=made_of(lambda *_: None))
    result = await same(schema, "{ thing { a must } things { a must } }")
    assert result.data == {"thing": None, "things": None}


async def test_a_null_that_a_task_makes_ends_questions_beside_it() -> None:
    async def must(*_: Any) -> None:
        await asyncio.sleep(0)

    schema = schema_of(a=made_of(lambda *_: (future(), str)), must=must)
    result = await same(schema, "{ thing { a must } things { a must } }")
    assert result.data == {"thing": None, "things": None}
    assert others() == set()


async def test_a_cancelled_operation_cancels_what_it_asked() -> None:
    asked: list[asyncio.Future[Any]] = []

    def ask(*_: Any) -> Any:
        asked.append(future())
        return asked[-1], str

    async def forever() -> None:
        await asyncio.Event().wait()

    schema = schema_of(a=made_of(ask), b=made_of(ask), c=made_of(lambda *_: (forever(), str)))
    task = asyncio.ensure_future(running(schema, "{ thing { a b c } }"))  # noqa: TID251 - cancelled here
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [one.cancelled() for one in asked] == [True, True]
    assert others() == set()


async def test_a_failure_that_nobody_looks_at_is_no_complaint() -> None:
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    asked = [future()]
    schema = schema_of(a=made_of(lambda *_: (asked[0], str)), must=made_of(lambda *_: None))
    result = execute(schema, parse("{ thing { a must } }"), executor_class=CompiledExecutor)
    assert isinstance(result, ExecutionResult)
    asked[0].set_exception(ValueError("nobody asks any more"))
    await asyncio.sleep(0)
    asked.clear()
    assert complaints == []


def test_without_a_loop_fields_that_ask_are_ordinary() -> None:
    made: Any = running(schema_of(a=made_of(lambda *_: (asyncio.sleep(0, "x"), str.upper))), "{ thing { a } }")
    assert asyncio.run(made).data == {"thing": {"a": "X"}}
