"""One operation of one document: what of it decides about plans, and how its variables are coerced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import is_
from typing import TYPE_CHECKING, Any, TypeAlias

from graphql import (
    FragmentDefinitionNode,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
)
from graphql.execution import default_field_resolver
from graphql.execution.collect_fields import FragmentDetails
from graphql.language import DirectiveNode
from graphql.pyutils import Undefined

from .variables import CoerceAll, compile_variables

if TYPE_CHECKING:
    from .executor import CompiledExecution
    from .plan import Plan

Fragments: TypeAlias = Mapping[str, FragmentDefinitionNode]
Key: TypeAlias = tuple[Any, ...]

INCREMENTAL = frozenset({"defer", "stream"})
UNPROPAGATED = "experimental_disableErrorPropagation"
_CHARACTERS_OF_A_NODE = 8


class Operation:
    """One operation of one document, with its plans by the shape of its directives."""

    def __init__(
        self, schema: GraphQLSchema, node: OperationDefinitionNode, fragments: Fragments, most_characters: int
    ) -> None:
        self.schema = schema
        self.node = node
        self.fragments = fragments
        self._latest = node
        self._latest_fragments = [*fragments.values()]
        self.plans: dict[Any, Plan | None] = {}
        """By shape; `None` for one that cannot be compiled."""
        self.strangers = 0
        """How many executions of other shapes there were since the last plan was made."""
        self.is_kept = False
        """Whether it is remembered, and its plans are counted."""
        self.characters = _characters(node, fragments)
        """How much of memory its document takes."""
        self.details: dict[str, FragmentDetails] = {}
        self.variables: CoerceAll | None = None
        self._conditions: list[str] = []
        self.refused: str | None = "large document"
        """Why none of its executions can run a plan; `None` when they can."""
        if self.characters > most_characters:
            return
        self.details = {name: FragmentDetails(fragment) for name, fragment in fragments.items()}
        directives = list(_directives([node, *fragments.values()]))
        self.refused = self._refusal({directive.name.value for directive in directives})
        self._conditions = sorted(_variables_of_conditions(directives))
        self.variables = compile_variables(schema, node.variable_definitions or ())

    @staticmethod
    def key(schema: GraphQLSchema, node: OperationDefinitionNode) -> Key:
        """Under what it is remembered: by its source, so that a document that is parsed anew is known again."""
        if node.loc is None or node.loc.source is None:
            return schema, id(node)
        return schema, node.loc.start, node.loc.source.body

    def is_same(self, node: OperationDefinitionNode, fragments: Fragments) -> bool:
        """Whether an operation is this very one, perhaps parsed again."""
        same = self._latest is node and len(self._latest_fragments) == len(fragments)
        if same and all(map(is_, self._latest_fragments, fragments.values())):
            return True
        if not _is_equal(self, node, fragments):
            return False
        self._latest, self._latest_fragments = node, [*fragments.values()]
        return True

    def shape(self, executor: CompiledExecution) -> Key:
        """What its plan depends on beside the document."""
        coerced = executor.variable_values.coerced
        return (
            executor.field_resolver is default_field_resolver,
            executor.hide_suggestions,
            *(coerced.get(name, Undefined) for name in self._conditions),
        )

    def _refusal(self, directives: set[str]) -> str | None:
        if directives & INCREMENTAL:
            return "incremental delivery"
        if UNPROPAGATED in directives:
            return "no error propagation"
        if any(fragment.variable_definitions for fragment in self.fragments.values()):
            return "fragment variables"
        root_type = self.schema.get_root_type(self.node.operation)
        return "no root type" if root_type is None else None

    @property
    def is_serial(self) -> bool:
        """Whether its root fields run one after another."""
        return self.node.operation is OperationType.MUTATION


def _is_equal(operation: Operation, node: OperationDefinitionNode, fragments: Fragments) -> bool:
    """Whether errors would also point to the same source."""
    if operation.node.loc is None or node.loc is None:
        return False
    try:
        if operation.node != node or operation.fragments != fragments:
            return False
    except RecursionError:  # Nodes are compared by recursion.
        return False
    return operation.node.loc.source == node.loc.source


def _characters(node: OperationDefinitionNode, fragments: Fragments) -> int:
    """The length of the document that nodes keep in memory, estimated where they were made by hand."""
    if node.loc is not None and node.loc.source is not None:
        return len(node.loc.source.body)
    count = 0
    stack: list[Any] = [node, *fragments.values()]
    while stack:
        one = stack.pop()
        if isinstance(one, Node):
            count += 1
            stack.extend(getattr(one, key) for key in one.keys)
        elif isinstance(one, tuple):
            stack.extend(one)
    return count * _CHARACTERS_OF_A_NODE


def _variables_of_conditions(directives: list[DirectiveNode]) -> set[str]:
    return {
        argument.value.name.value
        for directive in directives
        if directive.name.value in {"skip", "include"}
        for argument in directive.arguments or ()
        if isinstance(argument.value, VariableNode)
    }


def _directives(nodes: list[Node]) -> Iterator[DirectiveNode]:
    """Every directive of some definitions, without recursion: a document may be deep."""
    stack: list[Any] = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, SelectionSetNode):
            stack.extend(node.selections)
            continue
        yield from node.directives or ()
        if (selection_set := getattr(node, "selection_set", None)) is not None:
            stack.append(selection_set)
