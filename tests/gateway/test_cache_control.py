"""How long an answer may be kept: what `@cacheControl` says, and when nobody may keep it whatever it says."""

from collections.abc import Callable
from typing import Any

import pytest
import strawberry
from graphql import parse

from gateway.body import Operation
from gateway.cache_control import CacheHints
from schema.graphql.cache_control import PRIVATE, CacheControl
from schema.graphql.schema import create_schema
from tests.docs.documents import ROOT, blocks
from tests.gateway.conftest import House

KEPT, NOT_KEPT = "public, max-age=10", "no-store"
NAME = '{ account(id: "acc_1") { handle } }'


@strawberry.interface(directives=[CacheControl(max_age=60)])
class Thing:
    name: str


@strawberry.type(directives=[CacheControl(max_age=60)])
class Stone(Thing):
    weight: int = strawberry.field(directives=[CacheControl(max_age=5)])
    owner: str = strawberry.field(directives=[PRIVATE])


@strawberry.type(directives=[CacheControl(max_age=30)])
class Cloud(Thing):
    name: str = strawberry.field(directives=[CacheControl(max_age=20)])


@strawberry.type
class Plain:
    name: str


@strawberry.type
class Query:
    number: int
    stone: Stone
    thing: Thing
    plain: Plain
    pebble: Stone = strawberry.field(directives=[CacheControl(max_age=100)])
    known: int = strawberry.field(directives=[CacheControl(max_age=40)])


@pytest.fixture(scope="module")
def hints() -> CacheHints:
    return CacheHints(strawberry.Schema(Query, types=[Stone, Cloud])._schema)


def seconds(hints: CacheHints, query: str, name: str | None = None) -> int:
    header = hints.header(Operation(query, {}, name), parse(query))
    return 0 if header == "no-store" else int(header.removeprefix("public, max-age="))


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("{ stone { name } }", 60),
        ("{ stone { __typename } }", 60),
        ("{ stone { name weight } }", 5),
        ("{ stone { name } known }", 40),
        ("{ pebble { name } }", 100),
        ("{ stone { owner } }", 0),
        ("{ number }", 0),
        ("{ plain { name } stone { name } }", 0),
        ("{ known __typename }", 40),
        ("{ __typename }", 0),
        ("{ known __schema { queryType { name } } }", 0),
        ("query Q($no: Boolean!) { known stone @include(if: $no) { weight } }", 5),
        ("{ known ...F ...F } fragment F on Query { stone { ...G } } fragment G on Stone { weight }", 5),
        ("{ known ... { stone { ... on Stone { weight } } } }", 5),
    ],
)
def test_the_strictest_of_all_fields_counts(hints: CacheHints, query: str, kept: int) -> None:
    assert seconds(hints, query) == kept


@pytest.mark.parametrize(
    ("query", "kept"),
    [("{ thing { __typename } }", 30), ("{ thing { name } }", 20), ("{ thing { ... on Stone { weight } } }", 5)],
)
def test_of_an_interface_the_strictest_type_counts(hints: CacheHints, query: str, kept: int) -> None:
    assert seconds(hints, query) == kept


def test_the_operation_that_runs_counts(hints: CacheHints) -> None:
    query = "query A { known } query B { stone { weight } }"
    assert [seconds(hints, query, name) for name in ("A", "B", "A")] == [40, 5, 40]


def test_no_mutation_and_no_subscription_may_be_kept() -> None:
    hints = CacheHints(create_schema()._schema)
    assert seconds(hints, 'mutation { follow(accountId: "acc_2") { handle } }') == 0


@pytest.mark.parametrize("who", [None, "ada"])
@pytest.mark.parametrize(
    ("query", "header"),
    [
        (NAME, KEPT),
        ('{ accounts(ids: ["acc_1", "acc_2"]) { handle ... on CreatorAccount { verified followerCount } } }', KEPT),
        ('{ accountByHandle(handle: "ada") { id ... on PersonalAccount { birthday } } }', NOT_KEPT),
        ("{ viewer { type } }", NOT_KEPT),
        ('{ account(id: "acc_1") { handle } viewer { type } }', NOT_KEPT),
        ('{ node(id: "acc_1") { id } }', NOT_KEPT),
        ('{ account(id: "acc_0") { handle } }', NOT_KEPT),
        ('mutation { signIn(handle: "ada", password: "wrong") { token } }', NOT_KEPT),
        ("{ nonsense }", NOT_KEPT),
    ],
)
async def test_what_is_the_same_for_everybody_may_be_kept(
    house: House, who: str | None, query: str, header: str
) -> None:
    assert (await house.post(query, who)).headers["cache-control"] == header


async def test_an_answer_with_gaps_may_not_be_kept(house: House) -> None:
    query = '{ account(id: "acc_1") { handle followerCount } }'
    assert (await house.post(query)).headers["cache-control"] == KEPT
    await house.backends.stop("activity")
    response = await house.post(query)
    assert response.json()["extensions"]["degraded"][0]["path"] == ["account", "followerCount"]
    assert response.headers["cache-control"] == NOT_KEPT


async def test_the_example_of_the_documentation_is_answered_as_it_says(house: House) -> None:
    [query] = blocks("docs/caching.md", "graphql")
    assert f"`{(await house.post(query)).headers['cache-control']}`" in (ROOT / "docs/caching.md").read_text()


async def test_production_says_the_same(house_with: Callable[..., Any]) -> None:
    async with house_with(production=True) as house:
        assert (await house.post(NAME)).headers["cache-control"] == KEPT
