"""What each field of an operation costs, as the schema declares it.

After the cost directives of https://ibm.github.io/graphql-specs/cost-spec.html, as one number: each object costs 1,
each field its `@cost`, and what is inside a list counts once for each item.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    introspection_types,
    is_introspection_type,
    is_leaf_type,
)

from gateway.guard.formula import Size, largest, size_of
from gateway.guard.tree import Branch, Tree
from schema.graphql.cost import Cost, ListSize, declared

UNDECLARED = Size(5)
"""Of a list that says nothing of its size: those of introspection, whose items are cheap."""
INTROSPECTED = 0.05
"""What an object of introspection costs: it is there already."""
META_FIELDS = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}
ALL_TYPES = cast(GraphQLObjectType, introspection_types["__Schema"]).fields["types"]
Defaults = Mapping[str, ValueNode | None]
Use = tuple[FieldNode, GraphQLField]
"""A field of a document, as one of the types that it may be of defines it."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a field of an operation costs, whichever of its types it is of."""

    asking: int
    """Once for the field."""
    each: float
    """For each object that it answers; nothing for a plain value."""
    size: Size | None
    """How many items it answers at most; None where it is no list."""
    only: frozenset[str]
    """The object types that have it; empty where all may."""
    inner: "Prices"


Prices = Mapping[str, Price]
"""By response name."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where fields are selected: the types they may be of, and the sizes of the lists that the field above told."""

    types: Sequence[GraphQLNamedType]
    sizes: Mapping[str, Size]


def prices_of(schema: GraphQLSchema, operation: OperationDefinitionNode, tree: Tree) -> Prices:
    """What the fields cost. Those that the schema does not have cost nothing: validation refuses them."""
    root = schema.get_root_type(operation.operation)
    defaults = {one.variable.name.value: one.default_value for one in operation.variable_definitions or ()}
    return _Pricing(schema.type_map, defaults).selection(tree, Place([root] if root else [], {}))


class _Pricing:
    def __init__(self, types: Mapping[str, GraphQLNamedType], defaults: Defaults) -> None:
        self._types = types
        self._defaults = defaults

    def selection(self, tree: Tree, place: Place) -> Prices:
        return {name: self._price(branch, place) for name, branch in tree.items()}

    def _price(self, branch: Branch, place: Place) -> Price:
        uses = [*self._uses(branch, place)]
        types = {type_.name: type_ for _, field in uses if not is_leaf_type(type_ := get_named_type(field.type))}
        within = Place([*types.values()], self._sizes_told(uses))
        return Price(
            asking=max((_asking(field) for _, field in uses), default=0),
            each=_each(types.values()),
            size=self._size(uses, place),
            only=self._only(branch),
            inner=self.selection(branch.inner, within),
        )

    def _uses(self, branch: Branch, place: Place) -> Iterator[Use]:
        for on, node in branch.nodes:
            condition = self._types.get(on or "")
            for type_ in [condition] if condition else place.types:
                name = node.name.value
                if field := META_FIELDS.get(name) or getattr(type_, "fields", {}).get(name):
                    yield node, field

    def _only(self, branch: Branch) -> frozenset[str]:
        names = {on if isinstance(self._types.get(on or ""), GraphQLObjectType) else None for on, _ in branch.nodes}
        return frozenset() if None in names else frozenset(str(name) for name in names)

    def _size(self, uses: Sequence[Use], place: Place) -> Size | None:
        if not any(isinstance(get_nullable_type(field.type), GraphQLList) for _, field in uses):
            return None
        return largest(place.sizes.get(node.name.value) or self._own_size(node, field) for node, field in uses)

    def _sizes_told(self, uses: Sequence[Use]) -> dict[str, Size]:
        """The sizes of the lists that stand one level below the field that tells them."""
        found: dict[str, list[Size]] = {}
        for node, field in uses:
            told: ListSize | None = declared(field, ListSize)
            for name in (told and told.sized_fields) or ():
                found.setdefault(name, []).append(self._own_size(node, field))
        return {name: largest(sizes) for name, sizes in found.items()}

    def _own_size(self, node: FieldNode, field: GraphQLField) -> Size:
        told: ListSize | None = declared(field, ListSize)
        if told is None:
            return Size(len(self._types)) if field is ALL_TYPES else UNDECLARED
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        said = [self._size_said(given.get(name), field.args[name]) for name in told.slicing_arguments or ()]
        return largest([*said, Size(told.assumed_size or 0)])

    def _size_said(self, value: ValueNode | None, argument: GraphQLArgument) -> Size:
        if value is None:
            return Size(size_of(argument.default_value))
        if not isinstance(value, VariableNode):
            return Size(_literal(value))
        default = self._defaults.get(value.name.value)
        return Size(0, ((value.name.value, _literal(default) if default else size_of(argument.default_value)),))


def _each(types: Collection[GraphQLNamedType]) -> float:
    if not types:
        return 0
    return INTROSPECTED if all(map(is_introspection_type, types)) else 1


def _asking(field: GraphQLField) -> int:
    cost: Cost | None = declared(field, Cost)
    return int(cost.weight) if cost else 0


def _literal(value: ValueNode) -> int:
    match value:
        case IntValueNode():
            return size_of(int(value.value))
        case ListValueNode():
            return len(value.values)
    return 0
