"""Variables of an operation, coerced by functions made once for their types.

Whatever is not plainly right is left to graphql-core, so that refusals and rarities are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputType,
    GraphQLInt,
    GraphQLSchema,
    GraphQLString,
    VariableDefinitionNode,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.pyutils import Undefined
from graphql.type.scalars import coerce_boolean, coerce_float, coerce_id, coerce_int, coerce_string

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


def compile_variables(schema: GraphQLSchema, definitions: Collection[VariableDefinitionNode]) -> CoerceAll | None:
    """A function that coerces what a client sends; `None` when graphql-core must."""
    known: list[tuple[GraphQLVariableSignature, Coerce]] = []
    for definition in definitions:
        signature = get_variable_signature(schema, definition)
        coerce = None if isinstance(signature, GraphQLError) else compile_coercion(signature.type)
        if isinstance(signature, GraphQLError) or coerce is None:
            return None
        known.append((signature, coerce))
    if len({signature.name for signature, _ in known}) < len(known):
        return None

    def coerce_all(inputs: Mapping[str, Any]) -> VariableValues | None:
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for signature, coerce in known:
            value = inputs.get(signature.name, Undefined)
            if value is Undefined:
                if signature.default is not None or is_non_null_type(signature.type):
                    return None
                sources[signature.name] = VariableValueSource(signature)
                continue
            sources[signature.name] = VariableValueSource(signature, value)
            result = coerced[signature.name] = coerce(value)
            if result is Undefined:
                return None
        return VariableValues(sources, coerced)

    return coerce_all


def compile_coercion(type_: GraphQLInputType) -> Coerce | None:
    """How to coerce a value of a built-in scalar or a list of one; `None` for any other type."""
    required = is_non_null_type(type_)
    if required:
        type_ = type_.of_type
    if is_list_type(type_):
        return _list(type_.of_type, required)
    coerce_value, kind = _PASSED_ON.get(type_, (None, None))
    if kind is None or type_.coerce_input_value is not coerce_value:
        return None

    def coerce(value: Any) -> Any:
        if type(value) is kind and (value == value and _is_small(value)):
            return value
        return None if value is None and not required else Undefined

    return coerce


def _list(item_type: GraphQLInputType, required: bool) -> Coerce | None:
    coerce_item = compile_coercion(item_type)
    if coerce_item is None or is_list_type(item_type) or is_list_type(getattr(item_type, "of_type", None)):
        return None

    def coerce(values: Any) -> Any:
        if type(values) is not list:
            return None if values is None and not required else Undefined
        if set(map(type, values)) == {str} and coerce_item(values[0]) is not Undefined:
            return values.copy()
        coerced = [coerce_item(value) for value in values]
        return Undefined if any(value is Undefined for value in coerced) else coerced

    return coerce


def _is_small(value: Any) -> bool:
    """Whether a number fits its scalar; texts always do."""
    if type(value) is int:
        return -2147483648 <= value <= 2147483647
    return type(value) is not float or -1.7976931348623157e308 <= value <= 1.7976931348623157e308
