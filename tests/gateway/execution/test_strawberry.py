"""Strawberry's schemas by plans: resolvers of every form, what stands around them, and what they are told."""

from functools import wraps
from typing import Any

import pytest
import strawberry
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig

from gateway.execution import Plans
from gateway.execution.for_strawberry import CompiledStrawberryExecutor, compiled_strawberry_executor
from tests.gateway.execution.differential import described, shown
from tests.gateway.execution.zoo import Cat, Dog, Mutation, NotFound, Query, Subscription, Unrelated

DOCUMENTS: list[tuple[str, dict[str, Any]]] = [
    ("{ plain when colours fromFunction __typename nested { plain nested { when } } }", {}),
    ("{ infoOf a: infoOf(x: 1) nested { infoOf infoLater } infoLater }", {}),
    ("query ($x: Int = 2) { ...F nested { ...F } } fragment F on Query { infoOf(x: $x) infoOf(x: $x) }", {}),
    ("{ given a: given(number: 1, text: null, maybe: null, other: 7, colour: RED, numbers: [], colours: [null]) }", {}),
    ('{ given(numbers: 4, ratio: 2, maybe: "m") again: given(numbers: [4], colours: GREENISH) once: given }', {}),
    ("query ($t: String, $l: [Int!]) { given(text: $t, numbers: $l, maybe: $t) }", {"l": [1]}),
    ("query ($n: Int!, $c: Colour! = RED, $l: [Int!]) { given(number: $n, colour: $c, numbers: $l) }", {"n": 1}),
    (
        "query ($l: [Int!], $m: [Colour] = [RED, null]) { given(numbers: $l, colours: $m) b: given(numbers: $l) }",
        {"l": [2]},
    ),
    (
        "{ boxed(box: {width: 1}) b: boxed(box: {width: 1, colour: GREENISH, boxes: [{width: 2}]}, boxes: []) }",
        {},
    ),
    (
        "query ($b: Box!, $w: Int!) { boxed(box: $b) boxedLater(box: {width: $w}) }",
        {"b": {"width": 3, "boxes": []}, "w": 1},
    ),
    ('{ boxedLater a: boxedLater(box: null) b: boxedLater(key: "bad") c: boxedLater(key: "VXNlcjox") }', {}),
    ("{ maybe a: maybe(x: null) b: maybe(x: 1) }", {}),
    ("{ ofParent static a: static(x: 3) ofClass wrappedResolver(x: 2) partly }", {}),
    ("{ guarded guardedLater doubled(x: 4) doubledLater givesAwaitable }", {}),
    (
        "{ animals { __typename name shouted ... on Cat { lives kittens(first: 1) { name } } ... on Dog { barks } } }",
        {},
    ),
    ("{ wrongAnimal { name } brokenNow returned }", {}),
    ("{ either { __typename ... on Dog { barks } } a: either(which: 1) { ... on Cat { lives } } }", {}),
    ("{ either(which: 2) { __typename ... on Dog { name barks } } nested { either(which: 3) { __typename } } }", {}),
    ("{ page { items { name __typename } } pages { __typename items } }", {}),
    ("{ nested { broken plain } brokenNow }", {}),
    ("{ broken }", {}),
    ("mutation { first(x: 1) second(x: 2) again: first(x: 3) }", {}),
    ("{ __schema { queryType { name fields(includeDeprecated: true) { name args { name type { kind } } } } } }", {}),
    ('{ __type(name: "Cat") { name interfaces { name } fields { name type { kind ofType { name } } } } }', {}),
]


def schemas(plans: Plans, **options: Any) -> tuple[strawberry.Schema, strawberry.Schema]:
    def make(executor: Any) -> strawberry.Schema:
        return strawberry.Schema(
            Query, Mutation, Subscription, types=[Dog, Cat, Unrelated], execution_context_class=executor, **options
        )

    return make(None), make(compiled_strawberry_executor(plans))


@pytest.mark.parametrize("allowed", [True, False])
@pytest.mark.parametrize(("document", "variables"), DOCUMENTS)
async def test_documents_are_answered_as_by_strawberry(document: str, variables: dict[str, Any], allowed: bool) -> None:
    plans = Plans()
    usual, compiled = schemas(plans)
    expected = await usual.execute(document, dict(variables), {"allowed": allowed}, Query())
    for _ in range(2):
        actual = await compiled.execute(document, dict(variables), {"allowed": allowed}, Query())
        assert shown(actual.data) == shown(expected.data)
        assert [*map(described, actual.errors or ())] == [*map(described, expected.errors or ())]
    assert (plans.compiled, plans.hits, dict(plans.interpreted)) == (1, 1, {})


def test_synchronous_execution_is_the_same() -> None:
    plans = Plans()
    usual, compiled = schemas(plans)
    document = "{ plain given guarded animals { name } brokenNow nested { infoOf } }"
    expected = usual.execute_sync(document, context_value={"allowed": True}, root_value=Query())
    actual = compiled.execute_sync(document, context_value={"allowed": True}, root_value=Query())
    assert shown(actual.data) == shown(expected.data)
    assert [*map(described, actual.errors or ())] == [*map(described, expected.errors or ())]
    assert plans.compiled == 1


async def test_events_of_a_subscription_run_their_plan() -> None:
    plans = Plans()
    answers = []
    for schema in schemas(plans):
        stream = await schema.subscribe(
            "subscription ($n: [String!]!) { animals(names: $n) { name ... on Cat { kittens(first: 1) { name } } } }",
            {"n": ["a", "bad", "c"]},
            {"allowed": True},
        )
        answers.append([(shown(one.data), [*map(described, one.errors or ())]) async for one in stream])
    assert answers[0] == answers[1]
    assert len(answers[0]) == 3
    assert (plans.compiled, plans.hits, dict(plans.interpreted)) == (1, 2, {})


async def test_an_extension_that_resolves_is_obeyed() -> None:
    class Loud(SchemaExtension):
        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
            result = _next(root, info, *args, **kwargs)
            return result.upper() if isinstance(result, str) else result

    plans = Plans()
    _, compiled = schemas(plans, extensions=[Loud])
    assert (await compiled.execute("{ plain }", root_value=Query())).data == {"plain": "PLAIN"}
    assert dict(plans.interpreted) == {"middleware": 1}


class OwnInfo(strawberry.Info):
    @property
    def own(self) -> str:
        return "own"


async def test_a_schema_with_settings_of_its_own_is_the_same() -> None:
    @strawberry.type
    class Small:
        @strawberry.field
        def two_words(self, info: strawberry.Info, an_argument: int = 2) -> str:
            return f"{info.own} {an_argument} {type(info).__name__}"  # type: ignore[attr-defined]

        key: str = "attribute"

    def read(source: Any, name: str) -> Any:
        return source[name] if isinstance(source, dict) else getattr(source, name)

    config = StrawberryConfig(auto_camel_case=False, info_class=OwnInfo, default_resolver=read)
    for executor in (None, CompiledStrawberryExecutor):
        schema = strawberry.Schema(Small, config=config, execution_context_class=executor)
        result = await schema.execute("{ two_words(an_argument: 3) key }", root_value={"key": "by key"})
        assert result.data == {"two_words": "own 3 OwnInfo", "key": "by key"}


async def test_a_resolver_replaced_after_the_schema_was_made_is_called() -> None:
    for executor in (None, CompiledStrawberryExecutor):
        schema = strawberry.Schema(Query, execution_context_class=executor)
        fields = schema._schema.query_type.fields  # type: ignore[union-attr]
        resolve = fields["plain"].resolve
        assert resolve is not None
        fields["plain"].resolve = wraps(resolve)(lambda *_args, **_named: "replaced")
        assert (await schema.execute("{ plain when }", root_value=Query())).data == {
            "plain": "replaced",
            "when": "2026-01-02",
        }


class Missing(Exception):
    """What a handler turns into an answer."""


class Handler(strawberry.ExceptionHandler[Missing, NotFound]):
    def handle(self, exception: Missing, *, field: Any, info: strawberry.Info) -> NotFound | None:
        return NotFound(message=f"{field.python_name} {info.path.key} {exception}") if str(exception) else None


async def test_handlers_of_exceptions_are_obeyed() -> None:
    @strawberry.type
    class Finder:
        @strawberry.field
        def now(self, x: str = "x") -> Dog | NotFound:
            raise Missing(x)

        @strawberry.field
        async def later(self, x: str = "x") -> Dog | NotFound:
            raise Missing(x)

    results = []
    for executor in (None, CompiledStrawberryExecutor):
        schema = strawberry.Schema(Finder, execution_context_class=executor, exception_handlers=[Handler()])
        document = "{ now { ... on NotFound { message } } later { ... on NotFound { message } } }"
        declined = '{ now(x: "") { __typename } }'
        for one in (document, declined):
            result = await schema.execute(one, root_value=Finder())
            results.append((result.data, [*map(described, result.errors or ())]))
    assert results[:2] == results[2:]
    assert results[0][0] == {"now": {"message": "now now x"}, "later": {"message": "later later x"}}
    assert results[1][0] is None
