"""Runs one GraphQL operation and shapes its answer."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from graphql import GraphQLError
from strawberry import Schema
from strawberry.extensions import DisableIntrospection, ParserCache, SchemaExtension, ValidationCache
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType

from gateway import errors
from gateway.body import Operation
from gateway.cache_control import NO_STORE, CacheHints
from gateway.context import OperationContext
from gateway.execution import Plans
from gateway.execution.for_strawberry import CompiledStrawberryExecutor, compiled_strawberry_executor
from gateway.guard import Limits, guard_with
from schema import errcode
from schema.graphql.ports import Degradation
from services.runtime.channels import call_tally
from services.runtime.deadline import deadline_in, time_left
from services.runtime.telemetry import Metrics

CACHED_DOCUMENTS = 512
MOST_NAME_CHARACTERS = 100
GRACE_SECONDS = 0.5
"""How long after the deadline the answer may still be put together: until then every call has given up by itself."""
SERVED = (OperationType.QUERY, OperationType.MUTATION)
Extension = type[SchemaExtension] | Callable[[], SchemaExtension]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client gets, before it is bytes."""

    content: dict[str, Any]
    error: errcode.AtriumError | None = None
    """The first error, if any."""
    has_data: bool = False
    """Whether the operation ran, so that there are data, be they null."""
    cache_control: str = NO_STORE
    """The header that says how long the answer may be kept, and for whom."""


class NameOperation(SchemaExtension):
    """Tells the context which operation of which document is run."""

    def on_validate(self) -> Iterator[None]:
        """A name that a parsed document holds is made of letters, digits and underscores, so it fits a log."""
        name = self.execution_context.operation_name or "-"
        self.execution_context.context.operation_name = name[:MOST_NAME_CHARACTERS]
        self.execution_context.context.document = self.execution_context.graphql_document
        yield


def extensions(limits: Limits, *, production: bool) -> Sequence[Extension]:
    """What the schema needs of Strawberry to serve here, in order: name, limits, caches, and introspection or not."""
    introspection: list[Extension] = [DisableIntrospection] if production else []
    return [NameOperation, guard_with(limits), parser_cache, *introspection, validation_cache]


def parser_cache() -> ParserCache:
    """A view on the one cache of parsed documents of this process."""
    return ParserCache(maxsize=CACHED_DOCUMENTS)


def validation_cache() -> ValidationCache:
    """A view on the one cache of validated documents of this process."""
    return ValidationCache(maxsize=CACHED_DOCUMENTS)


def compiled(metrics: Metrics) -> type[CompiledStrawberryExecutor]:
    """What runs operations as compiled plans, kept for this schema alone, and counts how."""
    plans = Plans(observe=lambda outcome: metrics.plans.labels(outcome).inc())
    return compiled_strawberry_executor(plans)


class Executor:
    """Runs operations on a schema, each within what is left of the time for its request."""

    def __init__(self, schema: Schema, limits: Limits, seconds: float, *, production: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._seconds = seconds
        self._production = production
        self._hints = CacheHints(schema._schema)

    async def run(self, operation: Operation, context: OperationContext) -> Answer:
        """The answer, whatever happens; only cancelling ends it without one. No call outlives the operation."""
        try:
            with deadline_in(self._seconds):
                async with asyncio.timeout(time_left(self._seconds) + GRACE_SECONDS):
                    result = await self._execute(operation, context)
            return self._shaped(operation, result, context)
        except Exception as error:
            known = _unfinished(error)
            errors.log_failures([(known, error)])
            return Answer({"errors": [errors.entry(known)]}, known)
        finally:
            if tally := call_tally.get():
                tally.abandon()

    async def _execute(self, operation: Operation, context: OperationContext) -> ExecutionResult:
        return await self._schema.execute(
            operation.query,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.name,
            allowed_operation_types=SERVED,
        )

    def _shaped(self, operation: Operation, result: ExecutionResult, context: OperationContext) -> Answer:
        executed = not isinstance(result, PreExecutionError)
        found = [(self._explained(error, executed), error) for error in result.errors or ()]
        errors.log_failures((known, errors.root_cause(error)) for known, error in found)
        has_data = executed and (result.data is not None or any(error.path for _, error in found))
        content: dict[str, Any] = {}
        if found:
            content["errors"] = [errors.entry(known, error, hints=not self._production) for known, error in found]
        if has_data:
            content["data"] = result.data
        if context.degraded:
            content["extensions"] = {"degraded": degradations(context.degraded)}
        is_whole = has_data and len(content) == 1
        cache_control = self._hints.header(operation, context.document) if is_whole and context.document else NO_STORE
        return Answer(content, found[0][0] if found else None, has_data, cache_control)

    def _explained(self, error: GraphQLError, executed: bool) -> errcode.AtriumError:
        return errors.explain(error, executed=executed, most_tokens=self._limits.tokens)


def _unfinished(error: Exception) -> errcode.AtriumError:
    """What stopped an operation for which Strawberry has no result."""
    match error:
        case errcode.AtriumError():
            return error
        case TimeoutError():
            return errcode.DeadlineExceeded()
        case CannotGetOperationTypeError(operation_name=None):
            return errcode.InvalidOperation("query: holds no operation")
        case CannotGetOperationTypeError():
            return errcode.InvalidOperation("operationName: there is no such operation in the document")
        case InvalidOperationTypeError():
            return errcode.InvalidOperation("query: subscriptions are not served over plain HTTP")
    return errcode.Internal()


def degradations(found: Sequence[Degradation]) -> list[dict[str, Any]]:
    """The entries of `extensions.degraded`: each once, sorted by path, items of a list by their number."""
    entries = {tuple(entry.path): entry for entry in found}
    in_order = sorted(entries, key=lambda path: [(isinstance(step, str), step) for step in path])
    return [_degradation(entries[path]) for path in in_order]


def _degradation(entry: Degradation) -> dict[str, Any]:
    fields = asdict(entry)
    fields["ageMs"] = fields.pop("age_ms")
    return fields
