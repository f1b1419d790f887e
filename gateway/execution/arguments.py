"""Argument values of a field: coerced once where they are constant, picked from the variables where they are named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputType,
    ValueNode,
    VariableNode,
    get_named_type,
    is_enum_type,
    is_non_null_type,
    is_required_argument,
    is_specified_scalar_type,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import VariableValues, coerce_argument, get_argument_values
from graphql.language import ArgumentNode
from graphql.pyutils import Undefined

from .dialect import Parameter

Pick = Callable[[VariableValues], dict[str, Any]]
"""Answers fresh keyword arguments for one call of the resolver; raises GraphQLError as graphql-core does."""

NO_VARIABLES = VariableValues({}, {})


@dataclass(frozen=True, slots=True)
class Arguments:
    """How one field's function gets its arguments."""

    pick: Pick
    constants: Mapping[str, Any] | None = None
    """The keyword arguments, where every call may be given these very objects."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """One argument: a constant, or a variable with what stands for it when it is missing."""

    name: str
    constant: Any = Undefined
    variable: str | None = None
    takes_null: bool = True
    is_copied: bool = False


class _NotSimple(Exception):
    """The arguments are left to graphql-core, at each execution."""


def compile_arguments(
    definition: GraphQLField,
    details: FieldDetails,
    hide_suggestions: bool,
    parameters: Mapping[str, Parameter] | None,
) -> Arguments | None:
    """The fastest exact way to the arguments of a field; `None` when it has none."""
    if not definition.args:
        return None
    exactly = _exactly(definition, details, hide_suggestions, parameters)
    if details.fragment_variable_values is not None:
        return Arguments(exactly)
    try:
        choices = _choices(definition, details, hide_suggestions, parameters)
    except Exception:
        # A constant that cannot be coerced fails at each execution, with graphql-core's words.
        return Arguments(exactly)
    if any(choice.variable is not None or choice.is_copied for choice in choices):
        return Arguments(_picker(choices, exactly))
    constants = {choice.name: choice.constant for choice in choices if choice.constant is not Undefined}
    return Arguments(lambda _variables: constants.copy(), constants)


def _exactly(
    definition: GraphQLField,
    details: FieldDetails,
    hide_suggestions: bool,
    parameters: Mapping[str, Parameter] | None,
) -> Pick:
    def pick(variables: VariableValues) -> dict[str, Any]:
        fragment_variables = details.fragment_variable_values
        return get_argument_values(definition, details.node, variables, fragment_variables, hide_suggestions)

    if parameters is None:
        return pick

    def pick_and_rename(variables: VariableValues) -> dict[str, Any]:
        return {
            parameters[name].name: list(value) if parameters[name].is_copied and value is not None else value
            for name, value in pick(variables).items()
        }

    return pick_and_rename


def _choices(
    definition: GraphQLField,
    details: FieldDetails,
    hide_suggestions: bool,
    parameters: Mapping[str, Parameter] | None,
) -> list[_Choice]:
    """One choice per argument; raises when it is not that simple."""
    nodes = {argument.name.value: argument for argument in details.node.arguments or ()}
    choices = []
    for name, argument in definition.args.items():
        out_name = argument.out_name or name
        parameter = parameters[out_name] if parameters else Parameter(out_name)
        choices.append(_choice(argument, name, nodes.get(name), details, hide_suggestions, parameter))
    return choices


def _choice(
    argument: GraphQLArgument,
    name: str,
    node: ArgumentNode | None,
    details: FieldDetails,
    hide_suggestions: bool,
    parameter: Parameter,
) -> _Choice:
    if node is not None and isinstance(node.value, VariableNode):
        default = Undefined
        if not is_required_argument(argument):
            default = _constant(argument, name, None, details, hide_suggestions)
        takes_null = not is_non_null_type(argument.type)
        variable = node.value.name.value
        return _Choice(parameter.name, default, variable, takes_null, parameter.is_copied)
    if node is not None and names_a_variable(node.value):
        raise _NotSimple
    constant = _constant(argument, name, node, details, hide_suggestions)
    # A list that the document spells out is coerced anew for each call: a resolver may change what it is given.
    is_fresh = node is not None and type(constant) is list
    return _Choice(parameter.name, constant, is_copied=is_fresh or (parameter.is_copied and type(constant) is list))


def _constant(
    argument: GraphQLArgument, name: str, node: ArgumentNode | None, details: FieldDetails, hide_suggestions: bool
) -> Any:
    """The value that graphql-core would coerce anew each time; Undefined for none."""
    coerced: dict[str, Any] = {}
    coerce_argument(coerced, details.node, name, argument, node, NO_VARIABLES, None, hide_suggestions)
    for value in coerced.values():
        if value is not None and not _is_always_the_same(argument.type, value):
            raise _NotSimple
        return value
    return Undefined


def _is_always_the_same(type_: GraphQLInputType, value: Any) -> bool:
    """Whether coercing gives the same again: a custom scalar may know the time, an input object is made each time."""
    named = get_named_type(type_)
    flat = type(value) is not list or not any(type(item) is list for item in value)
    return flat and (is_specified_scalar_type(named) or is_enum_type(named))


def _picker(choices: list[_Choice], exactly: Pick) -> Pick:
    def pick(variables: VariableValues) -> dict[str, Any]:
        coerced = variables.coerced
        values = {}
        for choice in choices:
            value = choice.constant
            if choice.variable is not None:
                value = coerced.get(choice.variable, value)
                if (value is None or value is Undefined) and not choice.takes_null:
                    return exactly(variables)  # which refuses it in its own words
            if value is not Undefined:
                values[choice.name] = list(value) if choice.is_copied and value is not None else value
        return values

    return pick


def names_a_variable(value: ValueNode) -> bool:
    """Whether a literal names a variable anywhere inside; without recursion, since a literal may be deep."""
    stack: list[Any] = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, VariableNode):
            return True
        stack.extend(getattr(node, "values", None) or ())
        stack.extend(field.value for field in getattr(node, "fields", None) or ())
    return False
