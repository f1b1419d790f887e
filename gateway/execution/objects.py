"""How objects become response data: of which type they are, and the selection that runs on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import GraphQLAbstractType, GraphQLObjectType
from graphql.execution import default_type_resolver
from graphql.execution.executor import get_typename, invalid_return_type_error
from graphql.pyutils import Undefined

from .fields import Completer, FieldPlan, Runs, absent
from .frames import Frame
from .kinds import PLAIN

if TYPE_CHECKING:
    from .plan import Plan
    from .running import Execution, Run

MOST_CLASSES = 64
"""How many classes of values are remembered in one place."""


class ObjectCompleter:
    """Completes values of one object type."""

    __slots__ = ("_cast", "_field", "_plan", "_required", "_run", "_surely", "_type", "runs")

    def __init__(self, plan: Plan, field: FieldPlan, type_: GraphQLObjectType, required: bool) -> None:
        self._plan = plan
        self._field = field
        self._type = type_
        self._required = required
        self._cast = plan.dialect.cast if type_.is_type_of else None
        self._surely = plan.dialect.classes_of(type_)
        self._run: Run | None = None
        self.runs: Runs = {}

    def as_completer(self) -> Completer:
        """What fields and lists need of it."""
        return Completer(self.complete, self.runs, self._cast)

    def complete(self, execution: Execution, value: Any, place: Frame) -> Any:
        """The object's selection, once it is sure that the object is of the type."""
        if value is None or value is Undefined or isinstance(value, Exception):
            return absent(self._field, value, self._required)
        if self._type.is_type_of is None or (type(value) in self._surely and not is_cast(value, self._cast)):
            completed = self._select(execution, value, place)
            self._remember(value)
            return completed
        return self._ask(execution, value, place)

    def _select(self, execution: Execution, value: Any, place: Frame) -> Any:
        if self._run is None:
            self._run = self._plan.selection(execution, self._field, self._type)
        return self._run(execution, value, place, {})

    def _remember(self, value: Any) -> None:
        if self._run is not None and PLAIN[type(value)] and len(self.runs) < MOST_CLASSES:
            self.runs[type(value)] = self._run

    def _ask(self, execution: Execution, value: Any, place: Frame) -> Any:
        assert self._type.is_type_of is not None
        answer = self._type.is_type_of(value, execution.info(self._field, place))
        if not execution.is_awaitable(answer):
            return self._checked(execution, value, place, answer)
        return execution.wait(
            self._field, answer, place, lambda _, answer, __: self._checked(execution, value, place, answer)
        )

    def _checked(self, execution: Execution, value: Any, place: Frame, answer: Any) -> Any:
        if not answer:
            raise invalid_return_type_error(self._type, value, self._field.details)
        return self._select(execution, value, place)


class AbstractCompleter:
    """Completes values of an interface or a union."""

    __slots__ = ("_by_name", "_cast", "_field", "_names", "_plan", "_required", "_type", "runs")

    def __init__(self, plan: Plan, field: FieldPlan, type_: GraphQLAbstractType, required: bool) -> None:
        self._plan = plan
        self._field = field
        self._type = type_
        self._required = required
        self._cast = plan.dialect.cast
        self._names = plan.dialect.names_of(plan.schema, type_)
        self._by_name: dict[str, ObjectCompleter] = {}
        self.runs: Runs = {}

    def as_completer(self) -> Completer:
        """What fields and lists need of it."""
        return Completer(self.complete, self.runs, self._cast)

    def complete(self, execution: Execution, value: Any, place: Frame) -> Any:
        """The selection of the object type that the value turns out to be of."""
        if value is None or value is Undefined or isinstance(value, Exception):
            return absent(self._field, value, self._required)
        name = self._names.get(type(value))
        if name is None or is_cast(value, self._cast):
            return self._ask(execution, value, place)
        completed = self._as_named(execution, value, place, name)
        if (run := self._by_name[name].runs.get(type(value))) is not None:
            self.runs[type(value)] = run
        return completed

    def _ask(self, execution: Execution, value: Any, place: Frame) -> Any:
        resolve_type = self._type.resolve_type or execution.executor.type_resolver
        name: Any = get_typename(value) if resolve_type is default_type_resolver and type(value) is dict else None
        if type(name) is not str:
            name = resolve_type(value, execution.info(self._field, place), self._type)
            if execution.is_awaitable(name):
                return execution.wait(
                    self._field, name, place, lambda _, name, __: self._as_named(execution, value, place, name)
                )
        return self._as_named(execution, value, place, name)

    def _as_named(self, execution: Execution, value: Any, place: Frame, name: Any) -> Any:
        known = self._by_name.get(name) if type(name) is str else None
        if known is None:
            info = execution.info(self._field, place)
            find = execution.executor.ensure_valid_runtime_type
            type_ = find(name, self._type, self._field.details, info, value)
            known = ObjectCompleter(self._plan, self._field, type_, self._required)
            known = self._by_name.setdefault(type_.name, known)
        return known.complete(execution, value, place)


def is_cast(value: Any, attribute: str | None) -> bool:
    """Whether an object was declared to be of another type than its class says."""
    return attribute is not None and getattr(value, attribute, None) is not None
