"""One field of a selection: everything about it that is the same for each execution, and its slow but exact ways."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import GraphQLError, GraphQLField, GraphQLObjectType, is_non_null_type
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.executor import to_nodes
from graphql.language import FieldNode

from .dialect import Call, Reading, Show
from .frames import Frame

if TYPE_CHECKING:
    from .arguments import Arguments
    from .completers import LeafCompleter
    from .running import Execution
    from .selections import Sources

Complete = Callable[["Execution", Any, Frame], Any]
"""Turns a resolved value into response data at a place; raises what graphql-core would raise there."""


_are_known = attrgetter("are_known")
Runs = dict[type, Callable[..., Any]]
"""By exact class of a value, the selection to run on it right away."""


class Completer(NamedTuple):
    """How values of a type are completed."""

    complete: Complete
    runs: Runs = {}
    """Grows with the classes of objects that need no test but for a cast."""
    cast: str | None = None
    """The attribute by which an object may be cast to another type than that of its class."""
    leaf: LeafCompleter | None = None
    """What completes a scalar or an enum."""


class FieldPlan:
    """A field of one object type in one selection set."""

    __slots__ = (
        "arguments",
        "call",
        "cast",
        "complete",
        "definition",
        "details",
        "key",
        "leaf",
        "may_be_called",
        "name",
        "non_null",
        "parent",
        "parent_name",
        "reading",
        "runs",
        "sources",
    )

    def __init__(
        self, key: str, definition: GraphQLField, parent: GraphQLObjectType, details: FieldDetailsList
    ) -> None:
        self.key = key
        self.name = details[0].node.name.value
        self.definition = definition
        self.parent = parent
        self.parent_name = parent.name
        self.details = details
        self.non_null = is_non_null_type(definition.type)
        self.complete: Complete = _not_yet
        self.runs: Runs = {}
        self.cast: str | None = None
        self.leaf: LeafCompleter | None = None
        self.reading: Reading | None = None
        """How to read the field where no function is called for it."""
        self.may_be_called = False
        """Whether what is read is called when it is callable."""
        self.call: Call | None = None
        """How to call the field's resolver; `None` where the field is read, or the execution brings the resolver."""
        self.arguments: Arguments | None = None
        self.sources: tuple[Sources, ...] = ()
        """Of each selection on its objects, what knows their classes."""

    @property
    def is_told(self) -> bool:
        """Whether what is made of an object depends on it alone, as far as any was seen: all is read by told parts."""
        return all(map(_are_known, self.sources))

    def nodes(self) -> list[FieldNode]:
        """The field's nodes in the document, in a list of their own."""
        return to_nodes(self.details)

    def other(self, execution: Execution, value: Any, place: Frame) -> Any:
        """Completes a value that may be anything: awaitable, an exception, or an ordinary one."""
        if execution.is_awaitable(value):
            return execution.wait(self, value, place, self.finish)
        return self.complete(execution, value, place)

    def finish(self, execution: Execution, value: Any, place: Frame) -> Any:
        """Completes a value that is not to be awaited first."""
        run = self.runs.get(type(value))
        if run is not None and (self.cast is None or getattr(value, self.cast, None) is None):
            return run(execution, value, place, {})
        return self.complete(execution, value, place)

    def recovered(self, execution: Execution, error: Exception, show: Show | None, place: Frame) -> Any:
        """What a field that asks is worth in spite of an error; raises where it is worth nothing."""
        assert self.call is not None
        assert self.call.asking is not None
        make_info = self.call.make_info
        info = execution.info(self, place) if make_info is None else make_info(execution, self, place)
        return self.call.asking.recover(info, error, show)

    def read(self, execution: Execution, value: Any, place: Frame) -> Any:
        """Completes what a default resolver read when that is not simply a leaf value."""
        try:
            if self.may_be_called and callable(value):
                value = value(execution.info(self, place))
            return self.other(execution, value, place)
        except Exception as error:
            return execution.fail(error, self, place)

    def null_error(self) -> TypeError:
        """What graphql-core raises for a null that the type forbids."""
        return TypeError(f"Cannot return null for non-nullable field {self.parent}.{self.name}.")

    def not_iterable_error(self) -> GraphQLError:
        """What graphql-core raises for a list field without a list."""
        return GraphQLError(f"Expected Iterable, but did not find one for field '{self.parent}.{self.name}'.")


def absent(field: FieldPlan, value: Any, required: bool) -> None:
    """Null for a value that is none, or what graphql-core raises where there must be one."""
    if isinstance(value, Exception):
        raise value
    if required:
        raise field.null_error()


def _not_yet(_execution: Execution, _value: Any, _place: Frame) -> Any:
    raise AssertionError("a field is completed before it was compiled")
