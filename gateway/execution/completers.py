"""How values of each GraphQL type become response data, composed once per field.

A completer takes any value that is not to be awaited first: also null, and an exception that a resolver returned.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLEnumType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution import default_type_resolver
from graphql.execution.executor import get_typename, invalid_return_type_error
from graphql.pyutils import Undefined, inspect, is_iterable

from .fields import Complete, Completer, FieldPlan, Runs
from .frames import Frame, path_of
from .kinds import PLAIN
from .scalars import passes_unchanged

if TYPE_CHECKING:
    from .plan import Plan
    from .running import Execution, Run


_MOST_CLASSES = 64


def compile_completer(plan: Plan, field: FieldPlan, type_: GraphQLOutputType) -> Completer:
    """How to complete values of `type_`, which is the field's type or a part of it."""
    required = is_non_null_type(type_)
    if required:
        type_ = type_.of_type
    if is_list_type(type_):
        return Completer(_list(plan, field, type_, required))
    if is_leaf_type(type_):
        return Completer(_leaf(field, type_, required))
    if is_object_type(type_):
        return _object(plan, field, type_, required)
    if is_abstract_type(type_):
        return _abstract(plan, field, type_, required)
    raise TypeError(f"unexpected output type {type_}")


def _absent(field: FieldPlan, value: Any, required: bool) -> None:
    """Null for a value that is none, or what graphql-core raises where there must be one."""
    if isinstance(value, Exception):
        raise value
    if required:
        raise field.null_error()


def _leaf(field: FieldPlan, type_: GraphQLLeafType, required: bool) -> Complete:
    coerce = memoized_enum(type_) if isinstance(type_, GraphQLEnumType) else type_.coerce_output_value

    def complete(execution: Execution, value: Any, place: Frame) -> Any:
        if value is None or value is Undefined or isinstance(value, Exception):
            return _absent(field, value, required)
        coerced = coerce(value)
        if coerced is None or coerced is Undefined:
            raise nothing_coerced(type_, value, coerced)
        return coerced if PLAIN[type(coerced)] else execution.interpret(coerced, field, place)

    return complete


def nothing_coerced(type_: GraphQLLeafType, value: Any, coerced: Any) -> TypeError:
    """What graphql-core raises when a leaf type makes nothing of a value."""
    return TypeError(
        f"Expected `{inspect(type_)}.coerce_output_value({inspect(value)})`"
        f" to return non-nullable value, returned: {inspect(coerced)}"
    )


def memoized_enum(type_: GraphQLEnumType) -> Callable[[Any], Any]:
    """The name of an enum's value, looked up once per member of a Python enum: members never change."""
    names: dict[int, tuple[Enum, Any]] = {}
    most = len(type_.values)

    def coerce(value: Any) -> Any:
        known = names.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        name = type_.coerce_output_value(value)
        if isinstance(value, Enum) and PLAIN[type(value)] and len(names) < most:
            names[id(value)] = (value, name)
        return name

    return coerce


def _list(plan: Plan, field: FieldPlan, type_: GraphQLList[Any], required: bool) -> Complete:
    item_type = type_.of_type
    non_null = is_non_null_type(item_type)
    complete_item, runs, cast = compile_completer(plan, field, item_type)
    only = passes_unchanged(item_type)
    plain = PLAIN

    def complete(execution: Execution, values: Any, place: Frame) -> Any:
        if type(values) is list:
            if only is not None and values and set(map(type, values)) == only:
                return values.copy()
        elif values is None or values is Undefined or isinstance(values, Exception):
            return _absent(field, values, required)
        elif execution.executor.is_async_iterable(values):
            return _interpret(execution, field, type_, values, place)
        elif not is_iterable(values):
            raise field.not_iterable_error()
        out: list[Any] = []
        items = iter(values)
        index = 0
        try:
            for item in items:
                at = (place, index, None, out, non_null)
                try:
                    run = runs.get(type(item))
                    if run is not None and (cast is None or getattr(item, cast, None) is None):
                        out.append(run(execution, item, at, {}))
                    elif plain[type(item)]:
                        out.append(complete_item(execution, item, at))
                    elif execution.is_awaitable(item):
                        out.append(execution.wait(field, item, at, complete_item))
                    else:
                        out.append(complete_item(execution, item, at))
                except Exception as error:
                    out.append(execution.fail(error, field, at))
                index += 1
        except Exception:
            execution.drain(items)
            raise
        return out

    return complete


def _interpret(execution: Execution, field: FieldPlan, type_: GraphQLOutputType, value: Any, place: Frame) -> Any:
    """Completes a value by graphql-core itself."""
    execution.executor.plans.note("async iterable")
    info = execution.info(field, place)
    completed = execution.executor.complete_value(type_, field.details, info, path_of(place), value, None)
    return execution.interpret(completed, field, place)


def _object(plan: Plan, field: FieldPlan, type_: GraphQLObjectType, required: bool) -> Completer:
    runs: Runs = {}
    run: Run | None = None
    is_type_of = type_.is_type_of
    cast = plan.dialect.cast if is_type_of else None
    surely = plan.dialect.classes_of(type_)

    def select(execution: Execution, value: Any, place: Frame) -> Any:
        nonlocal run
        if run is None:
            run = plan.selection(execution, field, type_)
        return run(execution, value, place, {})

    def complete(execution: Execution, value: Any, place: Frame) -> Any:
        if value is None or value is Undefined or isinstance(value, Exception):
            return _absent(field, value, required)
        if is_type_of is not None and (type(value) not in surely or is_cast(value, cast)):
            return ask(execution, value, place)
        completed = select(execution, value, place)
        remember(value)
        return completed

    def remember(value: Any) -> None:
        if run is not None and PLAIN[type(value)] and len(runs) < _MOST_CLASSES:
            runs[type(value)] = run

    def ask(execution: Execution, value: Any, place: Frame) -> Any:
        assert is_type_of is not None
        answer = is_type_of(value, execution.info(field, place))
        if execution.is_awaitable(answer):
            return execution.wait(field, answer, place, lambda _, answer, __: check(execution, value, place, answer))
        return check(execution, value, place, answer)

    def check(execution: Execution, value: Any, place: Frame, answer: Any) -> Any:
        if not answer:
            raise invalid_return_type_error(type_, value, field.details)
        return select(execution, value, place)

    return Completer(complete, runs, cast)


def is_cast(value: Any, attribute: str | None) -> bool:
    """Whether an object was declared to be of another type than its class says."""
    return attribute is not None and getattr(value, attribute, None) is not None


def _abstract(plan: Plan, field: FieldPlan, type_: Any, required: bool) -> Completer:
    by_name: dict[str, Completer] = {}
    runs: Runs = {}
    names = plan.dialect.names_of(plan.schema, type_)
    cast = plan.dialect.cast

    def complete(execution: Execution, value: Any, place: Frame) -> Any:
        if value is None or value is Undefined or isinstance(value, Exception):
            return _absent(field, value, required)
        name = names.get(type(value))
        if name is None or is_cast(value, cast):
            return ask(execution, value, place)
        completed = as_named(execution, value, place, name)
        if (run := by_name[name].runs.get(type(value))) is not None:
            runs[type(value)] = run
        return completed

    def ask(execution: Execution, value: Any, place: Frame) -> Any:
        resolve_type = type_.resolve_type or execution.executor.type_resolver
        name = get_typename(value) if resolve_type is default_type_resolver and type(value) is dict else None
        if type(name) is not str:
            name = resolve_type(value, execution.info(field, place), type_)
            if execution.is_awaitable(name):
                return execution.wait(field, name, place, lambda _, name, __: as_named(execution, value, place, name))
        return as_named(execution, value, place, name)

    def as_named(execution: Execution, value: Any, place: Frame, name: Any) -> Any:
        known = by_name.get(name) if type(name) is str else None
        if known is None:
            info = execution.info(field, place)
            runtime_type = execution.executor.ensure_valid_runtime_type(name, type_, field.details, info, value)
            known = by_name[runtime_type.name] = _object(plan, field, runtime_type, required)
        return known.complete(execution, value, place)

    return Completer(complete, runs, cast)
