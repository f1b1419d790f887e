"""What a schema library adds to plain graphql-core schemas, so that plans can take its short cuts exactly."""

from __future__ import annotations

import keyword
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from graphql import GraphQLAbstractType, GraphQLField, GraphQLObjectType, GraphQLSchema
from graphql.execution import default_field_resolver
from graphql.execution.execute import assume_not_awaitable
from graphql.pyutils import is_awaitable

if TYPE_CHECKING:
    from .fields import FieldPlan
    from .frames import Frame
    from .running import Execution

ASKING = "asking"
"""The attribute by which an `async def` function tells of which parts it is made: `Asking`, as a tuple."""
PARTS = "parts"
"""The attribute by which a property tells of which parts its getter is made: `Parts`, as a tuple."""
MakeInfo = Callable[["Execution", "FieldPlan", "Frame"], Any]
Show = Callable[[Any], Any]
"""Makes of what was asked what is shown."""


class Asking(NamedTuple):
    """The parts of a function `f` that asks one thing, so that a plan may do without its coroutine.

    `await f(source, info, **arguments)` is `show(await awaitable)`, where `ask` gave `awaitable` and `show`. Where one
    of these raises an Exception, it is `recover(info, error, show)`, with None for what `ask` did not come to give. The
    awaitable is best a future, or has what is of use of one: `future`, what to wait for, which is None when there is a
    result; and `result()`. Any other takes a task.
    """

    ask: Callable[..., tuple[Awaitable[Any], Callable[[Any], Any]] | None]
    """Called with the source, the context and the arguments; `None` where there is nothing to ask, which is null."""
    recover: Callable[[Any, Exception, Show | None], Any]
    """Answers a value in spite of an error, or raises it."""
    through: Callable[[Any], Any] | None = None
    """Makes of the context the one to ask with, or raises why not to ask."""


class Parts(NamedTuple):
    """The parts of a getter `f` that reads one thing, so that a plan may do without calling it.

    `f(source)` is `show(source.a.b)` where the path is `("a", "b")`.
    """

    path: tuple[str, ...]
    """The attributes to go along; none for the source itself."""
    show: Show | None = None
    """Makes of what stands there what is read; `None` where it is read as it is."""


class Told(NamedTuple):
    """A property that tells of which parts its getter is made."""

    name: str
    descriptor: property
    parts: Parts

    def is_read_from(self, kind: type) -> bool:
        """Whether it is what instances of a class are read by."""
        return (
            next((one.__dict__[self.name] for one in kind.__mro__ if self.name in one.__dict__), None)
            is self.descriptor
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """How a default resolver gets at a field's value: an expression over `s`, the source."""

    expression: str
    needs_mapping_check: bool = False
    told: Told | None = None
    """The property that is read, where it tells of its parts."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """How a function is given an argument of its field."""

    name: str
    is_copied: bool = False
    """Whether it is given a list of its own."""


@dataclass(frozen=True, slots=True)
class Call:
    """How to call a field's function: what it is given besides the arguments, by position, then by name.

    `"s"` stands for the source, `"i"` for what `make_info` makes.
    """

    function: Callable[..., Any]
    positional: tuple[str, ...] = ("s", "i")
    named: tuple[tuple[str, str], ...] = ()
    make_info: MakeInfo | None = None
    """Makes what stands for `"i"`; graphql-core's resolve info when None."""
    parameters: Mapping[str, Parameter] | None = None
    """How arguments are given, by their name in graphql-core's keyword arguments; unchanged when None."""

    @property
    def asking(self) -> Asking | None:
        """The parts of a function that says that it is made of such."""
        parts = getattr(self.function, ASKING, None)
        return None if parts is None else Asking(*parts)


class Dialect:
    """Plain graphql-core: nothing is known of resolvers and Python classes."""

    predicates: frozenset[Callable[..., Any]] = frozenset({is_awaitable, assume_not_awaitable})
    """The tests for awaitable values under which no plain value is awaitable."""
    cast: str | None = None
    """The attribute by which an object is declared to be of another type than its class says."""

    def reading(self, _definition: GraphQLField, resolve: Callable[..., Any], name: str) -> Reading | None:
        """How to read a field without calling its resolver; `None` when it must be called."""
        return key_or_attribute(name) if resolve is default_field_resolver else None

    def call(self, _definition: GraphQLField, resolve: Callable[..., Any]) -> Call:
        """How to call a field's resolver, or a quicker function that does the same."""
        return Call(resolve)

    def classes_of(self, _type: GraphQLObjectType) -> Collection[type]:
        """Classes of which every instance that is not cast is of an object type: `is_type_of` need not be asked."""
        return ()

    def names_of(self, _schema: GraphQLSchema, _type: GraphQLAbstractType) -> Mapping[type, str]:
        """Classes of which every instance that is not cast is of one object type of an abstract type."""
        return {}


def attribute(name: str, descriptor: object = None) -> Reading:
    """Reads an attribute that must be there; `descriptor` is what the class has for it."""
    told = told_by(descriptor, name)
    return Reading(f"s.{name}" if is_name(name) else f"getattr(s, {quoted(name)})", told=told)


def told_by(descriptor: object, name: str) -> Told | None:
    """The property with its parts; `None` for any other, and for all else."""
    parts = getattr(descriptor, PARTS, None)
    if parts is None or not isinstance(descriptor, property):
        return None
    told = Told(name, descriptor, Parts(*parts))
    return told if all(map(is_name, told.parts.path)) else None


def is_name(text: str) -> bool:
    """Whether a text may stand as a name in Python source, and stays the same there."""
    return text.isidentifier() and text.isascii() and not keyword.iskeyword(text)


def key_or_attribute(name: str) -> Reading:
    """Reads as graphql-core's default resolver does."""
    literal = quoted(name)
    return Reading(f"s.get({literal}) if m else getattr(s, {literal}, None)", needs_mapping_check=True)


def quoted(text: str) -> str:
    """A Python literal of a text, whatever it holds and whatever its class makes of `repr`."""
    return str.__repr__(text)


PLAIN_GRAPHQL = Dialect()
