"""An operation with its fragments written out: what it selects, by response name."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
)

Tree = Mapping[str, "Branch"]


@dataclass(slots=True)
class Branch:
    """All fields of one response name at one place; execution makes one of them."""

    nodes: list[tuple[str | None, FieldNode]] = field(default_factory=list)
    """Each with the type that the innermost fragment around it is on; None where there is no such fragment."""
    inner: dict[str, "Branch"] = field(default_factory=dict)


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """The fragments of a document by name."""
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def tree_of(selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Tree:
    """The selections written out; no fragment may spread itself, and somebody has counted the fields before."""
    tree: dict[str, Branch] = {}
    waiting: list[tuple[dict[str, Branch], SelectionSetNode, str | None]] = [(tree, selections, None)]
    while waiting:
        into, some, type_name = waiting.pop()
        for node in some.selections:
            if isinstance(node, FieldNode):
                branch = into.setdefault((node.alias or node.name).value, Branch())
                branch.nodes.append((type_name, node))
                waiting += [(branch.inner, node.selection_set, None)] if node.selection_set else []
            elif isinstance(node, FragmentSpreadNode):
                spread = fragments.get(node.name.value)
                waiting += [(into, spread.selection_set, spread.type_condition.name.value)] if spread else []
            elif isinstance(node, InlineFragmentNode):
                on = node.type_condition.name.value if node.type_condition else type_name
                waiting.append((into, node.selection_set, on))
    return tree


def repeats(tree: Tree) -> int:
    """How many fields with arguments or selections repeat another: validation compares each with each."""
    total = 0
    waiting = [tree]
    while waiting:
        for branch in waiting.pop().values():
            heavy = sum(bool(node.arguments or node.selection_set) for _, node in branch.nodes)
            total += max(0, heavy - 1)
            waiting.append(branch.inner)
    return total
