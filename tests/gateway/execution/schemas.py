"""Schemas made up by chance, whose types and fields behave as a `World` says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
)
from graphql.pyutils import Undefined

COLOUR = GraphQLEnumType("Colour", {"RED": "red", "GREEN": 2, "BLUE": ("b", 1), "LIST": [1]})


class World(Protocol):
    """How resolvers and types behave."""

    def resolve(self, source: Any, info: Any, **arguments: Any) -> Any: ...
    def is_type_of(self, type_name: str, value: Any, info: Any) -> Any: ...
    def resolve_type(self, value: Any, info: Any, abstract_type: Any) -> Any: ...
    def serialize(self, value: Any) -> Any: ...


@dataclass
class Stage:
    """Where the world of the moment stands: a schema outlives the worlds that play on it."""

    world: Any = None


@dataclass
class Made:
    """A schema and what it was made of."""

    schema: GraphQLSchema
    stage: Stage
    objects: list[GraphQLObjectType] = field(default_factory=list)
    abstract: list[Any] = field(default_factory=list)


def make_schema(random: Random) -> Made:
    """A schema of some objects, interfaces, a union, and leaves of every kind."""
    stage = Stage()
    leaves = [*_leaves(stage), GraphQLInt, GraphQLString, GraphQLFloat, GraphQLBoolean, GraphQLID]
    made = Made(None, stage)  # type: ignore[arg-type]
    shared = {f"s{number}": _leaf_field(random, leaves) for number in range(3)}
    interface = GraphQLInterfaceType("Face", lambda: shared, resolve_type=_type_resolver(random, stage))
    count = random.randint(2, 4)
    for number in range(count):
        made.objects.append(_object(f"O{number}", random, stage, made, leaves, interface, shared))
    union = GraphQLUnionType("Either", made.objects[: max(1, count - 1)], resolve_type=_type_resolver(random, stage))
    made.abstract += [interface, union]
    change = _object("Change", random, stage, made, leaves, interface, shared)
    made.schema = GraphQLSchema(query=made.objects[0], mutation=change, types=[*made.objects, interface, union])
    return made


def _leaves(stage: Stage) -> list[Any]:
    return [
        COLOUR,
        GraphQLScalarType("Odd", serialize=lambda value: stage.world.serialize(value)),
    ]


def _type_resolver(random: Random, stage: Stage) -> Callable[..., Any] | None:
    if random.random() < 0.4:
        return None
    return lambda value, info, abstract_type: stage.world.resolve_type(value, info, abstract_type)


def _object(
    name: str,
    random: Random,
    stage: Stage,
    made: Made,
    leaves: list[Any],
    interface: GraphQLInterfaceType,
    shared: dict[str, GraphQLField],
) -> GraphQLObjectType:
    seed = random.random()

    def fields() -> dict[str, GraphQLField]:
        chance = Random(seed)
        composite = [*made.objects, *made.abstract]
        found = {key: _with_resolver(one, chance, stage) for key, one in shared.items()}
        for number in range(chance.randint(3, 6)):
            type_ = chance.choice(composite) if chance.random() < 0.5 else chance.choice(leaves)
            one = GraphQLField(_wrapped(type_, chance), _arguments(chance) if chance.random() < 0.3 else None)
            found[f"f{number}"] = _with_resolver(one, chance, stage)
        return found

    is_type_of = None
    if random.random() < 0.5:
        is_type_of = lambda value, info: stage.world.is_type_of(name, value, info)  # noqa: E731
    return GraphQLObjectType(name, fields, [interface] if random.random() < 0.8 else [], is_type_of)


def _leaf_field(random: Random, leaves: list[Any]) -> GraphQLField:
    return GraphQLField(_wrapped(random.choice(leaves), random))


def _with_resolver(one: GraphQLField, random: Random, stage: Stage) -> GraphQLField:
    if random.random() < 0.5:
        return GraphQLField(one.type, one.args)

    def resolve(source: Any, info: Any, **given: Any) -> Any:
        return stage.world.resolve(source, info, **given)

    return GraphQLField(one.type, one.args, _asking(one, stage) if random.random() < 0.3 else resolve)


def _asking(one: GraphQLField, stage: Stage) -> Any:
    """A resolver of which plans know that it asks one thing."""

    def ask(source: Any, _context: Any, **given: Any) -> Any:
        return stage.world.question(one, source, given)

    def recover(info: Any, error: Exception, _show: Any) -> Any:
        return stage.world.recovered(info, error)

    async def resolve(source: Any, info: Any, **given: Any) -> Any:
        try:
            if (asked := ask(source, info.context, **given)) is None:
                return None
            awaitable, show = asked
            return show(await awaitable)
        except Exception as error:
            return recover(info, error, None)

    resolve.asking = ask, recover  # type: ignore[attr-defined]
    return resolve


def _wrapped(type_: Any, random: Random) -> Any:
    if random.random() < 0.35:
        type_ = GraphQLNonNull(type_)
    while random.random() < 0.3:
        type_ = GraphQLList(type_)
        if random.random() < 0.35:
            type_ = GraphQLNonNull(type_)
    return type_


SIZE = GraphQLInputObjectType(
    "Size", {"w": GraphQLInputField(GraphQLNonNull(GraphQLInt)), "h": GraphQLInputField(GraphQLInt, default_value=2)}
)
KINDS: list[tuple[Any, Any]] = [
    (COLOUR, Undefined),
    (GraphQLList(GraphQLNonNull(COLOUR)), ["red", [1]]),
    (GraphQLInt, 3),
    (GraphQLString, "d"),
    (GraphQLNonNull(GraphQLInt), Undefined),
    (GraphQLList(GraphQLString), ["a"]),
    (GraphQLList(GraphQLNonNull(GraphQLID)), Undefined),
    (SIZE, {"w": 1}),
    (GraphQLBoolean, Undefined),
    (GraphQLNonNull(GraphQLFloat), 1.5),
]


def _arguments(random: Random) -> dict[str, GraphQLArgument]:
    chosen = random.sample(KINDS, random.randint(1, 3))
    return {
        f"a{number}": GraphQLArgument(type_, default, out_name=f"out_{number}" if random.random() < 0.2 else None)
        for number, (type_, default) in enumerate(chosen)
    }
