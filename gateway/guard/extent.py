"""Counts what a document asks for once its fragments are written out, in one pass over it: no part is visited twice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

INTROSPECTION = ("__schema", "__type")
Definition = OperationDefinitionNode | FragmentDefinitionNode


@dataclass(frozen=True, slots=True)
class Extent:
    """How large a selection is once its fragments are written out."""

    fields: int = 0
    roots: int = 0
    """How many of the fields are inside no other."""
    depth: int = 0
    introspection: int = 0
    """How deep fields are nested inside introspection, which does not count for the depth."""
    aliases: int = 0
    fragments: int = 0
    """How many fragments it spreads, named or inline."""


@dataclass(frozen=True, slots=True)
class Census:
    """What was counted of a document."""

    operations: Sequence[Extent]
    fragments: Sequence[Extent]
    directives: int
    """How many stand in the whole document."""
    sound: bool
    """Whether every fragment is used, and none spreads itself; one that does counts as empty inside itself."""


class Level(NamedTuple):
    """Where in a definition something stands: inside how many fields, and whether inside introspection."""

    depth: int
    introspects: bool


OUTSIDE = Level(0, introspects=False)


@dataclass(slots=True)
class Outline:
    """What stands in a definition itself, and which fragments it spreads at which depth."""

    fields: int = 0
    roots: int = 0
    depth: int = 0
    introspection: int = 0
    aliases: int = 0
    fragments: int = 0
    directives: int = 0
    spreads: list[tuple[str, Level]] = field(default_factory=list)

    def add_field(self, node: FieldNode, above: Level) -> Level:
        """Counts a field; answers the level of what is inside it."""
        introspects = above.introspects or node.name.value in INTROSPECTION
        self.fields += 1
        self.roots += above == OUTSIDE
        self.aliases += node.alias is not None
        level = Level(above.depth + 1, introspects)
        if introspects:
            self.introspection = max(self.introspection, level.depth)
        else:
            self.depth = max(self.depth, level.depth)
        return level


def census(document: DocumentNode) -> Census:
    """What the document holds; each of its nodes is looked at once, however often its fragments are spread."""
    definitions = [node for node in document.definitions if isinstance(node, Definition)]
    outlines = [(node, outline(node)) for node in definitions]
    named = {node.name.value: found for node, found in outlines if isinstance(node, FragmentDefinitionNode)}
    known: dict[str, Extent] = {}
    sound = _all_used([found for node, found in outlines if isinstance(node, OperationDefinitionNode)], named)
    for name in _innermost_first(named):
        sound = sound and all(spread in known for spread, _ in named[name].spreads if spread in named)
        known[name] = written_out(named[name], known)
    operations = [written_out(found, known) for node, found in outlines if isinstance(node, OperationDefinitionNode)]
    return Census(operations, [*known.values()], sum(found.directives for _, found in outlines), sound)


def _all_used(operations: Sequence[Outline], fragments: Mapping[str, Outline]) -> bool:
    unused, waiting = set(fragments), [*operations]
    while waiting:
        reached = {name for name, _ in waiting.pop().spreads} & unused
        unused -= reached
        waiting += [fragments[name] for name in reached]
    return not unused


def written_out(part: Outline, fragments: dict[str, Extent]) -> Extent:
    """The extent with every spread replaced by what its fragment holds."""
    inside = [(fragments.get(name, Extent()), at) for name, at in part.spreads]
    depths = [at.depth + one.depth for one, at in inside if not at.introspects]
    introspections = [
        at.depth + (max(one.depth, one.introspection) if at.introspects else one.introspection)
        for one, at in inside
        if at.introspects or one.introspection
    ]
    return Extent(
        fields=part.fields + sum(one.fields for one, _ in inside),
        roots=part.roots + sum(one.roots for one, at in inside if at == OUTSIDE),
        depth=max([part.depth, *depths]),
        introspection=max([part.introspection, *introspections]),
        aliases=part.aliases + sum(one.aliases for one, _ in inside),
        fragments=part.fragments + sum(one.fragments for one, _ in inside),
    )


def outline(definition: Definition) -> Outline:
    """What stands in the definition; a loop, so that no document can exhaust the stack."""
    found = Outline()
    found.directives = _count(definition.directives, *(one.directives for one in definition.variable_definitions or ()))
    waiting: list[tuple[SelectionNode, Level]] = [(node, OUTSIDE) for node in definition.selection_set.selections]
    while waiting:
        node, level = waiting.pop()
        found.directives += _count(node.directives)
        if isinstance(node, FieldNode):
            level = found.add_field(node, level)
        else:
            found.fragments += 1
        if isinstance(node, FragmentSpreadNode):
            found.spreads.append((node.name.value, level))
            continue
        inner: SelectionSetNode | None = getattr(node, "selection_set", None)
        waiting += [(child, level) for child in inner.selections] if inner else []
    return found


def _count(*directives: Sequence[DirectiveNode] | None) -> int:
    return sum(len(some) for some in directives if some)


def _innermost_first(outlines: dict[str, Outline]) -> Iterable[str]:
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
