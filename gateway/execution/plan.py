"""A compiled operation: its selection sets as functions, each made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from time import perf_counter
from typing import TYPE_CHECKING, Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, OperationType
from graphql.execution import default_field_resolver
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet, collect_fields

from .arguments import compile_arguments
from .completers import compile_completer
from .fields import FieldPlan
from .frames import Frame, path_of
from .selections import UNKNOWN, Selection, write_selection

if TYPE_CHECKING:
    from .dialect import Dialect
    from .executor import CompiledExecution
    from .plans import Plans
    from .running import Execution, Run


class TooLarge(Exception):
    """The operation has more fields than a plan may hold; what is over is interpreted."""


class Plan:
    """How to execute one operation, for one shape of its @skip and @include directives."""

    def __init__(self, plans: Plans, schema: GraphQLSchema, dialect: Dialect) -> None:
        self.schema = schema
        self.dialect = dialect
        self.fields = 0
        """How many fields are compiled by now."""
        self.root: Run | None = None
        self.serial: list[Run] = []
        self.is_counted = False
        """Whether its fields count among those that are remembered."""
        self._plans = plans
        self._definitions: list[GraphQLField] = []
        self._resolvers: list[Callable[..., Any] | None] = []

    def is_current(self) -> bool:
        """Whether all resolvers still are those that the plan knows."""
        return all(map(is_, [definition.resolve for definition in self._definitions], self._resolvers))

    def compile_root(self, executor: CompiledExecution) -> None:
        """Makes the root selection: one function, or one per field for a mutation. Raises what cannot be compiled."""
        started = perf_counter()
        operation = executor.operation
        root_type = self.schema.get_root_type(operation.operation)
        assert root_type is not None
        grouped = collect_fields(
            self.schema,
            executor.fragments,
            executor.variable_values,
            root_type,
            operation,
            executor.hide_suggestions,
        ).grouped_field_set
        if operation.operation is OperationType.MUTATION:
            self.serial = [self._write(executor, root_type, {key: details}).run for key, details in grouped.items()]
        else:
            self.root = self._write(executor, root_type, grouped).run
        self._plans.seconds += perf_counter() - started

    def selection(self, execution: Execution, field: FieldPlan, type_: GraphQLObjectType) -> Run:
        """The function for the sub-selection of a field on one object type: graphql-core where there is none."""
        started = perf_counter()
        try:
            grouped = execution.executor.collect_subfields(type_, field.details).grouped_field_set
            run, sources = self._write(execution.executor, type_, grouped)
            field.sources = (*field.sources, sources)
            return run
        except TooLarge:
            self._plans.note("large selection")
            field.sources = (UNKNOWN,)
            return interpreted(field, type_)
        except Exception:
            self._plans.note("not compilable")
            field.sources = (UNKNOWN,)
            return interpreted(field, type_)
        finally:
            self._plans.seconds += perf_counter() - started

    def _write(self, executor: CompiledExecution, type_: GraphQLObjectType, grouped: GroupedFieldSet) -> Selection:
        if self.fields + len(grouped) > self._plans.most_fields:
            raise TooLarge
        self._plans.grow(self, len(grouped))
        fields = [self._field(executor, type_, key, details) for key, details in grouped.items()]
        return write_selection([field for field in fields if field is not None])

    def _field(
        self, executor: CompiledExecution, type_: GraphQLObjectType, key: str, details: FieldDetailsList
    ) -> FieldPlan | None:
        definition = self.schema.get_field(type_, details[0].node.name.value)
        if definition is None:
            return None
        self._definitions.append(definition)
        self._resolvers.append(definition.resolve)
        field = FieldPlan(key, definition, type_, details)
        field.complete, field.runs, field.cast, field.leaf = compile_completer(self, field, definition.type)
        resolve = definition.resolve or executor.field_resolver
        field.may_be_called = resolve is default_field_resolver
        if not definition.args:
            field.reading = self.dialect.reading(definition, resolve, field.name)
        if field.reading is None and (definition.resolve is not None or field.may_be_called):
            field.call = self.dialect.call(definition, resolve)
        parameters = field.call.parameters if field.call is not None else None
        field.arguments = compile_arguments(definition, details[0], executor.hide_suggestions, parameters)
        return field


def interpreted(field: FieldPlan, type_: GraphQLObjectType) -> Run:
    """Executes the sub-selection by graphql-core."""

    def run(execution: Execution, source: Any, place: Frame, _out: dict[str, Any]) -> Any:
        path = path_of(place)
        made = execution.executor.collect_and_execute_subfields(type_, field.details, path, source, None)
        return execution.interpret(made, field, place)

    return run
