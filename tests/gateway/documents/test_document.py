"""What is known of a document: its operations, or why nothing of it can be run."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from graphql import GraphQLSchema, build_schema

from gateway.documents.document import Document, NotRunnable, read
from gateway.guard import Limits
from gateway.settings import Settings
from schema import errcode

AMBIGUOUS = "operationName: must be given when the document holds several operations"
SCHEMA = build_schema("type Query { a(x: Int): Query b: Query n: Int } type Mutation { a: Int }")
LIMITS = Limits(
    bytes=700,
    tokens=150,
    operations=2,
    directives=2,
    fields=12,
    roots=5,
    depth=4,
    aliases=3,
    fragments=6,
    repeats=3,
    cost=100,
)


def document(text: str, schema: GraphQLSchema = SCHEMA, limits: Limits = LIMITS) -> Document:
    return read(text, schema, limits)


def refusal(text: str, limits: Limits = LIMITS) -> Exception | None:
    """What the first error wraps."""
    with pytest.raises(NotRunnable) as caught:
        document(text, limits=limits).operation(None)
    return caught.value.errors[0].original_error


def messages(text: str) -> Sequence[str]:
    return [error.message for error in document(text).errors]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#" + "é" * 350, "document bytes: 701 is over the limit of 700"),
        ("{" + " n" * 150 + "}", "tokens: 151 is over the limit of 150"),
        ("#\n" * 151 + "{ n }", "tokens: 151 is over the limit of 150"),
        ("query A { n } query B { n } query C { n }", "operations: 3 is over the limit of 2"),
        ("query A @a { n @b } query B { n @c }", "directives: 3 is over the limit of 2"),
        ("{ n n n n n n }", "root fields: 6 is over the limit of 5"),
        ("{ n ...F } fragment F on Query { n n n n n }", "root fields: 6 is over the limit of 5"),
        ("{ b { " + "n " * 12 + "} }", "fields: 13 is over the limit of 12"),
        ("{ b { ...F ...F ...F } } fragment F on Query { n n n n }", "fields: 13 is over the limit of 12"),
        ("{ n } fragment F on Query { b { " + "n " * 12 + "} }", "fields: 13 is over the limit of 12"),
        ("{ a { a { a { a { n } } } } }", "depth: 5 is over the limit of 4"),
        ("query A { n } query B { w: n x: n y: n z: n }", "aliases: 4 is over the limit of 3"),
        ("{ " + "... { " * 7 + "n" + "}" * 8, "fragments: 7 is over the limit of 6"),
        ("{ a { b { n } } a { b { n } } a { n } }", None),
        ("{ a { b { n } } a { b { n } } a { n } b { n } b { n } }", "repeated fields: 4 is over the limit of 3"),
        ("{ a(x: 1) { n } ...F ...F ... { ...F } } fragment F on Query { a(x: 1) { n } }", None),
    ],
)
def test_a_document_over_a_limit_is_refused_with_limit_and_value(text: str, message: str | None) -> None:
    if message is None:
        assert document(text).errors == []
        return
    found = refusal(text)
    assert isinstance(found, errcode.OperationTooLarge)
    assert found.message == message


def test_plain_values_may_repeat() -> None:
    assert document("{ b { n n n n n n n n n n n } }").errors == []


def test_introspection_has_a_depth_of_its_own() -> None:
    def asking(levels: int) -> str:
        return '{ __type(name: "T") { ' + "ofType { " * levels + "name" + "}" * (levels + 2)

    limits = Settings().limits
    assert document(asking(23), limits=limits).errors == []
    found = refusal(asking(24), limits)
    assert found is not None
    assert str(found) == "depth of introspection: 26 is over the limit of 25"


def test_what_is_over_a_limit_is_not_validated() -> None:
    [error] = document("{ nowhere nowhere nowhere nowhere nowhere nowhere }").errors
    assert isinstance(error.original_error, errcode.OperationTooLarge)


def test_mistakes_are_told_up_to_a_number() -> None:
    told = read("{ " + "nowhere " * 30 + "}", SCHEMA, replace(Settings().limits, roots=30)).errors
    assert len(told) == 11
    assert told[-1].message == "Too many validation errors, error limit reached. Validation aborted."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{ n nowhere } fragment F on Query { nothing }", ["Fragment 'F' is never used."]),
        ("{ nowhere ...F } fragment F on Query { b { ...F } }", ["Cannot spread fragment 'F' within itself."]),
    ],
)
def test_of_unsound_fragments_nothing_else_is_told(text: str, told: list[str]) -> None:
    assert messages(text) == told


def test_an_operation_knows_what_it_asks() -> None:
    text = "query Q { one: n ...F b { n } } fragment F on Query { __schema { __typename } n __typename }"
    found = document(text).operation(None)
    assert (found.name, found.roots, found.introspects) == ("Q", ["n", "b", "__schema", "n", "__typename"], True)
    assert document("{ __typename n }").operation(None).introspects is False


def test_the_operation_meant_is_found_by_name() -> None:
    found = document("query A { n } mutation B { a }")
    assert [found.operation(name).name for name in ("A", "B")] == ["A", "B"]


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (
            "query A { n } query B { n }",
            None,
            AMBIGUOUS,
        ),
        ("query A { n }", "B", "operationName: there is no such operation in the document"),
        ("{ n }", "B", "operationName: there is no such operation in the document"),
        ("fragment F on Query { n }", None, "query: holds no operation"),
        ("type Query { n: Int }", None, "query: holds no operation"),
    ],
)
def test_an_operation_that_is_not_clear_is_refused(text: str, name: str | None, message: str) -> None:
    with pytest.raises(errcode.InvalidOperation) as caught:
        document(text).operation(name)
    assert caught.value.message == message
