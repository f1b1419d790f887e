"""The built-in scalars, and which values they pass on as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLString,
    get_nullable_type,
    is_scalar_type,
)
from graphql.type.scalars import serialize_boolean, serialize_float, serialize_id, serialize_int, serialize_string

# By scalar: how it coerces, an expression that is true only for a `v` that it passes on, and the type of such values
# where the type says it all.
_UNCHANGED: dict[GraphQLScalarType, tuple[Callable[[Any], Any], str, type | None]] = {
    GraphQLString: (serialize_string, "type(v) is str", str),
    GraphQLID: (serialize_id, "type(v) is str", str),
    GraphQLBoolean: (serialize_boolean, "v is True or v is False", bool),
    GraphQLInt: (serialize_int, "type(v) is int and -2147483648 <= v <= 2147483647", None),
    GraphQLFloat: (
        serialize_float,
        "type(v) is float and -1.7976931348623157e308 <= v <= 1.7976931348623157e308",
        None,
    ),
}


def unchanged_test(type_: GraphQLOutputType) -> str | None:
    """An expression over `v` that is true for values needing no coercion; `None` for types that have none."""
    known = _known(type_)
    if known is None:
        return None
    return known[1] if get_nullable_type(type_) is not type_ else f"v is None or {known[1]}"


def passes_unchanged(type_: GraphQLOutputType) -> set[type] | None:
    """The one Python type, in a set, of which the scalar passes on every value; `None` when it is not that simple."""
    known = _known(type_)
    return None if known is None or known[2] is None else {known[2]}


def _known(type_: GraphQLOutputType) -> tuple[Callable[[Any], Any], str, type | None] | None:
    scalar = get_nullable_type(type_)
    if not is_scalar_type(scalar):
        return None
    known = _UNCHANGED.get(scalar)
    return known if known is not None and scalar.coerce_output_value is known[0] else None
