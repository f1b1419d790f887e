"""How long the answer to an operation may be kept on its way to the client, by the hints of its fields."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cachebox import LRUCache
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)

from gateway.body import Operation
from schema.graphql.cache_control import CacheControl

NO_STORE = "no-store"
MOST_OPERATIONS = 512
META_FIELDS = {"__schema", "__type"}


class _Hint(NamedTuple):
    """What is said of a field."""

    seconds: int | None
    """How long its answer may be kept; None: as long as the object around it."""
    answers: str
    """Name of the type of what it answers."""


class CacheHints:
    """What `@cacheControl` says in a schema, and what follows for an operation; each is looked at once.

    A field that @skip or @include may leave out counts all the same, and so does a fragment on any type.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self._root = schema.query_type.name if schema.query_type else ""
        self._types = {name: _hints_of(found, schema) for name, found in schema.type_map.items()}
        self._known: LRUCache[tuple[str, str | None], str] = LRUCache(MOST_OPERATIONS)

    def header(self, operation: Operation, document: DocumentNode) -> str:
        """The value of `Cache-Control` for the whole answer to an operation, in which nothing is missing."""
        key = (operation.query, operation.name)
        header = self._known.get(key)
        if header is None:
            header = self._known[key] = self._header(document, operation.name)
        return header

    def _header(self, document: DocumentNode, name: str | None) -> str:
        operation = _chosen(document, name)
        if operation is None or operation.operation is not OperationType.QUERY:
            return NO_STORE
        fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        seconds = min(self._limits(operation.selection_set, self._root, fragments, set()), default=0)
        return f"public, max-age={seconds}" if seconds else NO_STORE

    def _limits(
        self,
        selections: SelectionSetNode,
        parent: str,
        fragments: Mapping[str, FragmentDefinitionNode],
        seen: set[str],
    ) -> Iterator[int]:
        """What each field below says, of those that say something; a fragment is looked at once."""
        for selection in selections.selections:
            match selection:
                case FieldNode():
                    yield from self._limits_of_field(selection, parent, fragments, seen)
                case InlineFragmentNode(type_condition=condition):
                    inner = condition.name.value if condition else parent
                    yield from self._limits(selection.selection_set, inner, fragments, seen)
                case FragmentSpreadNode(name=name) if name.value not in seen:
                    seen.add(name.value)
                    fragment = fragments[name.value]
                    inner = fragment.type_condition.name.value
                    yield from self._limits(fragment.selection_set, inner, fragments, seen)

    def _limits_of_field(
        self, field: FieldNode, parent: str, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]
    ) -> Iterator[int]:
        if field.name.value in META_FIELDS:
            yield 0
        elif hint := self._types[parent].get(field.name.value):
            if hint.seconds is not None:
                yield hint.seconds
            elif parent == self._root:
                yield 0
            if field.selection_set:
                yield from self._limits(field.selection_set, hint.answers, fragments, seen)


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    operations = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    return next((each for each in operations if name is None or (each.name and each.name.value == name)), None)


def _hints_of(found: GraphQLNamedType, schema: GraphQLSchema) -> dict[str, _Hint]:
    """What is said of the fields of a type, by their names; an abstract one says what the strictest of its types says.

    So a field is never kept for longer than the object that comes back allows.
    """
    fields: Mapping[str, GraphQLField] = getattr(found, "fields", {})
    return {name: _hint_of(found, name, field, schema) for name, field in fields.items()}


def _hint_of(parent: GraphQLNamedType, name: str, field: GraphQLField, schema: GraphQLSchema) -> _Hint:
    variants = [field, *(each.fields[name] for each in _possible_types(parent, schema))]
    said = [seconds for each in variants if (seconds := _seconds_of(each, schema)) is not None]
    return _Hint(min(said, default=None), get_named_type(field.type).name)


def _seconds_of(field: GraphQLField, schema: GraphQLSchema) -> int | None:
    answers = get_named_type(field.type)
    if (said := _said_of(field)) is not None:
        return said
    if is_leaf_type(answers):
        return None
    variants = [answers, *_possible_types(answers, schema)]
    return min(_said_of(each) or 0 for each in variants)


def _possible_types(found: GraphQLNamedType, schema: GraphQLSchema) -> list[GraphQLObjectType]:
    return list(schema.get_possible_types(found)) if is_abstract_type(found) else []


def _said_of(found: GraphQLField | GraphQLNamedType) -> int | None:
    """What the hint on a field or type says, if it has one."""
    definition = found.extensions.get("strawberry-definition")
    hints = [each for each in getattr(definition, "directives", None) or () if isinstance(each, CacheControl)]
    return hints[0].seconds if hints else None
