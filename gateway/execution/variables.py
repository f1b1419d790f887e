"""Variables of an operation, coerced by functions made once for their types.

Whatever is not plainly right is left to graphql-core, so that refusals and rarities are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLError,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLSchema,
    GraphQLString,
    VariableDefinitionNode,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.pyutils import Undefined
from graphql.type.scalars import coerce_boolean, coerce_float, coerce_id, coerce_int, coerce_string
from graphql.utilities.coerce_input_value import coerce_default_value

from .scalars import passes_unchanged

Coerce = Callable[[Any], Any]
"""The coerced value; Undefined for one that is left to graphql-core."""
CoerceAll = Callable[[Mapping[str, Any]], VariableValues | None]
"""The variables of one request; `None` when they are left to graphql-core."""

_PASSED_ON: dict[Any, tuple[Callable[..., Any], type]] = {
    GraphQLString: (coerce_string, str),
    GraphQLID: (coerce_id, str),
    GraphQLBoolean: (coerce_boolean, bool),
    GraphQLFloat: (coerce_float, float),
    GraphQLInt: (coerce_int, int),
}
_BOUNDS: dict[type, tuple[float, float]] = {
    int: (-2147483648, 2147483647),
    float: (-1.7976931348623157e308, 1.7976931348623157e308),
}


class _Unusual(Exception):
    """The variables are left to graphql-core."""


class _Variable:
    """One variable of an operation."""

    __slots__ = ("coerce", "default", "name", "signature")

    def __init__(self, signature: GraphQLVariableSignature) -> None:
        self.signature = signature
        self.name = signature.name
        self.coerce = _coercion(signature.type)
        self.default = _default(signature)
        """What stands for it when it is missing; Undefined for nothing."""


def compile_variables(schema: GraphQLSchema, definitions: Collection[VariableDefinitionNode]) -> CoerceAll | None:
    """A function that coerces what a client sends; `None` when graphql-core must."""
    try:
        variables = [_Variable(_signature(schema, definition)) for definition in definitions]
    except _Unusual:
        return None
    if len({variable.name for variable in variables}) < len(variables):
        return None
    return lambda inputs: _coerced(variables, inputs)


def _coerced(variables: list[_Variable], inputs: Mapping[str, Any]) -> VariableValues | None:
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for variable in variables:
        name, signature = variable.name, variable.signature
        value = inputs.get(name, Undefined)
        if value is not Undefined:
            sources[name] = VariableValueSource(signature, value)
            result = coerced[name] = variable.coerce(value)
            if result is Undefined:
                return None
            continue
        sources[name] = VariableValueSource(signature)
        if variable.default is not Undefined:
            coerced[name] = variable.default
        elif is_non_null_type(signature.type):
            return None
    return VariableValues(sources, coerced)


def _signature(schema: GraphQLSchema, definition: VariableDefinitionNode) -> GraphQLVariableSignature:
    signature = get_variable_signature(schema, definition)
    if isinstance(signature, GraphQLError):
        raise _Unusual
    return signature


def _default(signature: GraphQLVariableSignature) -> Any:
    if signature.default is None:
        return Undefined
    try:
        default = coerce_default_value(signature)
    except Exception as error:
        raise _Unusual from error
    # Anything that a resolver could change is made anew each time.
    if default is not None and type(default) not in (str, int, float, bool):
        raise _Unusual
    return default


def _coercion(type_: Any) -> Coerce:
    """How to coerce a value of a built-in scalar, an enum, or a list of one of these."""
    if is_non_null_type(type_):
        return _nullable(type_.of_type)
    coerce = _nullable(type_)
    return lambda value: None if value is None else coerce(value)


def _nullable(type_: Any) -> Coerce:
    """The same for a type that is not null; null itself is left to graphql-core."""
    if is_list_type(type_):
        return _list(type_.of_type)
    if isinstance(type_, GraphQLEnumType):
        return _enum(type_)
    coerce_value, kind = _PASSED_ON.get(type_, (None, None))
    if kind is None or type_.coerce_input_value is not coerce_value:
        raise _Unusual
    if kind in (int, float):
        low, high = _BOUNDS[kind]
        return lambda value: value if type(value) is kind and low <= value <= high else Undefined
    return lambda value: value if type(value) is kind else Undefined


def _enum(type_: GraphQLEnumType) -> Coerce:
    def coerce(value: Any) -> Any:
        try:
            return type_.coerce_input_value(value) if type(value) is str else Undefined
        except Exception:
            return Undefined

    return coerce


def _list(item_type: Any) -> Coerce:
    if is_list_type(get_nullable_type(item_type)):
        raise _Unusual
    coerce_item = _coercion(item_type)
    only = passes_unchanged(item_type)

    def coerce(values: Any) -> Any:
        if type(values) is not list:
            return Undefined
        if only is not None and set(map(type, values)) == only:
            return values.copy()
        coerced = [coerce_item(value) for value in values]
        return Undefined if any(value is Undefined for value in coerced) else coerced

    return coerce
