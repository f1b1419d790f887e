"""Documents made up by chance over a schema: fields, aliases, fragments, arguments, directives, variables."""

from __future__ import annotations

from random import Random
from typing import Any

from graphql import (
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_non_null_type,
    is_object_type,
)

VARIABLES: dict[str, tuple[str, list[Any]]] = {
    "i": ("Int", [1, None, 7]),
    "j": ("Int!", [5]),
    "k": ("Int = 4", [1, None]),
    "s": ("String", ["x", None]),
    "l": ("[String]", [["q", None], [], None, "one"]),
    "d": ("[ID!]", [["1", 2], ["3"]]),
    "b": ("Boolean = true", [True, False]),
    "c": ("Boolean!", [True, False]),
    "z": ("Size", [{"w": 3}, None, {"w": 1, "h": None}]),
    "f": ("Float! = 2", [1, 2.5]),
    "e": ("Colour", ["RED", "LIST", None]),
    "m": ("[Colour!] = [RED]", [["RED", "GREEN"], "BLUE", []]),
}
LITERALS = {
    "Int": ["1", "null", "-3", "$i", "$j", "$k"],
    "String": ['"lit"', "null", "$s"],
    "Float": ["1.5", "2", "$f"],
    "Colour": ["RED", "LIST", "$e", "null"],
    "[Colour!]": ["[RED, LIST]", "$m", "GREEN", "[]"],
    "Boolean": ["true", "$b", "$c"],
    "Size": ["{w: 1}", "{w: 2, h: 3}", "{w: $j}", "$z", "{w: $i}"],
    "[String]": ['["a", "b"]', '"single"', "[null]", "$l", '["x", $s]', "[]"],
    "[ID!]": ['["1", 2]', "$d", "[]"],
}


class Writer:
    """Writes one document."""

    def __init__(
        self, random: Random, schema: GraphQLSchema, depth: int = 4, literals: dict[str, list[str]] = LITERALS
    ) -> None:
        self._random = random
        self._literals = literals
        self._schema = schema
        self._depth = depth
        self._left = 40
        self._fragments: list[str] = []

    def document(self) -> tuple[str, dict[str, Any]]:
        """The document and its variables."""
        operation = "mutation" if self._random.random() < 0.15 else "query"
        root = self._schema.mutation_type if operation == "mutation" else self._schema.query_type
        body = self._selection(root, self._depth)
        used = "".join([body, *self._fragments])
        names = [name for name in VARIABLES if f"${name}" in used]
        heading = ", ".join(f"${name}: {VARIABLES[name][0]}" for name in names)
        heading = f"({heading})" if heading else ""
        text = "\n".join([f"{operation} Made{heading} {body}", *self._fragments])
        return text, self._given(names)

    def _given(self, names: list[str]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name in names:
            type_, values = VARIABLES[name]
            if type_.endswith("!") or self._random.random() < 0.7:
                given[name] = self._random.choice(values)
        return given

    def _selection(self, type_: Any, depth: int) -> str:
        parts = [self._part(type_, depth) for _ in range(self._random.randint(1, 4))]
        return "{ " + " ".join(["__typename" if self._random.random() < 0.3 else "", *parts]).strip() + " }"

    def _part(self, type_: Any, depth: int) -> str:
        chance = self._random.random()
        self._left -= 1
        if depth > 0 and self._left > 0 and chance < 0.15:
            condition = self._condition(type_)
            heading = f"... on {condition.name}" if condition is not type_ or self._random.random() < 0.5 else "..."
            return f"{heading}{self._directives()} {self._selection(condition, depth - 1)}"
        if depth > 0 and self._left > 0 and chance < 0.25:
            return self._spread(type_, depth)
        if not getattr(type_, "fields", None):
            return "__typename"
        return self._field(type_, depth)

    def _spread(self, type_: Any, depth: int) -> str:
        condition = self._condition(type_)
        body = self._selection(condition, depth - 1)
        name = f"F{len(self._fragments)}"
        self._fragments.append(f"fragment {name} on {condition.name} {body}")
        again = f" ...{name}" if self._random.random() < 0.2 else ""
        return f"...{name}{self._directives()}{again}"

    def _condition(self, type_: Any) -> Any:
        if is_abstract_type(type_):
            return self._random.choice([type_, *self._schema.get_possible_types(type_)])
        if is_object_type(type_) and type_.interfaces and self._random.random() < 0.3:
            return type_.interfaces[0]
        return type_

    def _field(self, type_: Any, depth: int) -> str:
        name = self._random.choice(list(type_.fields))
        definition = type_.fields[name]
        named = get_named_type(definition.type)
        body = ""
        if is_composite_type(named):
            if depth <= 0 or self._left <= 0:
                return "__typename"
            body = " " + self._selection(named, depth - 1)
        alias = f"{self._random.choice('xyz')}: " if self._random.random() < 0.15 else ""
        return f"{alias}{name}{self._arguments(definition)}{self._directives()}{body}"

    def _arguments(self, definition: Any) -> str:
        given = []
        for name, argument in definition.args.items():
            values = self._literals.get(str(argument.type).removesuffix("!"))
            if values and self._random.random() < (0.95 if is_non_null_type(argument.type) else 0.6):
                given.append(f"{name}: {self._random.choice(values)}")
        return f"({', '.join(given)})" if given else ""

    def _directives(self) -> str:
        if self._random.random() > 0.12:
            return ""
        condition = self._random.choice(["true", "false", "$b", "$c"])
        return f" @{self._random.choice(['skip', 'include'])}(if: {condition})"
