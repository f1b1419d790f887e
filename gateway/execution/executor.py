"""An executor for graphql-core that runs compiled plans and falls back on graphql-core for what it does not compile."""

from __future__ import annotations

from inspect import signature
from typing import Any, ClassVar, Self

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    assert_valid_schema,
)
from graphql.execution import MiddlewareManager, default_field_resolver, default_type_resolver
from graphql.execution.executor import Executor
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental
from graphql.execution.incremental import IncrementalExecutor
from graphql.type import GraphQLResolveInfoHelpers

from .dialect import PLAIN_GRAPHQL, Dialect
from .operation import Operation
from .plans import Plans
from .running import Execution

_REPLACED = (
    "collect_and_execute_subfields",
    "collect_subfields",
    "complete_value",
    "complete_awaitable_value",
    "complete_list_value",
    "complete_iterable_value",
    "complete_async_iterator_value",
    "complete_list_item_value",
    "complete_awaitable_list_item_value",
    "complete_leaf_value",
    "complete_abstract_value",
    "complete_object_value",
    "execute_collected_root_fields",
    "execute_collected_subfields",
    "execute_root_grouped_field_set",
    "execute_field",
    "execute_fields",
    "execute_fields_serially",
    "handle_field_error",
    "with_abort_signal",
)
"""Methods that plans do without: a class that overrides one is interpreted."""

_KNOWN = (Executor, IncrementalExecutor, ExecutorThrowingOnIncremental)
"""Without incremental delivery, they are one."""
_POSITIONAL = tuple(signature(Executor.build).parameters)[2:]
_DEFAULTS = {
    "field_resolver": default_field_resolver,
    "type_resolver": default_type_resolver,
    "subscribe_field_resolver": default_field_resolver,
}


class CompiledExecution(Executor[Any]):
    """Mixed into an executor class, makes it run plans."""

    plans: ClassVar[Plans] = Plans()
    dialect: ClassVar[Dialect] = PLAIN_GRAPHQL
    execution_class: ClassVar[type[Execution]] = Execution

    _known: Operation | None = None
    _is_custom: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._is_custom = any(
            all(getattr(cls, name) is not getattr(known, name) for known in _KNOWN) for name in _REPLACED
        )

    @property
    def async_helpers(self) -> GraphQLResolveInfoHelpers:
        """What resolvers get to gather awaitables with, made for whoever asks.

        Kept here it would refer to the executor that keeps it, and all that the operation was answered would wait for
        the garbage collector.
        """
        return GraphQLResolveInfoHelpers(gather=self.gather_async_work, track=self.track_async_work)

    @async_helpers.setter
    def async_helpers(self, made: GraphQLResolveInfoHelpers) -> None:
        """Keeps nothing."""

    @classmethod
    def build(
        cls, schema: GraphQLSchema, document: DocumentNode, *positional: Any, **named: Any
    ) -> list[GraphQLError] | Executor[Any]:
        """What `Executor.build` gives, with less to do where the operation is known and its variables are plain."""
        given = dict(zip(_POSITIONAL, positional, strict=False)) | named
        return cls._build_known(schema, document, given) or super().build(schema, document, *positional, **named)

    @classmethod
    def _build_known(cls, schema: GraphQLSchema, document: DocumentNode, given: dict[str, Any]) -> Self | None:
        """The executor; `None` where graphql-core is to build it, or to refuse to. Takes from what is given."""
        found = chosen(document, given.pop("operation_name", None))
        middleware = given.pop("middleware", None)
        if found is None or not (middleware is None or isinstance(middleware, MiddlewareManager)):
            return None
        assert_valid_schema(schema)
        node, fragments = found
        operation = cls.plans.operation(schema, node, fragments)
        coerce, inputs = operation.variables, given.pop("raw_variable_values", None)
        variables = coerce(inputs or {}) if coerce is not None and operation.refused is None else None
        if variables is None:
            return None
        given.pop("max_coercion_errors", None)
        for name, default in _DEFAULTS.items():
            given[name] = given.get(name) or default
        executor = cls(
            schema,
            fragments,
            operation.details,
            given.pop("root_value", None),
            given.pop("context_value", None),
            node,
            variables,
            middleware_manager=middleware,
            **given,
        )
        executor._known = operation
        return executor

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The result, or an awaitable of it: from a plan where there is one, from graphql-core otherwise."""
        operation = self._known
        if operation is None:
            operation = self.plans.operation(self.schema, self.operation, self.fragment_definitions)
        if serially is not None and serially is not operation.is_serial:
            self.plans.note("another order")
            return super().execute_operation(serially)
        plan = self.plans.plan(operation, self)
        if plan is None:
            return super().execute_operation(serially)
        execution = self.execution_class(self)
        return execution.run_serially(plan.serial) if plan.root is None else execution.run(plan.root)

    def peculiarity(self) -> str | None:
        """What of this execution plans do not know; `None` for an ordinary one."""
        if self.middleware_manager is not None and self.middleware_manager.middlewares:
            return "middleware"
        if self.abort_signal is not None:
            return "abort signal"
        if self.hooks is not None:
            return "execution hooks"
        if self.is_awaitable not in self.dialect.predicates:
            return "custom predicate"
        return "custom executor" if self._is_custom else None


def chosen(
    document: DocumentNode, operation_name: str | None
) -> tuple[OperationDefinitionNode, dict[str, FragmentDefinitionNode]] | None:
    """The operation to execute, and the fragments; `None` when that is not plain."""
    operations = []
    fragments = {}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            if operation_name is None or (definition.name is not None and definition.name.value == operation_name):
                operations.append(definition)
        elif isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = definition
    return (operations[0], fragments) if len(operations) == 1 else None


class CompiledExecutor(CompiledExecution, IncrementalExecutor):
    """The executor to pass to graphql-core as `executor_class`."""


def compiled_executor(plans: Plans) -> type[CompiledExecutor]:
    """The same with plans of its own."""
    return type("CompiledExecutor", (CompiledExecutor,), {"plans": plans})
