"""Plans for Strawberry schemas: attributes are read and resolvers called without the layers in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import cached_property
from inspect import CO_COROUTINE
from types import FunctionType, MethodType
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLAbstractType,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
)
from strawberry import Schema
from strawberry.execution import optimized_is_awaitable
from strawberry.relay.types import GlobalID
from strawberry.schema import schema_converter
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.arguments import StrawberryArgument, _is_leaf_type
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryObjectDefinition, StrawberryOptional
from strawberry.types.cast import TYPE_CAST_ATTRIBUTE
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver
from strawberry.types.info import Info

from .dialect import Call, Dialect, MakeInfo, Parameter, Reading, attribute
from .executor import CompiledExecution
from .fields import FieldPlan
from .frames import Frame
from .kinds import PLAIN
from .plans import Plans
from .running import Execution

DEFINITION = schema_converter.GraphQLCoreConverter.DEFINITION_BACKREF
_TAKEN = frozenset({"info", "self", "_source", "source", "next_"})
"""Names that Strawberry's own functions take: an argument of such a name is left to them."""


class StrawberryDialect(Dialect):
    """Knows what Strawberry's own resolvers and type tests do; anybody else's are called."""

    predicates = Dialect.predicates | {optimized_is_awaitable}
    cast = TYPE_CAST_ATTRIBUTE

    def reading(self, definition: GraphQLField, resolve: Callable[..., Any], name: str) -> Reading | None:
        """A field without resolver is an attribute of its source."""
        field = _closed_over(resolve, "_get_basic_result").get("field")
        if field is None or not _is_ordinary(field) or field.base_resolver:
            return super().reading(definition, resolve, name)
        return attribute(field.python_name, field.default) if field.default_resolver is getattr else None

    def call(self, definition: GraphQLField, resolve: Callable[..., Any]) -> Call:
        """A resolver that is an ordinary function, without extensions, is called as such."""
        found = _closed_over(resolve, "_async_resolver") or _closed_over(resolve, "_resolver")
        made_for = _closed_over(found.get("_strawberry_info_from_graphql"), "_strawberry_info_from_graphql")
        field, converter = made_for.get("field"), made_for.get("self")
        if found.get("field_exception_handlers") or field is None or converter is None:
            return Call(resolve)
        if not _is_ordinary(field) or field.extensions:
            return Call(resolve)
        return _direct(field, converter, definition) or Call(resolve)

    def classes_of(self, type_: GraphQLObjectType) -> Collection[type]:
        """The class that the type was made from."""
        definition: Any = type_.extensions.get(DEFINITION)
        if not isinstance(definition, StrawberryObjectDefinition) or not PLAIN[definition.origin]:
            return ()
        return {definition.origin} if _closed_over(type_.is_type_of, "is_type_of") else ()

    def names_of(self, schema: GraphQLSchema, type_: GraphQLAbstractType) -> Mapping[type, str]:
        """The classes of an interface's object types."""
        interface: Any = type_.extensions.get(DEFINITION)
        if not isinstance(interface, StrawberryObjectDefinition) or not _closed_over(
            type_.resolve_type, "resolve_type"
        ):
            return {}
        found: list[Any] = [one.extensions.get(DEFINITION) for one in schema.get_possible_types(type_)]
        return {one.origin: one.name for one in found if _is_of(one, interface.origin)}


def _is_ordinary(field: Any) -> bool:
    return isinstance(field, StrawberryField) and type(field).get_result is StrawberryField.get_result


def _is_of(definition: Any, interface: type) -> bool:
    """Whether every instance of a definition's class is of its type, as a type of the interface."""
    if not isinstance(definition, StrawberryObjectDefinition) or definition.is_graphql_generic:
        return False
    kind: type[Any] = definition.origin
    return issubclass(kind, interface) and kind.__dict__.get("__strawberry_definition__") is definition and PLAIN[kind]


def _closed_over(function: Any, name: str) -> dict[str, Any]:
    """The variables around one of Strawberry's own inner functions; empty for any other function.

    It goes by the code, because a function that wraps another often takes over its name and module.
    """
    code = getattr(function, "__code__", None)
    if not isinstance(function, FunctionType) or code is None or code.co_name != name:
        return {}
    if code.co_filename != schema_converter.__file__:
        return {}
    return {
        variable: cell.cell_contents
        for variable, cell in zip(code.co_freevars, function.__closure__ or (), strict=True)
    } or {"": None}


def _direct(
    field: StrawberryField, converter: schema_converter.GraphQLCoreConverter, definition: GraphQLField
) -> Call | None:
    """The call that Strawberry comes to in the end; `None` for resolvers that need more than that."""
    resolver = field.base_resolver
    if type(resolver) is not StrawberryResolver or not _is_function(resolver.wrapped_func, field.is_async):
        return None
    function: Any = resolver.wrapped_func
    parameters = _parameters(field.arguments, converter)
    if parameters is None or parameters.keys() != {one.out_name or name for name, one in definition.args.items()}:
        return None
    named = {one.name: "s" for one in (resolver.parent_parameter, resolver.root_parameter) if one}
    if resolver.info_parameter:
        named[resolver.info_parameter.name] = "i"
    if named.keys() & {parameter.name for parameter in parameters.values()}:
        return None
    positional = ("s",) if resolver.self_parameter else ()
    make_info = info_maker(field, converter.config)
    return Call(function, positional, tuple(named.items()), make_info, parameters)


def _is_function(function: Any, is_async: bool) -> bool:
    """Whether calling it is calling a Python function; for `async def`, calling never runs any of it."""
    if isinstance(function, MethodType):
        function = function.__func__
    return isinstance(function, FunctionType) and is_async is bool(function.__code__.co_flags & CO_COROUTINE)


def _parameters(
    arguments: list[StrawberryArgument], converter: schema_converter.GraphQLCoreConverter
) -> dict[str, Parameter] | None:
    """How each argument reaches the resolver; `None` when Strawberry converts one of them."""
    parameters = {}
    for argument in arguments:
        name = converter.config.name_converter.from_argument(argument)
        is_list = _is_list(argument.type, converter)
        if is_list is None or name in _TAKEN or argument.python_name in _TAKEN:
            return None
        parameters[name] = Parameter(argument.python_name, is_list)
    return parameters


def _is_list(type_: Any, converter: schema_converter.GraphQLCoreConverter) -> bool | None:
    """False for a scalar or an enum, which are passed on; True for a list of such; `None` for all else."""
    is_list = False
    type_ = _without_optional(type_)
    if isinstance(type_, StrawberryList):
        is_list, type_ = True, _without_optional(type_.of_type)
    if isinstance(type_, StrawberryMaybe) or type_ is GlobalID:
        return None
    return is_list if _is_leaf_type(type_, converter.scalar_registry, skip_classes=(GlobalID,)) else None


def _without_optional(type_: Any) -> Any:
    return type_.of_type if type(type_) is StrawberryOptional else type_


def info_maker(field: StrawberryField, config: StrawberryConfig) -> MakeInfo:
    """Makes Strawberry's info of a field."""
    info_class = config.info_class

    def make_info(execution: Execution, plan: FieldPlan, place: Frame) -> Any:
        return info_class(_raw_info=execution.info(plan, place), _field=field)

    def make_late_info(execution: Execution, plan: FieldPlan, place: Frame) -> Any:
        info = _new(LateInfo)
        info.__dict__ = {"_field": field, "_of": (execution, plan, place)}
        return info

    return make_late_info if info_class is Info else make_info


class LateInfo(Info[Any, Any]):
    """Strawberry's info that makes graphql-core's info only when it is asked for more than the context."""

    @cached_property
    def _raw_info(self) -> GraphQLResolveInfo[Any]:  # type: ignore[override]
        execution, plan, place = self.__dict__["_of"]
        info: GraphQLResolveInfo[Any] = execution.info(plan, place)
        return info

    @property
    def context(self) -> Any:
        """The context passed to the query execution."""
        if "_raw_info" in self.__dict__:
            return self._raw_info.context
        return self.__dict__["_of"][0].executor.context_value


LateInfo.__name__ = LateInfo.__qualname__ = Info.__name__
_new = object.__new__


class CompiledStrawberryExecutor(CompiledExecution, StrawberryGraphQLCoreExecutionContext):
    """The executor to pass to `strawberry.Schema` as `execution_context_class`."""

    dialect = StrawberryDialect()


def compiled_strawberry_executor(plans: Plans) -> type[CompiledStrawberryExecutor]:
    """The same with plans of its own."""
    return type("CompiledStrawberryExecutor", (CompiledStrawberryExecutor,), {"plans": plans})


def execute_known(
    schema: Schema,
    document: DocumentNode,
    variables: dict[str, Any] | None = None,
    context: Any = None,
    operation_name: str | None = None,
) -> ExecutionResult | Awaitable[ExecutionResult]:
    """What `Schema.execute` comes to for a document that is known to be valid, where no extension is to be asked.

    The document must not have its answer come in parts: what `execute` does beside this is to refuse that.
    """
    is_awaitable: Any = optimized_is_awaitable  # It is no guard of types.
    executor_class: Any = schema.execution_context_class
    executor = executor_class.build(
        schema._schema,
        document,
        context_value=context,
        raw_variable_values=variables,
        operation_name=operation_name,
        is_awaitable=is_awaitable,
    )
    result: ExecutionResult | Awaitable[ExecutionResult]
    result = ExecutionResult(None, executor) if isinstance(executor, list) else executor.execute_operation()
    return result


__all__ = ["CompiledStrawberryExecutor", "StrawberryDialect", "compiled_strawberry_executor", "execute_known"]
