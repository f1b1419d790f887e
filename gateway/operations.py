"""Runs one GraphQL operation and shapes its answer."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import orjson
from graphql import ExecutionResult as CoreResult
from graphql import OperationType
from prometheus_client import Counter
from strawberry import Schema
from strawberry.extensions import SchemaExtension
from strawberry.types.execution import ExecutionResult, PreExecutionError

from gateway import errors
from gateway.body import Operation
from gateway.cache_control import NO_STORE, CacheHints
from gateway.context import OperationContext
from gateway.documents import Documents, NotRunnable, NotTrusted, Prepared, Registry
from gateway.execution import Plans
from gateway.execution.for_strawberry import CompiledStrawberryExecutor, compiled_strawberry_executor, execute_known
from gateway.gaps import degradations
from gateway.joint import Joint
from gateway.rates import RateLimits
from schema import errcode
from services.runtime.channels import CallTally, call_tally
from services.runtime.deadline import deadline_in, time_left
from services.runtime.telemetry import Metrics

GRACE_SECONDS = 0.5
"""How long after the deadline the answer may still be put together: until then every call has given up by itself."""
Result = CoreResult | ExecutionResult | PreExecutionError
EXPLORE = "schema.explore"
"""The permission to be told in production what otherwise only development tells: the schema, and names close by."""
SUGGESTION = "Did you mean"


ALONE = frozenset({"admin"})
"""Root fields that are asked for each client by itself: the desk writes down each of its reads."""


@dataclass(slots=True)
class Answer:
    """What a client gets."""

    content: dict[str, Any]
    error: errcode.AtriumError | None = None
    """The first error, if any."""
    has_data: bool = False
    """Whether the operation ran, so that there are data, be they null."""
    cache_control: str = NO_STORE
    """The header that says how long the answer may be kept, and for whom."""
    _encoded: bytes = field(default=b"", init=False, repr=False, compare=False)

    @property
    def encoded(self) -> bytes:
        """The content as JSON; written once, however many get it."""
        if not self._encoded:
            self._encoded = orjson.dumps(self.content)
        return self._encoded


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of an operation."""

    result: CoreResult
    context: OperationContext
    """What became known meanwhile."""
    answer: Answer | None
    """The same for everybody who asked; None where there are errors, each of which tells the trace of its request."""


class MayChange(errcode.InvalidOperation):
    """An operation that is no query came in a way that promises to change nothing."""

    def __init__(self) -> None:
        super().__init__("the method must be POST: only queries may be asked by GET")


class Known(SchemaExtension):
    """Has Strawberry run the operation that stands in the context, which is parsed and validated already."""

    def on_parse(self) -> Iterator[None]:
        """Gives the parsed document."""
        self.execution_context.graphql_document = self.execution_context.context.prepared.document
        yield

    def on_validate(self) -> Iterator[None]:
        """Says that there is nothing to complain about."""
        self.execution_context.pre_execution_errors = []
        yield


def compiled(metrics: Metrics) -> type[CompiledStrawberryExecutor]:
    """What runs operations as compiled plans, kept for this schema alone, and counts how."""
    counted: Callable[[str], Counter] = cache(metrics.plans.labels)
    plans = Plans(observe=lambda outcome: counted(outcome).inc())
    return compiled_strawberry_executor(plans)


class Executor:
    """Runs operations on a schema, each within what is left of the time for its request."""

    def __init__(
        self,
        schema: Schema,
        registry: Registry,
        documents: Documents,
        rates: RateLimits,
        seconds: float,
        joint: Joint[Ran] | None = None,
        *,
        production: bool,
    ) -> None:
        """Equal queries meet in `joint`; without one each is run by itself."""
        self._joint = joint
        self._schema = schema
        self._registry = registry
        self._documents = documents
        self._rates = rates
        self._seconds = seconds
        self._production = production
        self._hints = CacheHints(schema._schema)

    async def run(self, operation: Operation, context: OperationContext) -> Answer:
        """The answer, whatever happens; only cancelling ends it without one. No call outlives the operation."""
        tally = call_tally.get() or CallTally()
        call_tally.set(tally)
        try:
            with deadline_in(min(self._seconds, context.seconds)):
                async with asyncio.timeout(time_left(self._seconds) + GRACE_SECONDS):
                    return await self._answer(operation, context)
        except Exception as error:
            return _failed(error)
        finally:
            tally.abandon()

    async def stream(self, operation: Operation, context: OperationContext) -> AsyncGenerator[Answer, None]:
        """The answers as they come: one for a query or a mutation, any number for a subscription."""
        try:
            with deadline_in(min(self._seconds, context.seconds)):
                resolved = await self._resolved(operation, context)
        except errcode.AtriumError as error:
            yield _failed(error)
            return
        prepared = self._subscription(resolved)
        if prepared is None:
            yield await self.run(operation, context)
            return
        async with aclosing(self._events(prepared, resolved, context)) as events:
            async for event in events:
                yield event

    async def _events(
        self, prepared: Prepared, operation: Operation, context: OperationContext
    ) -> AsyncGenerator[Answer, None]:
        """The answers of a subscription. No call outlives it."""
        tally = call_tally.get() or CallTally()
        call_tally.set(tally)
        context.begin(prepared)
        try:
            await self._rates.admit(prepared, operation.variables, context.address, context.token)
            async with aclosing(await self._subscribe(operation, context)) as events:
                async for event in events:
                    if self._joint is not None:
                        self._joint.changed()
                    yield self._shaped(event, context)
                    context.degraded.clear()
        except Exception as error:
            yield _failed(error)
        finally:
            tally.abandon()

    def _subscription(self, operation: Operation) -> Prepared | None:
        """The operation if it is a subscription that can be run."""
        try:
            prepared = self._documents.prepared(operation)
        except (NotRunnable, errcode.AtriumError):
            return None
        return prepared if prepared.node.operation is OperationType.SUBSCRIPTION else None

    async def _subscribe(
        self, operation: Operation, context: OperationContext
    ) -> AsyncGenerator[ExecutionResult | PreExecutionError, None]:
        return await self._schema.subscribe(
            operation.query,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.name,
        )

    async def _resolved(self, operation: Operation, context: OperationContext) -> Operation:
        """The operation with its text, which whoever may learn about the schema need not have registered."""
        try:
            return self._registry.resolve(operation)
        except NotTrusted:
            if await self.explores(context):
                return operation
            await self._rates.count_refused(context.address)
            raise

    async def _answer(self, operation: Operation, context: OperationContext) -> Answer:
        operation = await self._resolved(operation, context)
        try:
            prepared = self._documents.prepared(operation)
        except errcode.AtriumError:
            await self._rates.count_refused(context.address)
            raise
        except NotRunnable as refused:
            await self._rates.count_refused(context.address)
            context.begin(refused.meant)
            hints = any(SUGGESTION in error.message for error in refused.errors) and await self.explores(context)
            found = [(errors.explain(error, executed=False), error) for error in refused.errors]
            errors.log_failures((known, errors.root_cause(error)) for known, error in found)
            return Answer({"errors": [errors.entry(known, error, hints=hints) for known, error in found]}, found[0][0])
        context.begin(prepared)
        if operation.reads_only and prepared.node.operation is not OperationType.QUERY:
            raise MayChange
        await self._rates.admit(prepared, operation.variables, context.address, context.token)
        if prepared.introspects and not await self.explores(context):
            raise errcode.InvalidOperation(f"introspection is not served here: it needs the permission {EXPLORE}")
        ran = await self._ran(prepared, operation, context)
        if ran.context is not context:
            context.learn(ran.context)
        if context.token is not None and context.account_id is not None:
            self._rates.learn(context.token, context.account_id)
        return ran.answer or self._shaped(ran.result, context)

    async def _ran(self, prepared: Prepared, operation: Operation, context: OperationContext) -> Ran:
        """What comes of the operation: of a query, perhaps by way of an equal one."""
        work = partial(self._run_alone, prepared, operation, context)
        if self._joint is None:
            return await work()
        if prepared.node.operation is not OperationType.QUERY:
            try:
                return await work()
            finally:
                self._joint.changed()
        if not ALONE.isdisjoint(prepared.roots):
            return await work()
        # By its identity, since it is known once for each document; the work keeps it alive.
        return await self._joint.result((id(prepared), orjson.dumps(operation.variables), context.whose), work)

    async def _run_alone(self, prepared: Prepared, operation: Operation, context: OperationContext) -> Ran:
        result = await self._execute(prepared, operation, context)
        if result.errors:
            return Ran(result, context, None)
        answer = self._shaped(result, context)
        if answer.has_data and len(answer.content) == 1:
            answer.cache_control = self._hints.header(operation, prepared.document)
        return Ran(result, context, answer)

    async def explores(self, context: OperationContext) -> bool:
        """Whether the client may learn about the schema; a permission that cannot be checked is none."""
        if not self._production or context.token is None:
            return not self._production
        try:
            return await context.may(EXPLORE)
        except errcode.AtriumError:
            return False

    async def _execute(self, prepared: Prepared, operation: Operation, context: OperationContext) -> CoreResult:
        if prepared.node.operation is OperationType.SUBSCRIPTION:
            raise errcode.InvalidOperation("query: a subscription needs a WebSocket, or accept: text/event-stream")
        made = execute_known(self._schema, prepared.document, operation.variables, context, prepared.name)
        return made if isinstance(made, CoreResult) else await made

    def _shaped(self, result: Result, context: OperationContext) -> Answer:
        executed = not isinstance(result, PreExecutionError)
        found = [(errors.explain(error, executed=executed), error) for error in result.errors or ()]
        errors.log_failures((known, errors.root_cause(error)) for known, error in found)
        errors.cut_loose(error for _, error in found)
        has_data = executed and (result.data is not None or any(error.path for _, error in found))
        content: dict[str, Any] = {}
        if found:
            content["errors"] = [errors.entry(known, error, hints=not self._production) for known, error in found]
        if has_data:
            content["data"] = result.data
        if context.degraded:
            content["extensions"] = {"degraded": degradations(context.degraded)}
        return Answer(content, found[0][0] if found else None, has_data)


def _failed(error: Exception) -> Answer:
    known = _unfinished(error)
    errors.log_failures([(known, error)])
    return Answer({"errors": [errors.entry(known)]}, known)


def _unfinished(error: Exception) -> errcode.AtriumError:
    """What stopped an operation for which Strawberry has no result."""
    match error:
        case errcode.AtriumError():
            return error
        case TimeoutError():
            return errcode.DeadlineExceeded()
    return errcode.Internal()


def with_cost(answer: Answer, operation: Operation, prepared: Prepared) -> Answer:
    """The answer with what it was estimated to cost, and what it did cost; such a one is kept nowhere."""
    data, extensions = answer.content.get("data"), answer.content.get("extensions", {})
    cost = {"estimated": prepared.cost(operation.variables), "actual": prepared.actual_cost(data)}
    return replace(answer, content=answer.content | {"extensions": extensions | {"cost": cost}}, cache_control=NO_STORE)
