"""Plans are bounded, counted, forgotten in order, and know an operation again."""

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from graphql import DocumentNode, ExecutionResult, GraphQLSchema, build_schema, execute, parse
from graphql.language import (
    ArgumentNode,
    FieldNode,
    IntValueNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from gateway.execution import CompiledExecutor, Plans, compiled_executor
from gateway.execution.selections import code_of
from tests.gateway.execution.same import same

SCHEMA = build_schema("type Query { a: String, b: Int, me: Query, all: [Query], x(n: Int): Int }")
ROOT = {"a": "A", "b": 1}


def run(plans: Plans, document: str | DocumentNode, schema: GraphQLSchema = SCHEMA, **options: Any) -> ExecutionResult:
    parsed = parse(document) if isinstance(document, str) else document
    result = execute(schema, parsed, options.pop("root", ROOT), executor_class=compiled_executor(plans), **options)
    assert isinstance(result, ExecutionResult)
    return result


def test_an_operation_is_compiled_once_also_when_it_is_parsed_again() -> None:
    plans = Plans()
    results = [run(plans, "{ a b }") for _ in range(3)]
    assert [result.data for result in results] == [ROOT] * 3
    assert (plans.compiled, plans.hits, len(plans)) == (1, 2, 1)


def test_operations_of_one_document_have_plans_of_their_own() -> None:
    plans = Plans()
    document = parse("query A { a } query B { b }")
    for name in "ABAB":
        assert run(plans, document, operation_name=name).data == {name.lower(): ROOT[name.lower()]}
    assert (plans.compiled, plans.hits) == (2, 2)


def test_schemas_that_share_plans_do_not_mix_them() -> None:
    plans = Plans()
    other = build_schema("type Query { a: Int }")
    assert run(plans, "{ a }").data == {"a": "A"}
    assert run(plans, "{ a }", other, root={"a": 5}).data == {"a": 5}
    assert run(plans, "{ a }").data == {"a": "A"}
    assert (plans.compiled, plans.hits) == (2, 1)


def test_the_least_recently_used_operation_is_forgotten() -> None:
    plans = Plans(most_operations=2)
    for document in ("{ a }", "{ b }", "{ a }", "{ a b }", "{ a }", "{ b }"):
        run(plans, document)
    assert (plans.compiled, plans.hits, len(plans)) == (4, 2, 2)
    assert plans.fields == 2


def test_all_fields_together_are_bounded() -> None:
    plans = Plans(most_fields_in_all=10)
    for number in range(20):
        run(plans, f"{{ a{number}: a b{number}: b me {{ a }} }}")
    assert plans.fields <= 10
    assert len(plans) == 3


def test_each_shape_of_the_directives_has_a_plan_and_shapes_are_bounded() -> None:
    plans = Plans(most_shapes=2)
    document = "query ($x: Boolean!, $y: Boolean!) { a @skip(if: $x) b @include(if: $y) ... @include(if: true) { b } }"
    shapes = [{"x": x, "y": y} for x in (True, False) for y in (True, False)]
    for _ in range(2):
        for shape in shapes:
            result = run(plans, document, variable_values=shape)
            assert result.data == ({"b": 1} if shape["x"] else ROOT)
    assert (plans.compiled, plans.hits, dict(plans.interpreted)) == (2, 2, {"many shapes": 4})
    assert plans.fields == 2


def test_of_shapes_over_the_bound_each_65th_takes_the_place_of_the_oldest() -> None:
    plans = Plans(most_shapes=2)
    document = "query ($x: Boolean!, $y: Boolean!) { a @skip(if: $x) b @include(if: $y) }"
    for values in [(True, True), (True, False), *[(False, False)] * 65]:
        run(plans, document, variable_values=dict(zip("xy", values, strict=True)))
    assert (plans.compiled, plans.hits, plans.interpreted["many shapes"]) == (3, 0, 64)
    for values in [(False, False), (True, False), (True, True)]:
        run(plans, document, variable_values=dict(zip("xy", values, strict=True)))
    assert (plans.compiled, plans.hits, plans.interpreted["many shapes"]) == (3, 2, 65)
    assert plans.fields == 1


def test_a_document_of_too_many_characters_is_interpreted_and_not_remembered() -> None:
    plans = Plans(most_characters=40)
    for document in ("{ a " + "#" * 50 + "\n}", "query ($n: Int) { x(n: $n) " + " " * 50 + "}", ast_of_length(6)):
        for _ in range(2):
            assert run(plans, document, root={"a": "A", "x": 1}).errors is None
    assert (len(plans), dict(plans.interpreted)) == (0, {"large document": 6})
    run(plans, "{ a }")
    assert (len(plans), plans.compiled) == (1, 1)


def test_the_characters_of_all_documents_are_bounded() -> None:
    plans = Plans(most_characters_in_all=100)
    for number in range(20):
        run(plans, f"{{ a{number}: z }}".ljust(30))
    assert len(plans) == 3
    run(plans, "{ a }".ljust(90))
    assert len(plans) == 1


def test_fields_of_what_was_forgotten_meanwhile_do_not_count() -> None:
    plans = Plans(most_operations=1)

    def forget(_info: Any) -> dict[str, Any]:
        run(plans, "{ b }")
        return ROOT

    for number in range(3):
        run(plans, f"{{ me {{ a{number}: a b }} }}", root={"me": forget})
    assert (plans.fields, len(plans)) == (1, 1)
    run(plans, "{ a b }")
    assert plans.fields == 2


def test_threads_share_plans_and_their_counts_stay_true() -> None:
    plans = Plans(most_operations=5, most_shapes=2, most_fields_in_all=60)
    document = "query ($x: Boolean!) {{ k{0}: a @skip(if: $x) b me {{ a all {{ b a me {{ a }} }} }} }}"
    cases = [(document.format(number), {"x": x}) for number in range(10) for x in (True, False)]
    me = {"a": "A", "all": [{"b": 1, "me": ROOT}]}
    expected = [execute(SCHEMA, parse(text), {"me": me}, variable_values=values) for text, values in cases]

    def work(seed: int) -> list[Any]:
        order = random.Random(seed).choices(range(len(cases)), k=60)
        return [
            number
            for number in order
            if run(plans, cases[number][0], root={"me": me}, variable_values=cases[number][1]) != expected[number]
        ]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert [*pool.map(work, range(4))] == [[]] * 4
    finally:
        sys.setswitchinterval(interval)
    for number in range(5):
        run(plans, f"{{ z{number}: a }}")
    assert (len(plans), plans.fields) == (5, 5)


def test_a_plan_that_could_not_be_made_leaves_no_fields_behind() -> None:
    plans = Plans(most_fields=3)
    for _ in range(2):
        run(plans, "query ($n: Int) { a b x(n: $n) me { a } }")
    assert (plans.fields, plans.interpreted["not compilable"]) == (0, 2)


def test_responses_may_nest_deeper_than_graphql_core_can_make_them() -> None:
    document = "{ " + "me { " * 180 + "a" + " }" * 180 + " }"
    me: dict[str, Any] = {"a": "A"}
    for _ in range(180):
        me = {"me": me}
    assert run(Plans(), document, root=me) == ExecutionResult(me, None)
    assert execute(SCHEMA, parse(document), me) != ExecutionResult(me, None)


@pytest.mark.parametrize(
    "document",
    [
        "{ " + "me { " * 190 + "a" + " }" * 190 + " }",
        "{ " + "... { " * 190 + "a" + " }" * 190 + " }",
        "{ ...F } fragment F on Query { " + "me { " * 150 + "a" + " }" * 150 + " }",
        "{ x(n: " + "[" * 190 + "]" * 190 + ") }",
    ],
)
def test_a_deep_document_that_is_parsed_anew_each_time_is_answered(document: str) -> None:
    plans = Plans()
    results = [run(plans, document, root={"a": "A"}) for _ in range(3)]
    expected = execute(SCHEMA, parse(document), {"a": "A"})
    assert results == [expected] * 3
    assert len(plans) == 1


def test_a_resolver_that_is_replaced_in_the_schema_is_called() -> None:
    plans = Plans()
    schema = build_schema("type Query { a: String, me: Query }")
    fields = schema.type_map["Query"].fields  # type: ignore[attr-defined]
    root = {"me": {"a": "A"}}
    answers = []
    for resolve in (None, lambda *_: "first", lambda *_: "second", None):
        fields["a"].resolve = resolve
        answers += [run(plans, "{ me { a } }", schema, root=root).data for _ in range(2)]
    assert [data and data["me"]["a"] for data in answers] == ["A", "A", "first", "first", "second", "second", "A", "A"]
    assert (plans.compiled, plans.hits, plans.fields) == (4, 4, 2)


def test_the_code_of_large_selections_is_not_kept() -> None:
    code_of.cache_clear()
    for number in range(3):
        run(Plans(), "{ " + " ".join(f"a{number}_{alias}: a" for alias in range(300)) + " }")
    assert code_of.cache_info().currsize == 0
    run(Plans(), "{ a }")
    assert code_of.cache_info().currsize == 1


def test_variables_that_no_directive_names_make_no_shape() -> None:
    plans = Plans()
    root = {"x": lambda _info, n=None: n}
    for number in range(3):
        result = run(plans, "query ($n: Int) { x(n: $n) }", variable_values={"n": number}, root=root)
        assert result.data == {"x": number}
    assert (plans.compiled, plans.hits) == (1, 2)


def test_a_root_with_more_fields_than_a_plan_may_hold_is_interpreted() -> None:
    plans = Plans(most_fields=5)
    document = "{ " + " ".join(f"a{number}: a" for number in range(6)) + " }"
    for _ in range(2):
        assert run(plans, document).data == {f"a{number}": "A" for number in range(6)}
    assert (plans.compiled, dict(plans.interpreted)) == (0, {"not compilable": 2})


async def test_a_selection_that_is_over_is_interpreted_alone() -> None:
    plans = Plans(most_fields=3)
    root: dict[str, Any] = {"me": {"a": "x", "b": "not a number", "me": {"a": 1}}, "a": "A"}
    executor = compiled_executor(plans)
    document = parse("{ a me { a b me { a } } }")
    expected = execute(SCHEMA, document, root)
    assert execute(SCHEMA, document, root, executor_class=executor) == expected
    assert execute(SCHEMA, document, root, executor_class=executor) == expected
    assert (plans.compiled, plans.hits, plans.fields) == (1, 1, 2)
    assert dict(plans.interpreted) == {"large selection": 1}


def test_every_outcome_is_told() -> None:
    told: list[str] = []
    plans = Plans(observe=told.append)
    run(plans, "{ a }")
    run(plans, "{ a }")
    run(plans, "{ a }", middleware=[lambda next_, *rest: next_(*rest)])
    assert told == ["compiled", "hit", "interpreted:middleware"]
    assert plans.seconds > 0


@pytest.mark.parametrize(
    ("document", "reason", "options"),
    [
        ("{ a ... @defer { b } }", "incremental delivery", {"variable_values": {}}),
        ("{ a }", "middleware", {"middleware": [lambda next_, *rest: next_(*rest)]}),
        ("{ a }", "custom predicate", {"is_awaitable": lambda _: False}),
        ("query @experimental_disableErrorPropagation { a }", "no error propagation", {}),
        ("mutation { a }", "no root type", {}),
    ],
)
async def test_what_plans_do_not_know_is_interpreted(document: str, reason: str, options: dict[str, Any]) -> None:
    if "defer" in document:
        plans = Plans()
        with pytest.raises(Exception, match=r"multiple payloads|experimental"):
            run(plans, document)
    else:
        await same(SCHEMA, document, lambda: ROOT, interpreted=reason, **options)


async def test_an_executor_that_overrides_how_values_are_completed_is_obeyed() -> None:
    class Shouting(CompiledExecutor):
        plans = Plans()

        @staticmethod
        def complete_leaf_value(return_type: Any, result: Any) -> Any:
            return CompiledExecutor.complete_leaf_value(return_type, f"{result}!".lower() if result == "A" else result)

    result = execute(SCHEMA, parse("{ a b }"), ROOT, executor_class=Shouting)
    assert isinstance(result, ExecutionResult)
    assert result.data == {"a": "a!", "b": 1}
    assert dict(Shouting.plans.interpreted) == {"custom executor": 1}


def node(alias: str) -> DocumentNode:
    field = FieldNode(name=NameNode(value="a"), alias=NameNode(value=alias), arguments=(), directives=())
    operation = OperationDefinitionNode(
        operation=OperationType.QUERY, selection_set=SelectionSetNode(selections=(field,)), directives=()
    )
    return DocumentNode(definitions=(operation,))


def ast_of_length(nodes: int) -> DocumentNode:
    """A document made by hand that keeps so many nodes: too many, if each counts as several characters."""
    arguments = tuple(
        ArgumentNode(name=NameNode(value=f"n{number}"), value=IntValueNode(value="1")) for number in range(nodes)
    )
    field = FieldNode(name=NameNode(value="a"), arguments=arguments, directives=())
    operation = OperationDefinitionNode(
        operation=OperationType.QUERY, selection_set=SelectionSetNode(selections=(field,)), directives=()
    )
    return DocumentNode(definitions=(operation,))


class Evil(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return "__import__('os').abort()"


@pytest.mark.parametrize(
    "alias",
    ["'] = 1; raise SystemExit; out['", "\n    raise SystemExit\n", '"""', "\\", "\ud800", "ﬁ", Evil("x"), "{x}"],
)
def test_names_in_a_document_made_by_hand_are_names_and_no_code(alias: str) -> None:
    assert run(Plans(), node(alias)).data == {alias: "A"}


def test_documents_without_a_source_are_told_apart() -> None:
    plans = Plans()
    first, second = node("x"), node("y")
    for _ in range(2):
        assert run(plans, first).data == {"x": "A"}
        assert run(plans, second).data == {"y": "A"}
    assert (plans.compiled, plans.hits) == (2, 2)


def test_a_changed_document_with_the_same_source_is_compiled_anew() -> None:
    plans = Plans()
    document, other = parse("{ a }"), parse("{ b }")
    operation: Any = document.definitions[0]
    of_other: Any = other.definitions[0]
    changed = replace(document, definitions=(replace(operation, selection_set=of_other.selection_set),))
    assert run(plans, document).data == {"a": "A"}
    assert run(plans, changed).data == {"b": 1}
    assert run(plans, document).data == {"a": "A"}


@pytest.mark.parametrize(
    "document",
    [
        "{ " + "me { " * 150 + "a" + " }" * 150 + " }",
        "{ " + "... { " * 150 + "a" + " }" * 150 + " }",
        "{ " + " ".join(f"a{number}: a" for number in range(3000)) + " }",
        "{ " + "me { " + " ".join(f"a{number}: a" for number in range(3000)) + " } }",
        "{ ...F0 } "
        + " ".join(f"fragment F{n} on Query {{ a ...F{n + 1} ...F{n + 1} }}" for n in range(300))
        + " fragment F300 on Query { b }",
        "{ " + "me { a } " * 500 + "}",
    ],
)
async def test_large_documents_are_answered_as_by_graphql_core(document: str) -> None:
    me: dict[str, Any] = {"a": "A", "b": 1}
    for _ in range(200):
        me = {**ROOT, "me": me}
    plans = Plans()
    expected = execute(SCHEMA, parse(document), me)
    assert run(plans, document, root=me) == expected
    assert plans.fields <= 2000
