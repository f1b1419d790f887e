"""What an operation costs at most, and really, on a small schema of objects in lists of objects."""

from typing import Any

import pytest
import strawberry
from graphql import OperationDefinitionNode, parse
from hypothesis import given
from hypothesis import strategies as st

from gateway.guard.cost import actual, estimate
from gateway.guard.prices import Prices, prices_of
from gateway.guard.tree import fragments_of, tree_of
from schema.graphql.cost import FIRST, PAGE, Cost, ListSize, at_most
from schema.graphql.field import field


@strawberry.interface
class Pet:
    name: str
    story: str = strawberry.field(directives=[Cost(weight="2")])


@strawberry.type
class Cat(Pet):
    @field(description="", size=at_most(3), asks=False)
    async def toys(self) -> list["Toy"]:
        return []


@strawberry.type
class Dog(Pet):
    @field(description="", size=FIRST, asks=False)
    async def walks(self, first: int) -> list["Toy"]:
        return []


@strawberry.type
class Toy:
    name: str


@strawberry.type
class Edge:
    node: Pet


@strawberry.type
class Page:
    edges: list[Edge]
    total: int


@strawberry.type
class Query:
    one: Pet | None = strawberry.field(directives=[Cost(weight="7")])

    @field(description="", size=FIRST, asks=False)
    async def pets(self, first: int = 4, other: int = 0) -> list[Pet]:
        return []

    @field(description="", size=PAGE, cost=7, asks=False)
    async def page(self, first: int = 10) -> Page | None:
        return None

    @field(description="", size=ListSize(slicing_arguments=["ids"]), asks=False)
    async def named(self, ids: list[str]) -> list[Pet]:
        return []


SCHEMA = strawberry.Schema(Query, types=[Cat, Dog])._schema


def prices(text: str) -> Prices:
    document = parse(text)
    operation = next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))
    return prices_of(SCHEMA, operation, tree_of(operation.selection_set, fragments_of(document)))


def most(text: str, **variables: Any) -> float:
    return estimate(prices(text)).value(variables)


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("{ __typename }", 0),
        ("{ one { name } }", 7 + 1),
        ("{ one { name story } again: one { name } }", 7 + 1 + 2 + 7 + 1),
        ("{ one { name } one { story } }", 7 + 1 + 2),
        ("{ pets { name } }", 4),
        ("{ pets(first: 3) { name story } }", 3 * (1 + 2)),
        ("{ pets(first: 0) { name } }", 0),
        ("{ pets(first: -5) { name } }", 0),
        ("{ page { total } }", 7 + 1),
        ("{ page { edges { node { name story } } } }", 7 + 1 + 10 * (1 + 1 + 2)),
        ("{ page(first: 2) { e: edges { node { name } } edges { node { name } } } }", 7 + 1 + 2 * 2 * 2),
        ('{ named(ids: ["a", "b", "c"]) { name } }', 3),
        ('{ named(ids: "a") { name } }', 0),
        ("{ pets { ...F } } fragment F on Pet { name story }", 4 * 3),
    ],
)
def test_what_is_in_a_list_costs_as_often_as_the_list_may_have_items(text: str, cost: float) -> None:
    assert most(text) == cost


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("{ one { ... on Cat { toys { name } } } }", 7 + 1 + 3),
        ("{ one { ... on Cat { toys { name } } ... on Dog { walks(first: 5) { name } } } }", 7 + 1 + 5),
        ("{ one { story ... on Cat { toys { name } } ... on Dog { walks(first: 5) { name } } } }", 7 + 1 + 2 + 5),
        ("{ one { ... on Pet { ... on Dog { walks(first: 2) { name } } } } }", 7 + 1 + 2),
        ("{ one { ... on Cat { t: toys { name } } ... on Dog { t: walks(first: 9) { name } } } }", 7 + 1 + 9),
    ],
)
def test_of_the_types_that_an_object_may_be_of_the_dearest_counts(text: str, cost: float) -> None:
    assert most(text) == cost


@pytest.mark.parametrize(
    ("variables", "cost"), [({"n": 6}, 6), ({}, 4), ({"n": None}, 0), ({"n": "many"}, 0), ({"n": 10**30}, 10**9)]
)
def test_a_variable_says_how_large_a_list_is(variables: dict[str, Any], cost: float) -> None:
    assert most("query ($n: Int) { pets(first: $n) { name } }", **variables) == cost


def test_a_variable_has_its_own_default() -> None:
    text = "query ($n: Int! = 8) { pets(first: $n) { name } page(first: $n) { edges { node { name } } } }"
    assert most(text) == 8 + 7 + 1 + 8 * 2
    assert most(text, n=2) == 2 + 7 + 1 + 2 * 2


def test_a_list_in_a_variable_has_its_items() -> None:
    assert most("query ($ids: [String!]!) { named(ids: $ids) { story } }", ids=["a", "b"]) == 2 * 3


def test_lists_in_lists_multiply() -> None:
    text = "query ($n: Int, $m: Int!) { pets(first: $n) { ... on Dog { walks(first: $m) { name } } } }"
    assert most(text, n=30, m=20) == 30 * (1 + 20)


def test_what_the_schema_does_not_have_costs_nothing() -> None:
    assert most("{ nowhere { a } one { nothing { b } ... on Nobody { toys { name } } } }") == 7 + 1


def test_asking_about_the_schema_costs_a_little_for_each_thing_asked() -> None:
    types = len(SCHEMA.type_map)
    assert most("{ __schema { types { name } } }") == pytest.approx((1 + types) / 20)
    assert most('{ __type(name: "Cat") { fields { type { name } } } }') == pytest.approx((1 + 5 * 2) / 20)


def test_an_answer_costs_what_it_holds() -> None:
    text = """{ one { name ... on Cat { toys { name } } } pets(first: 50) { story }
        page { edges { node { name } } total } }"""
    data = {
        "one": {"name": "Mia", "toys": [{"name": "ball"}, {"name": "mouse"}]},
        "pets": [{"story": "long"}, {"story": "short"}],
        "page": {"edges": [{"node": {"name": "a"}}], "total": 1},
    }
    assert actual(prices(text), data) == (7 + 1 + 2) + 2 * (1 + 2) + (7 + 1 + 2)


def test_what_was_asked_in_vain_costs_the_asking() -> None:
    assert (
        actual(prices("{ one { story } pets { name } page { total } }"), {"one": None, "pets": [], "page": None}) == 14
    )


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 20))
def test_an_answer_within_its_lists_never_costs_more_than_estimated(pets: int, walks: int, spare: int) -> None:
    text = "query ($n: Int, $m: Int!) { pets(first: $n) { story ... on Dog { walks(first: $m) { name } } } }"
    dog = {"story": "x", "walks": [{"name": "x"}] * walks}
    found = prices(text)
    assert actual(found, {"pets": [dog] * pets}) <= estimate(found).value({"n": pets + spare, "m": walks + spare})
