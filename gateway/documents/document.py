"""A document as the gateway knows it: which operations it holds, what each may cost, and why it cannot be run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoFragmentCyclesRule,
    NoUnusedFragmentsRule,
    OperationDefinitionNode,
    ValueNode,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from gateway.guard.cost import actual, estimate
from gateway.guard.extent import INTROSPECTION
from gateway.guard.formula import Formula, Variables
from gateway.guard.limits import Limits, check, check_census, check_source
from gateway.guard.prices import Prices, prices_of
from gateway.guard.tree import Tree, fragments_of, repeats, tree_of
from schema import errcode

RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
UNSOUND = (NoFragmentCyclesRule, NoUnusedFragmentsRule)
"""The rules that say what is wrong with fragments: what they hold need not be looked at any more."""
MOST_ERRORS = 10
"""Whoever made more mistakes reads about these first."""


@dataclass(frozen=True)
class Prepared:
    """One operation of a document."""

    schema: GraphQLSchema
    document: DocumentNode
    node: OperationDefinitionNode
    tree: Tree

    @property
    def name(self) -> str | None:
        """As the document names it."""
        return self.node.name.value if self.node.name else None

    @cached_property
    def roots(self) -> Sequence[str]:
        """The fields of the root type that it runs."""
        return [branch.nodes[0][1].name.value for branch in self.tree.values()]

    def arguments(self, field: str, name: str) -> Sequence[ValueNode | None]:
        """What the root fields of this name have for an argument; None for one that has none."""
        nodes = (branch.nodes[0][1] for branch in self.tree.values())
        found = [node.arguments or () for node in nodes if node.name.value == field]
        return [next((one.value for one in given if one.name.value == name), None) for given in found]

    @cached_property
    def introspects(self) -> bool:
        """Whether it asks about the schema."""
        return any(name in INTROSPECTION for name in self.roots)

    @cached_property
    def prices(self) -> Prices:
        """What its fields cost."""
        return prices_of(self.schema, self.node, self.tree)

    @cached_property
    def _estimate(self) -> Formula:
        return estimate(self.prices)

    def cost(self, variables: Variables) -> int:
        """What it costs at most."""
        return math.ceil(self._estimate.value(variables))

    def actual_cost(self, data: Mapping[str, object] | None) -> int:
        """What the answer cost that holds the data."""
        return math.ceil(actual(self.prices, data or {}))


class NotRunnable(Exception):
    """A document of which nothing can be run; says why, and which operation was meant, as far as that is known."""

    def __init__(self, errors: Sequence[GraphQLError], meant: Prepared | None = None) -> None:
        super().__init__(errors[0].message)
        self.errors = errors
        self.meant = meant


@dataclass(frozen=True, slots=True)
class Document:
    """A text that was asked to be run."""

    operations: Sequence[Prepared] | None
    """None where the text could not be read, or is over a limit."""
    errors: Sequence[GraphQLError]
    """Why nothing of it can be run."""

    def operation(self, name: str | None) -> Prepared:
        """The operation meant; raises NotRunnable, or InvalidOperation when it is not clear which one is meant."""
        if self.operations is None:
            raise NotRunnable(self.errors)
        meant = [one for one in self.operations if name is None or one.name == name]
        if not self.operations:
            raise errcode.InvalidOperation("query: holds no operation")
        if not meant:
            raise errcode.InvalidOperation("operationName: there is no such operation in the document")
        if name is None and len(meant) > 1:
            raise errcode.InvalidOperation("operationName: must be given when the document holds several operations")
        if self.errors:
            raise NotRunnable(self.errors, meant[0])
        return meant[0]


def read(source: str, schema: GraphQLSchema, limits: Limits) -> Document:
    """Parses, measures and validates the text, in this order and as far as it goes."""
    try:
        check_source(source, limits)
        node = parse(source, max_tokens=limits.tokens)
        sound = check_census(node, limits)
        operations = _prepared(node, schema, limits, sound=sound)
    except GraphQLSyntaxError as error:
        return Document(None, [_too_many_tokens(limits) if _is_over_tokens(error) else error])
    except errcode.OperationTooLarge as error:
        return Document(None, [_wrapped(error)])
    return Document(operations, validate(schema, node, RULES if sound else UNSOUND, max_errors=MOST_ERRORS))


def _prepared(node: DocumentNode, schema: GraphQLSchema, limits: Limits, *, sound: bool) -> Sequence[Prepared]:
    """The operations; raises OperationTooLarge when one is over a limit. Unsound fragments are not written out."""
    fragments = fragments_of(node) if sound else {}
    prepared = []
    for one in node.definitions:
        if isinstance(one, OperationDefinitionNode):
            tree = tree_of(one.selection_set, fragments)
            check("repeated fields", repeats(tree), limits.repeats)
            prepared.append(Prepared(schema, node, one, tree))
    return prepared


def _is_over_tokens(error: GraphQLSyntaxError) -> bool:
    """Whether the parser stopped because of its limit of tokens; it says so in words only."""
    return error.message.endswith("tokens. Parsing aborted.")


def _too_many_tokens(limits: Limits) -> GraphQLError:
    return _wrapped(errcode.OperationTooLarge("tokens", limits.tokens + 1, limits.tokens))


def _wrapped(error: errcode.OperationTooLarge) -> GraphQLError:
    return GraphQLError(error.message, original_error=error)
