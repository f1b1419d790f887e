import pytest
from graphql import parse

from gateway.guard.extent import Census, Extent, census


def counted(text: str) -> Census:
    return census(parse(text))


def extent_of(text: str) -> Extent:
    return counted(text).operations[0]


def test_what_stands_in_an_operation_is_counted() -> None:
    assert extent_of("{ a { b { c } } d }") == Extent(fields=4, roots=2, depth=3)
    assert extent_of("{ x: a { y: b } }") == Extent(fields=2, roots=1, depth=2, aliases=2)


def test_inline_fragments_add_no_depth() -> None:
    assert extent_of("{ a { ... on T { b ... { c } } } }") == Extent(fields=3, roots=1, depth=2, fragments=2)


def test_fields_of_fragments_at_the_top_are_root_fields() -> None:
    text = "{ a ... on Q { b ...F } c { ...F } } fragment F on Q { d { e } f }"
    assert extent_of(text) == Extent(fields=9, roots=5, depth=3, fragments=3)


def test_a_fragment_counts_where_it_is_spread() -> None:
    text = "{ a { b { ...F } } ...F } fragment F on T { x: c { y: d } }"
    assert extent_of(text) == Extent(fields=6, roots=2, depth=4, aliases=4, fragments=2)


def test_fragments_may_be_defined_in_any_order() -> None:
    text = "{ ...F } fragment G on T { x: c } fragment F on T { b { ...G } }"
    assert extent_of(text) == Extent(fields=2, roots=1, depth=2, aliases=1, fragments=2)


def test_the_depth_of_introspection_is_counted_by_itself() -> None:
    text = "{ a { __schema { t: types { ...F } } } } fragment F on __Type { ofType { ofType { o: ofType { name } } } }"
    assert extent_of(text) == Extent(fields=7, roots=1, depth=1, introspection=7, aliases=2, fragments=1)


def test_directives_are_counted_wherever_they_stand() -> None:
    text = """query A($v: Int @a) @b { x @c @d ... @e { y } ...F @f }
    fragment F on T @g { z @h { w @i } }"""
    assert counted(text).directives == 9


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("{ ...F ...F } fragment F on T { ...G } fragment G on T { a }", True),
        ("{ ...Nowhere }", True),
        ("{ a } fragment F on T { a }", False),
        ("{ a } fragment F on T { ...G } fragment G on T { ...F }", False),
        ("{ ...F } fragment F on T { a { ...F } }", False),
        ("{ ...F } fragment F on T { a { ...G } } fragment G on T { b { ...F } }", False),
    ],
)
def test_fragments_are_sound_when_each_is_used_and_none_spreads_itself(text: str, sound: bool) -> None:
    assert counted(text).sound is sound


def test_a_fragment_that_spreads_itself_counts_as_empty_inside_itself() -> None:
    text = "{ ...F } fragment F on T { a { ...G } } fragment G on T { b { ...F } }"
    assert extent_of(text).fields <= 2


def test_a_fragment_that_is_nowhere_counts_as_empty() -> None:
    assert extent_of("{ a { ...Nowhere } }") == Extent(fields=1, roots=1, depth=1, fragments=1)


def test_fragments_that_double_a_hundred_times_are_counted_at_once() -> None:
    doubling = [f"fragment F{n} on T {{ a: f {{ ...F{n + 1} }} b: f {{ ...F{n + 1} }} }}" for n in range(100)]
    found = extent_of("{ ...F0 } " + " ".join(doubling) + " fragment F100 on T { x }")
    assert found == Extent(3 * 2**100 - 2, 2, 101, 0, 2**101 - 2, 2**101 - 1)


def test_a_long_chain_of_fragments_does_not_exhaust_the_stack() -> None:
    chain = " ".join(f"fragment F{n} on T {{ ...F{n + 1} }}" for n in range(5000))
    found = extent_of("{ ...F0 } " + chain + " fragment F5000 on T { a }")
    assert found == Extent(fields=1, roots=1, depth=1, fragments=5001)
