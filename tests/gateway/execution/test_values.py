"""Values that resolvers give, from the plain to the perverse."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLError, GraphQLScalarType, build_schema
from graphql.pyutils import Undefined

from tests.gateway.execution.same import same

SCHEMA = build_schema(
    """
    type Query {
      text: String, number: Int, ratio: Float, flag: Boolean, id: ID, colour: Colour, odd: Odd
      needText: String!, texts: [String], needTexts: [String!]!, grid: [[Int!]]
      thing: Thing, needThing: Thing!, things: [Thing], needThings: [Thing!], other(x: Int = 3, y: [String!]): String
    }
    type Thing { name: String!, thing: Thing, things: [Thing!]!, text: String, odd: Odd! }
    enum Colour { RED, GREEN }
    scalar Odd
    """
)


class Paint(Enum):
    RED = "red"


colour = SCHEMA.type_map["Colour"]
assert isinstance(colour, GraphQLEnumType)
odd = SCHEMA.type_map["Odd"]
assert isinstance(odd, GraphQLScalarType)


def serialize(value: Any) -> Any:
    if value == "raise":
        raise StopIteration("no more")
    return None if value == "none" else value


odd.coerce_output_value = serialize


class Text(str):
    __slots__ = ()


class Whole:
    """A number by `__index__` alone."""

    def __index__(self) -> int:
        return 7


class MadeUp:
    """Makes up any attribute."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return f"made {name}"


class Late:
    """A value to be awaited that nobody minds to be left alone."""

    def __init__(self, value: Any = "awaited") -> None:
        self._value = value

    def __await__(self) -> Iterator[Any]:
        return later(self._value).__await__()


class OnlyLooksAwaitable:
    """Has `__await__` as nothing that could be called."""

    __await__ = None


class Broken:
    @property
    def name(self) -> str:
        raise RuntimeError("no name")

    @property
    def text(self) -> str:
        raise AttributeError("hidden")


class Dictionary(dict[str, Any]):
    def get(self, key: str, default: Any = None) -> Any:
        return f"got {key}"


class PassesForAnError:
    __class__ = property(lambda _self: ValueError)


def stops() -> Iterator[Any]:
    yield "one"
    raise ValueError("midway")


async def stream(*items: Any) -> AsyncIterator[Any]:
    for item in items:
        yield item


async def later(value: Any) -> Any:
    await asyncio.sleep(0)
    if isinstance(value, Exception):
        raise value
    return value


def raising(error: Exception) -> Callable[..., Any]:
    def resolve(*_: Any) -> Any:
        raise error

    return resolve


ORDINARY: list[Any] = [
    *(None, Undefined, "a", "", 1, 0, -1, True, False, 1.0, 2.5, 1 << 40, b"x", float("nan"), float("inf")),
    *("12", "1.5", "RED", "red", Paint.RED, Text("t"), Whole(), (), [], {}, {"name": 1}, [1], ["a", None]),
    *([[1], None], [[1, "x"], [None]], object(), int, len, SimpleNamespace(name="n"), "raise", "none", range(3)),
    *({"a"}, ["a", 1, Text("b")], [{"name": "a"}]),
]
VALUES: list[Callable[[], Any]] = [
    *(lambda value=value: value for value in ORDINARY),
    lambda: MadeUp(),
    lambda: Late(),
    lambda: OnlyLooksAwaitable(),
    lambda: Broken(),
    lambda: [Broken(), None, {"name": "x", "odd": "y"}],
    lambda: Dictionary(),
    lambda: PassesForAnError(),
    lambda: ValueError("given"),
    lambda: [ValueError("in a list"), "b"],
    lambda: GraphQLError("told", extensions={"code": 1}),
    lambda: raising(ValueError("raised")),
    lambda: raising(StopIteration("stopped")),
    lambda: raising(GraphQLError("placed", path=["a", 1])),
    lambda: raising(RecursionError("deep")),
    lambda: lambda *_: "called",
    lambda: lambda *_: later("called later"),
    lambda: lambda *_: lambda *_: "called twice",
    lambda: later("late"),
    lambda: later(None),
    lambda: later(ValueError("late")),
    lambda: later(ValueError),
    lambda: Late([Late("nested"), "b"]),
    lambda: Late({"name": Late("nested")}),
    lambda: [Late("a"), "b", Late(ValueError("c")), Late(None)],
    lambda: [Late({"name": "n", "odd": 1, "things": [Late({"name": None})]})],
    lambda: (item for item in ("a", "b")),
    lambda: stops(),
    lambda: stream("a", "b"),
    lambda: stream({"name": "n", "odd": "o", "things": stream()}, Late({"name": "m"})),
    lambda: iter(["a", Late("b")]),
    lambda: {"name": lambda *_: "n", "thing": {"name": Late("m"), "text": 1}, "things": [], "odd": Late("o")},
]
FIELDS = ["text", "number", "ratio", "flag", "id", "colour", "odd", "needText", "texts", "needTexts", "grid"]
OBJECTS = ["thing", "needThing", "things", "needThings"]
LISTS = {"texts", "needTexts", "grid", "things", "needThings"}
INNER = "{ __typename name text odd thing { name text } things { name } }"


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", range(len(VALUES)))
async def test_any_value_of_a_field_without_sub_selection(field: str, value: int) -> None:
    await _compare(f"{{ before: text {field} after: __typename }}", field, value)


@pytest.mark.parametrize("field", OBJECTS)
@pytest.mark.parametrize("value", range(len(VALUES)))
async def test_any_value_of_a_field_with_sub_selection(field: str, value: int) -> None:
    await _compare(f"{{ before: text {field} {INNER} after: __typename }}", field, value)


async def _compare(document: str, field: str, value: int) -> None:
    is_stream = value in (len(VALUES) - 4, len(VALUES) - 3)
    reason = "async iterable" if is_stream and field in LISTS else None
    await same(SCHEMA, document, lambda: {"text": "t", field: VALUES[value]()}, interpreted=reason)
