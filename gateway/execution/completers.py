"""How values of each GraphQL type become response data, composed once per field.

A completer takes any value that is not to be awaited first: also null, and an exception that a resolver returned.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLEnumType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLOutputType,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.pyutils import Undefined, inspect, is_iterable

from .fields import Completer, FieldPlan, absent
from .frames import Frame, path_of
from .kinds import PLAIN
from .objects import MOST_CLASSES, AbstractCompleter, ObjectCompleter
from .scalars import passes_unchanged

if TYPE_CHECKING:
    from .plan import Plan
    from .running import Execution


def compile_completer(plan: Plan, field: FieldPlan, type_: GraphQLOutputType) -> Completer:
    """How to complete values of `type_`, which is the field's type or a part of it."""
    required, nullable = False, type_
    if is_non_null_type(type_):
        required, nullable = True, type_.of_type
    if is_list_type(nullable):
        return Completer(ListCompleter(plan, field, nullable, required).complete)
    if is_leaf_type(nullable):
        leaf = LeafCompleter(field, nullable, required)
        return Completer(leaf.complete, leaf=leaf)
    if is_object_type(nullable):
        return ObjectCompleter(plan, field, nullable, required).as_completer()
    if is_abstract_type(nullable):
        return AbstractCompleter(plan, field, nullable, required).as_completer()
    raise TypeError(f"unexpected output type {type_}")


class LeafCompleter:
    """Completes values of a scalar or an enum."""

    __slots__ = ("_field", "_required", "_type", "coerce", "sure")

    def __init__(self, field: FieldPlan, type_: GraphQLLeafType, required: bool) -> None:
        self._field = field
        self._type = type_
        self._required = required
        self.coerce = MemoizedEnum(type_) if isinstance(type_, GraphQLEnumType) else type_.coerce_output_value
        self.sure: set[type] = set()
        """Grows with the classes of values that may be coerced without a second look."""

    def complete(self, execution: Execution, value: Any, place: Frame) -> Any:
        """The value as the client gets it."""
        if value is None or value is Undefined or isinstance(value, Exception):
            return absent(self._field, value, self._required)
        if PLAIN[type(value)] and len(self.sure) < MOST_CLASSES:
            self.sure.add(type(value))
        return self.checked(execution, value, self.coerce(value), place)

    def checked(self, execution: Execution, value: Any, coerced: Any, place: Frame) -> Any:
        """What a value was coerced to, if that is anything."""
        if coerced is None or coerced is Undefined:
            raise nothing_coerced(self._type, value, coerced)
        return coerced if PLAIN[type(coerced)] else execution.interpret(coerced, self._field, place)


def nothing_coerced(type_: GraphQLLeafType, value: Any, coerced: Any) -> TypeError:
    """What graphql-core raises when a leaf type makes nothing of a value."""
    return TypeError(
        f"Expected `{inspect(type_)}.coerce_output_value({inspect(value)})`"
        f" to return non-nullable value, returned: {inspect(coerced)}"
    )


class MemoizedEnum:
    """Coerces values of an enum; looks up the name of a member of a Python enum but once, as members never change."""

    __slots__ = ("_coerce", "_most", "names")

    def __init__(self, type_: GraphQLEnumType) -> None:
        self._coerce = type_.coerce_output_value
        self._most = len(type_.values)
        self.names: dict[int, tuple[Enum, Any]] = {}
        """By identity of a member, which is kept: hashing one takes longer."""

    def __call__(self, value: Any) -> Any:
        """The name of a value."""
        known = self.names.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        name = self._coerce(value)
        if isinstance(value, Enum) and PLAIN[type(value)] and len(self.names) < self._most:
            self.names[id(value)] = (value, name)
        return name


class ListCompleter:
    """Completes lists, and whatever else can be iterated."""

    __slots__ = ("_cast", "_complete_item", "_field", "_item_type", "_non_null", "_passed_on", "_required", "_runs")

    def __init__(self, plan: Plan, field: FieldPlan, type_: GraphQLList[Any], required: bool) -> None:
        self._field = field
        self._required = required
        self._item_type: GraphQLOutputType = type_.of_type
        self._non_null = is_non_null_type(self._item_type)
        self._complete_item, self._runs, self._cast, _ = compile_completer(plan, field, self._item_type)
        self._passed_on = passes_unchanged(self._item_type)

    def complete(self, execution: Execution, values: Any, place: Frame) -> Any:
        """A list of the completed items."""
        if type(values) is list and not execution.may_stream_lists:
            if self._passed_on is not None and values and set(map(type, values)) == self._passed_on:
                return values.copy()
        elif values is None or values is Undefined or isinstance(values, Exception):
            return absent(self._field, values, self._required)
        elif execution.executor.is_async_iterable(values):
            return self._interpret(execution, values, place)
        elif not is_iterable(values):
            raise self._field.not_iterable_error()
        return self._items(execution, values, place)

    def _items(self, execution: Execution, values: Iterable[Any], place: Frame) -> list[Any]:
        """Items in their order. One that fails where null may not stand fails the list."""
        complete_item, runs, cast, plain = self._complete_item, self._runs, self._cast, PLAIN
        non_null, index = self._non_null, 0
        out: list[Any] = []
        items = iter(values)
        try:
            for item in items:
                at = (place, index, None, out, non_null)
                try:
                    run = runs.get(type(item))
                    if run is not None and (cast is None or getattr(item, cast, None) is None):
                        out.append(run(execution, item, at, {}))
                    elif plain[type(item)]:
                        out.append(complete_item(execution, item, at))
                    else:
                        out.append(self._other(execution, item, at))
                except Exception as error:
                    out.append(execution.fail(error, self._field, at))
                index += 1
        except Exception:
            execution.drain(items)
            raise
        return out

    def _other(self, execution: Execution, item: Any, at: Frame) -> Any:
        if execution.is_awaitable(item):
            return execution.wait(self._field, item, at, self._complete_item)
        return self._complete_item(execution, item, at)

    def _interpret(self, execution: Execution, values: Any, place: Frame) -> Any:
        """Completes an async iterable by graphql-core itself."""
        execution.executor.plans.note("async iterable")
        field, type_ = self._field, GraphQLList(self._item_type)
        info = execution.info(field, place)
        completed = execution.executor.complete_value(type_, field.details, info, path_of(place), values, None)
        return execution.interpret(completed, field, place)
