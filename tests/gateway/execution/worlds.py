"""Values and faults made up by chance, the same for the same seed and place, whoever asks and in which order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from random import Random
from typing import Any
from zlib import crc32

from graphql import (
    GraphQLError,
    GraphQLField,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.pyutils import Undefined

from tests.gateway.execution.gates import AT_ONCE, GATED, Gates, passing
from tests.gateway.execution.schemas import Made

Path = tuple[str | int, ...]


class Odd(Exception):
    """An error with a message of its own."""

    message = "odd"


class Text(str):
    """A text that is not quite `str`."""


class Number(int):
    """A number that is not quite `int`."""


class Thing:
    """A source of fields, read by attribute."""

    def __init__(self, world: Chance, path: Path, type_name: str) -> None:
        self._world = world
        self._path = path
        self._type_name = type_name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name != "__typename":
            raise AttributeError(name)
        return self._world.attribute(self._path, self._type_name, name)

    def __repr__(self) -> str:
        return f"<{self._type_name} {self._path}>"


class Plain:
    """The same with everything in place: no attribute is made up."""

    def __init__(self, path: Path, type_name: str) -> None:
        self._path = path
        self._type_name = type_name

    def __repr__(self) -> str:
        return f"<plain {self._type_name} {self._path}>"


class Keyed(dict[str, Any]):
    """A dict of another class."""


class Chance:
    """One world: what each resolver answers at each place."""

    def __init__(self, seed: int, made: Made, gates: Gates, faults: float, waits: float, races: bool) -> None:
        self._seed = seed
        self._made = made
        self._gates = gates
        self._faults = faults
        self._waits = waits
        self._races = races
        self._kinds = GATED + AT_ONCE if races else GATED
        self.calls: list[tuple[Path, str]] = []
        """Every call of a resolver, and what it was given."""

    def _chance(self, *place: Any) -> Random:
        return Random(crc32(repr((self._seed, place)).encode()))

    # What the schema asks.

    def resolve(self, source: Any, info: Any, **arguments: Any) -> Any:
        """What a resolver answers."""
        path = tuple(info.path.as_list())
        shown = (info.field_name, info.parent_type.name, str(info.return_type), len(info.field_nodes))
        self.calls.append((path, f"{shown} {_label(source)} {arguments!r}"))
        return self._answer(info.return_type, path)

    def question(self, one: GraphQLField, source: Any, given: dict[str, Any]) -> Any:
        """What a resolver asks that knows nothing of its place, and what shows the answer."""
        path = (*_path_of(source), f"{one.type} {given!r}")
        self.calls.append((path, f"asks {given!r}"))
        random = self._chance(path, "asks")
        awaited = self._perhaps_fault(random, lambda: "answered")
        if self._races and random.random() < 0.1:
            return awaited() and None
        show = self._perhaps_fault(random, lambda: self._value(random, one.type, path))
        return random.choice(self._kinds)(self._gates, random.randrange(1 << 30), awaited), lambda _: show()

    def recovered(self, info: Any, error: Exception) -> Any:
        """What a resolver that asks is worth in spite of an error; mostly it raises it."""
        path = tuple(info.path.as_list())
        random = self._chance(path, "recovers", type(error).__name__)
        if random.random() < 0.7:
            raise error
        self.calls.append((path, f"recovers from {error!r}"))
        return self._value(random, info.return_type, path)

    def attribute(self, path: Path, type_name: str, name: str) -> Any:
        """What a default resolver reads."""
        random = self._chance(path, name, "attribute")
        if name == "__typename":
            return type_name
        if random.random() < 0.1:
            raise AttributeError(name)
        if random.random() < self._faults:
            raise ValueError(f"no {name}")
        type_ = self._made.schema.type_map[type_name]
        field = type_.fields[name]  # type: ignore[attr-defined]
        if random.random() < 0.2:
            return lambda info, **arguments: self.resolve("called", info, **arguments)
        return self._answer(field.type, (*path, name))

    def is_type_of(self, type_name: str, value: Any, info: Any) -> Any:
        """Whether a value is of a type: mostly the truth."""
        random = self._chance("is", type_name, _label(value))
        answer = getattr(value, "_type_name", None) == type_name or (
            isinstance(value, Mapping) and value.get("__typename") == type_name
        )
        if random.random() < self._faults / 3:
            answer = not answer
        return self._perhaps_later(random, self._perhaps_fault(random, lambda: answer), self._waits / 4)

    def resolve_type(self, value: Any, info: Any, abstract_type: Any) -> Any:
        """Of which type a value is: mostly the truth."""
        random = self._chance("type", _label(value))
        name = value.get("__typename") if isinstance(value, Mapping) else getattr(value, "_type_name", None)
        if random.random() < self._faults / 2:
            name = random.choice(["Nowhere", "Colour", "O0", None, 7, Text("O1")])
        return self._perhaps_later(random, self._perhaps_fault(random, lambda: name), self._waits / 4)

    def serialize(self, value: Any) -> Any:
        """What the custom scalar makes of a value."""
        if isinstance(value, tuple) and value[0] == "raise":
            raise Odd
        if isinstance(value, tuple) and value[0] == "later":
            return passing(self._gates, value[1], lambda: f"late {value[1]}" if value[1] % 4 else None)
        return None if value == "none" else {"odd": value}

    # Values.

    def _answer(self, type_: Any, path: Path) -> Any:
        random = self._chance(path)
        return self._perhaps_later(
            random, self._perhaps_fault(random, lambda: self._value(random, type_, path)), self._waits
        )

    def _perhaps_fault(self, random: Random, outcome: Callable[[], Any]) -> Callable[[], Any]:
        chance = random.random()
        if chance > self._faults:
            return outcome
        error = random.choice([ValueError("broken"), Odd(), KeyError("k"), GraphQLError("told", extensions={"a": 1})])
        if chance < self._faults / 8 and not self._races:  # It would not say which null it made.
            error = GraphQLError("elsewhere", path=["else", 3])
        if chance < self._faults / 3:
            return lambda: error

        def fail() -> Any:
            raise error

        return fail

    def _perhaps_later(self, random: Random, outcome: Callable[[], Any], likely: float) -> Any:
        if random.random() > likely:
            return outcome()
        kind = random.choice(self._kinds)
        return kind(self._gates, random.randrange(1 << 30), outcome)

    def _value(self, random: Random, type_: Any, path: Path) -> Any:
        if is_non_null_type(type_):
            return self._value(random, type_.of_type, path) if random.random() > self._faults / 4 else None
        if random.random() < 0.08:
            return random.choice([None, None, Undefined])
        if is_list_type(type_):
            return self._list(random, type_.of_type, path)
        if is_object_type(type_) or is_abstract_type(type_):
            return self._thing(random, type_, path)
        return self._leaf(random, type_)

    def _leaf(self, random: Random, type_: Any) -> Any:
        bad: list[Any] = [{"a": 1}, "bad", float("nan"), object, [1], 1 << 40, "none", ("raise", 1)]
        if random.random() < self._faults / 2:
            return random.choice(bad)
        if is_enum_type(type_):
            return random.choice(["red", 2, ("b", 1), [1]])
        if type_.name == "Odd":
            return random.choice(["x", 1, [1], ("later", random.randrange(1 << 20))])
        good: dict[str, list[Any]] = {
            "Int": [1, 2, -5, 0, True, 3.0, "12", Number(4)],
            "Float": [1.5, 2, "2.5", True, -0.0],
            "String": ["a", "", "b c", 1, 2.5, True, Text("t")],
            "Boolean": [True, False, 1, 0],
            "ID": ["id", 3, Text("i")],
        }
        return random.choice(good[type_.name])

    def _thing(self, random: Random, type_: Any, path: Path) -> Any:
        possible = self._made.schema.get_possible_types(type_) if is_abstract_type(type_) else [type_]
        chosen = random.choice(list(possible)) if possible else self._made.objects[0]
        if random.random() < self._faults / 3:
            chosen = random.choice(self._made.objects)
        kind = random.random()
        if kind < 0.3:
            return Thing(self, path, chosen.name)
        source: Any = {"__typename": chosen.name} if kind < 0.6 else Keyed(__typename=chosen.name)
        put = source.__setitem__
        if kind > 0.7:
            source = Plain(path, chosen.name)
            put = source.__dict__.__setitem__
            put(f"_{type(source).__name__}__typename", chosen.name)
        put("_label", path)
        self._furnish(chosen, path, put)
        return source

    def _furnish(self, type_: Any, path: Path, put: Callable[[str, Any], None]) -> None:
        """Gives a source what its default resolvers read: leaves as they are, all else when it is called for."""
        for name, field in type_.fields.items():
            random = self._chance(path, name, "furnish")
            if random.random() < 0.1:
                continue
            if (
                random.random() < 0.6
                and not is_list_type(field.type)
                and hasattr(get_named_type(field.type), "parse_value")
            ):
                put(name, self._leaf(random, get_named_type(field.type)))
            else:
                put(name, lambda info, **arguments: self.resolve("called", info, **arguments))

    def _list(self, random: Random, item_type: Any, path: Path) -> Any:
        if random.random() < self._faults / 4:
            return random.choice([{"a": 1}, "text", 5, b"x"])
        number = random.choice([0, 1, 2, 3])
        makers: list[Callable[[], Any]] = [lambda at=at: self._answer(item_type, (*path, at)) for at in range(number)]  # type: ignore[misc]
        kind = random.random()
        if kind < 0.55:
            return _made(makers)
        if kind < 0.7:
            return tuple(_made(makers))
        breaks = random.random() < self._faults
        return self._stream(makers, breaks) if kind > 0.85 else _iterated(makers, breaks)

    async def _stream(self, makers: list[Callable[[], Any]], breaks: bool) -> AsyncIterator[Any]:
        for maker in makers:
            try:
                item = maker()
            except Exception as error:
                item = error
            yield item
        if breaks:
            raise ValueError("the stream broke")


def _label(value: Any) -> str:
    """What is the same of a value in every run."""
    return repr(value.get("_label")) if isinstance(value, Mapping) else repr(value)


def _path_of(source: Any) -> Path:
    """Where a source stands, as far as it knows."""
    return source.get("_label", ()) if isinstance(source, Mapping) else getattr(source, "_path", ())


def _made(makers: list[Callable[[], Any]]) -> list[Any]:
    items = []
    for maker in makers:
        try:
            items.append(maker())
        except Exception as error:
            items.append(error)
    return items


def _iterated(makers: list[Callable[[], Any]], breaks: bool) -> Iterator[Any]:
    yield from _made(makers)
    if breaks:
        raise ValueError("the list broke")
