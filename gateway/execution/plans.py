"""The bounded memory of plans, and the count of what ran with and without one."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from graphql import GraphQLSchema, OperationDefinitionNode

from .operation import Fragments, Key, Operation
from .plan import Plan

if TYPE_CHECKING:
    from .executor import CompiledExecution

_STRANGERS_TO_A_PLAN = 64
"""Making a plan takes as long as interpreting its operation some thirty times."""
Observe = Callable[[str], None]
"""Told of each execution: `"hit"`, `"compiled"`, or `"interpreted:"` and the reason."""


class Plans:
    """Plans by document and operation, those least recently used forgotten first.

    Schemas may share one: a plan is of one schema, and the bounds hold for all together. Threads may share it, too.
    """

    def __init__(
        self,
        most_operations: int = 1000,
        most_shapes: int = 16,
        most_fields: int = 1000,
        most_fields_in_all: int = 50_000,
        most_characters: int = 100_000,
        most_characters_in_all: int = 2_000_000,
        observe: Observe | None = None,
    ) -> None:
        self.most_fields = most_fields
        """How many fields one plan may hold; what is over is interpreted."""
        self.hits = 0
        """How many executions ran a plan that was there."""
        self.compiled = 0
        """How many plans were made."""
        self.seconds = 0.0
        """Time spent on making plans."""
        self.fields = 0
        """How many fields all plans hold together."""
        self.interpreted: Counter[str] = Counter()
        """What ran on graphql-core, by reason: whole executions, and the parts that `parts` counts again."""
        self.observe = observe
        self._most_operations = most_operations
        self._most_shapes = most_shapes
        self._most_fields_in_all = most_fields_in_all
        self._most_characters = most_characters
        self._most_characters_in_all = most_characters_in_all
        self._characters = 0
        self._operations: OrderedDict[Key, Operation] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """How many operations are remembered."""
        return len(self._operations)

    def operation(self, schema: GraphQLSchema, node: OperationDefinitionNode, fragments: Fragments) -> Operation:
        """What is known of an operation."""
        key = Operation.key(schema, node)
        with self._lock:
            operation = self._operations.get(key)
            if operation is not None:
                self._operations.move_to_end(key)
        if operation is not None and operation.is_same(node, fragments):
            return operation
        operation = Operation(schema, node, fragments, self._most_characters)
        if operation.characters <= self._most_characters:
            self._remember(key, operation)
        return operation

    def _remember(self, key: Key, operation: Operation) -> None:
        with self._lock:
            self._forget(key)
            self._operations[key] = operation
            operation.is_kept = True
            self._characters += operation.characters
            while len(self._operations) > self._most_operations or self._characters > self._most_characters_in_all:
                self._forget(next(iter(self._operations)))

    def plan(self, operation: Operation, executor: CompiledExecution) -> Plan | None:
        """The plan to run; `None`, counted with the reason, when graphql-core must."""
        reason = operation.refused or executor.peculiarity()
        if reason is not None:
            self.note(reason)
            return None
        shape = operation.shape(executor)
        try:
            plan = operation.plans[shape]
        except KeyError:
            return self._plan_of_new(operation, shape, executor)
        except TypeError:
            self.note("unhashable condition")
            return None
        if plan is None:
            self.note("not compilable")
            return None
        if not plan.is_current():
            return self._compile(operation, shape, executor)
        self.hits += 1
        if self.observe is not None:
            self.observe("hit")
        return plan

    def _plan_of_new(self, operation: Operation, shape: Key, executor: CompiledExecution) -> Plan | None:
        """Makes a plan for a shape that has none, but not each time when shapes are more than may be."""
        if len(operation.plans) >= self._most_shapes:
            operation.strangers += 1
            if operation.strangers <= _STRANGERS_TO_A_PLAN:
                self.note("many shapes")
                return None
        operation.strangers = 0
        return self._compile(operation, shape, executor)

    def _compile(self, operation: Operation, shape: Key, executor: CompiledExecution) -> Plan | None:
        plan: Plan | None = Plan(self, executor.schema, executor.dialect)
        assert plan is not None
        try:
            plan.compile_root(executor)
        except Exception:
            # Whatever it is that cannot be compiled, graphql-core says it in its own words.
            self.note("not compilable")
            plan = None
        else:
            self.compiled += 1
            if self.observe is not None:
                self.observe("compiled")
        with self._lock:
            self._drop(operation, shape)
            if operation.plans and len(operation.plans) >= self._most_shapes:
                self._drop(operation, next(iter(operation.plans)))
            operation.plans[shape] = plan
            if plan is not None and operation.is_kept:
                plan.is_counted = True
                self._count(plan.fields)
        return plan

    def note(self, reason: str) -> None:
        """Counts what graphql-core runs."""
        self.interpreted[reason] += 1
        if self.observe is not None:
            self.observe(f"interpreted:{reason}")

    def grow(self, plan: Plan, fields: int) -> None:
        """Counts fields that are added to a plan, and makes room for them."""
        with self._lock:
            plan.fields += fields
            if plan.is_counted:
                self._count(fields)

    def _count(self, fields: int) -> None:
        self.fields += fields
        while self.fields > self._most_fields_in_all and len(self._operations) > 1:
            self._forget(next(iter(self._operations)))

    def _forget(self, key: Key) -> None:
        operation = self._operations.pop(key, None)
        if operation is not None:
            operation.is_kept = False
            self._characters -= operation.characters
            for shape in [*operation.plans]:
                self._drop(operation, shape)

    def _drop(self, operation: Operation, shape: Key) -> None:
        plan = operation.plans.pop(shape, None)
        if plan is not None and plan.is_counted:
            plan.is_counted = False
            self.fields -= plan.fields
