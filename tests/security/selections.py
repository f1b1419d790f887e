"""Documents that ask for everything: whatever the schema has, as deep as no type repeats itself."""

from collections.abc import Iterator, Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLAbstractType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_required_argument,
    parse,
    visit,
)


def fields_of(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLField]]:
    """Every field of every object and interface, as `Type.field`."""
    for name, kind in schema.type_map.items():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__"):
            for field_name, field in kind.fields.items():
                yield f"{name}.{field_name}", field


class Selections:
    """Writes selections of all fields of a type."""

    def __init__(self, schema: GraphQLSchema, arguments: Mapping[str, str]) -> None:
        """`arguments` are of the fields that need some, by `Type.field`."""
        self._schema = schema
        self._arguments = arguments

    def of(self, name: str) -> str:
        """Everything of the type with this name."""
        return self._whole(self._schema.type_map[name], frozenset())

    def field(self, parent: str, name: str) -> str:
        """One field with everything of what it answers."""
        kind = self._schema.type_map[parent]
        assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
        return self._field(parent, name, kind.fields[name], frozenset()) or name

    def _whole(self, kind: GraphQLNamedType, above: frozenset[str]) -> str:
        above |= {kind.name}
        parts = ["__typename"]
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            parts += [self._field(kind.name, name, field, above) for name, field in kind.fields.items()]
        if is_abstract_type(kind):
            parts += self._variants(kind, above)
        return " ".join(filter(None, parts))

    def _variants(self, kind: GraphQLAbstractType, above: frozenset[str]) -> list[str]:
        variants = [one for one in self._schema.get_possible_types(kind) if one.name not in above]
        return [f"... on {one.name} {{ {self._whole(one, above)} }}" for one in variants]

    def _field(self, parent: str, name: str, field: GraphQLField, above: frozenset[str]) -> str:
        named = f"{parent}.{name}"
        needed = [one for one, argument in field.args.items() if is_required_argument(argument)]
        assert not needed or named in self._arguments, f"say in ARGUMENTS what {named} is asked with: {needed}"
        words, kind = name + self._arguments.get(named, ""), get_named_type(field.type)
        if not is_composite_type(kind):
            return words
        return "" if kind.name in above else f"{words} {{ {self._whole(kind, above)} }}"


def asked(schema: GraphQLSchema, text: str) -> set[str]:
    """The fields that a document asks for, as `Type.field`."""
    found: set[str] = set()
    types = TypeInfo(schema)

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_where: object) -> None:
            if (parent := types.get_parent_type()) and not node.name.value.startswith("__"):
                found.add(f"{parent.name}.{node.name.value}")

    document: DocumentNode = parse(text)
    visit(document, TypeInfoVisitor(types, Collect()))
    return found
