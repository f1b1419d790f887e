"""How large an operation may be: tokens while it is parsed, then depth and aliases in one pass over the document."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)
from strawberry.extensions import SchemaExtension

from schema import errcode

INTROSPECTION = ("__schema", "__type")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one operation may have."""

    tokens: int
    depth: int
    aliases: int


@dataclass(frozen=True, slots=True)
class Extent:
    """How large a selection is once its fragments are written out."""

    depth: int = 0
    aliases: int = 0


@dataclass(slots=True)
class Outline:
    """What stands in a selection itself, and which fragments it spreads at which depth."""

    depth: int = 0
    aliases: int = 0
    spreads: list[tuple[str, int | None]] = field(default_factory=list)
    """Depth None: inside introspection, which counts for aliases only because graphql-core limits its depth."""

    def add_field(self, node: FieldNode, above: int | None) -> int | None:
        """Counts a field under others; answers its own depth."""
        self.aliases += node.alias is not None
        if above is None or node.name.value in INTROSPECTION:
            return None
        self.depth = max(self.depth, above + 1)
        return above + 1


class Guard(SchemaExtension):
    """Refuses an operation over a limit before it is validated. Stands before the caches among the extensions."""

    limits: ClassVar[Limits]

    def on_operation(self) -> Iterator[None]:
        """Lets the parser stop at the limit of tokens."""
        self.execution_context.parse_options["max_tokens"] = self.limits.tokens
        yield

    def on_validate(self) -> Iterator[None]:
        """Raises OperationTooLarge, or InvalidOperation when it is not clear which operation is meant."""
        document = self.execution_context.graphql_document
        if document:
            check_extent(document, self.limits)
            check_choice(document, self.execution_context._provided_operation_name)
        yield


def guard_with(limits: Limits) -> type[Guard]:
    """The extension for these limits. Make it once: Strawberry makes one instance of the class for each operation."""
    return type("Guard", (Guard,), {"limits": limits})


def is_over_tokens(error: GraphQLSyntaxError) -> bool:
    """Whether the parser stopped because of its limit of tokens; it says so in words only."""
    return error.message.endswith("tokens. Parsing aborted.")


def check_choice(document: DocumentNode, name: str | None) -> None:
    """Strawberry would run the first of several operations when the request names none."""
    operations = sum(isinstance(definition, OperationDefinitionNode) for definition in document.definitions)
    if name is None and operations > 1:
        raise errcode.InvalidOperation("operationName: must be given when the document holds several operations")


def check_extent(document: DocumentNode, limits: Limits) -> None:
    """Raises OperationTooLarge naming the first limit that an operation of the document is over."""
    fragments = extents(document)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            extent = written_out(outline(definition.selection_set), fragments)
            _check("depth", extent.depth, limits.depth)
            _check("aliases", extent.aliases, limits.aliases)


def _check(limit: str, value: int, most: int) -> None:
    if value > most:
        raise errcode.OperationTooLarge(limit, value, most)


def extents(document: DocumentNode) -> dict[str, Extent]:
    """The extent of each fragment, measured once however often it is spread.

    A fragment that spreads itself counts as empty where it does so: validation refuses it afterwards.
    """
    outlines = {
        definition.name.value: outline(definition.selection_set)
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    known: dict[str, Extent] = {}
    for name in _innermost_first(outlines):
        known[name] = written_out(outlines[name], known)
    return known


def written_out(part: Outline, fragments: dict[str, Extent]) -> Extent:
    """The extent with every spread replaced by what its fragment holds."""
    depth, aliases = part.depth, part.aliases
    for name, at in part.spreads:
        inside = fragments.get(name, Extent())
        aliases += inside.aliases
        depth = max(depth, at + inside.depth) if at is not None else depth
    return Extent(depth, aliases)


def outline(selections: SelectionSetNode) -> Outline:
    """What stands in the selections; a loop, so that no document can exhaust the stack."""
    found = Outline()
    waiting: list[tuple[SelectionNode, int | None]] = [(node, 0) for node in selections.selections]
    while waiting:
        node, above = waiting.pop()
        if isinstance(node, FragmentSpreadNode):
            found.spreads.append((node.name.value, above))
            continue
        depth = found.add_field(node, above) if isinstance(node, FieldNode) else above
        inner: SelectionSetNode | None = getattr(node, "selection_set", None)
        waiting += [(child, depth) for child in inner.selections] if inner else []
    return found


def _innermost_first(outlines: dict[str, Outline]) -> list[str]:
    """The names so that each comes after those it spreads, as far as they do not spread each other."""
    order: list[str] = []
    entered: set[str] = set()
    waiting = [(name, False) for name in outlines]
    while waiting:
        name, done = waiting.pop()
        if done:
            order.append(name)
        elif name not in entered:
            entered.add(name)
            waiting.append((name, True))
            waiting += [(inner, False) for inner, _ in outlines[name].spreads if inner in outlines]
    return order
