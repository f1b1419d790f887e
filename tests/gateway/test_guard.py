import time

import pytest
from graphql import parse

from gateway.guard import Extent, Limits, check_choice, check_extent, extents, outline, written_out
from schema import errcode

LIMITS = Limits(tokens=2000, depth=4, aliases=3)


def extent_of(text: str) -> Extent:
    document = parse(text)
    return written_out(outline(document.definitions[0].selection_set), extents(document))  # type: ignore[attr-defined]


def test_depth_counts_fields_from_one() -> None:
    assert extent_of("{ a }") == Extent(depth=1, aliases=0)
    assert extent_of("{ a { b { c } } d }") == Extent(depth=3, aliases=0)


def test_inline_fragments_add_no_depth() -> None:
    assert extent_of("{ a { ... on T { b ... { c } } } }") == Extent(depth=2, aliases=0)


def test_a_fragment_counts_where_it_is_spread() -> None:
    assert extent_of("{ a { b { ...F } } ...F } fragment F on T { x: c { y: d } }") == Extent(depth=4, aliases=4)


def test_fragments_may_be_defined_in_any_order() -> None:
    assert extent_of("{ ...F } fragment G on T { x: c } fragment F on T { b { ...G } }") == Extent(depth=2, aliases=1)


def test_introspection_counts_for_aliases_only() -> None:
    text = "{ __schema { t: types { ...F } } } fragment F on __Type { ofType { ofType { o: ofType { name } } } }"
    assert extent_of(text) == Extent(depth=0, aliases=2)


def test_a_fragment_that_spreads_itself_ends() -> None:
    text = "{ ...F } fragment F on T { a { ...G } } fragment G on T { b { ...F } }"
    assert extent_of(text) == Extent(depth=1, aliases=0)


def test_an_unknown_fragment_counts_as_empty() -> None:
    assert extent_of("{ a { ...Nowhere } }") == Extent(depth=1, aliases=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{ a { b { c { d { e } } } } }", "depth: 5 is over the limit of 4"),
        ("{ a: x b: x c: x d: x }", "aliases: 4 is over the limit of 3"),
        ("query A { a } query B { a: x b: x c: x d: x }", "aliases: 4 is over the limit of 3"),
    ],
)
def test_an_operation_over_a_limit_is_refused_with_limit_and_value(text: str, message: str) -> None:
    with pytest.raises(errcode.OperationTooLarge) as caught:
        check_extent(parse(text), LIMITS)
    assert caught.value.message == message


def test_an_operation_at_the_limits_passes() -> None:
    check_extent(parse("{ a: x { b: x { c: x { d } } } }"), LIMITS)


def test_fragments_that_double_forty_times_are_measured_at_once() -> None:
    doubling = [f"fragment F{n} on T {{ a: f {{ ...F{n + 1} }} b: f {{ ...F{n + 1} }} }}" for n in range(40)]
    document = parse("{ ...F0 } " + " ".join(doubling) + " fragment F40 on T { x }")
    started = time.perf_counter()
    with pytest.raises(errcode.OperationTooLarge):
        check_extent(document, Limits(tokens=2000, depth=100, aliases=1000))
    assert time.perf_counter() - started < 0.1


def test_a_long_chain_of_fragments_does_not_exhaust_the_stack() -> None:
    chain = " ".join(f"fragment F{n} on T {{ ...F{n + 1} }}" for n in range(5000))
    assert extent_of("{ ...F0 } " + chain + " fragment F5000 on T { a }") == Extent(depth=1, aliases=0)


def test_one_of_several_operations_must_be_named() -> None:
    document = parse("query A { a } query B { b }")
    check_choice(document, "B")
    check_choice(parse("query A { a }"), None)
    with pytest.raises(errcode.InvalidOperation, match="operationName: must be given"):
        check_choice(document, None)
