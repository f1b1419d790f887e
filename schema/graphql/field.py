"""The two kinds of fields: one that asks somebody, and an attribute that is just there."""

from collections.abc import Awaitable, Callable
from enum import EnumType
from operator import attrgetter
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from schema.graphql.cache_control import CacheControl
from schema.graphql.cost import Cost, ListSize
from schema.graphql.seams import SEAMS

Resolver = Callable[..., Awaitable[Any]]
Read = Callable[[Any], Any]


def field(
    *,
    description: str,
    cache: CacheControl | None = None,
    cost: int = 0,
    size: ListSize | None = None,
    asks: bool = True,
) -> Callable[[Resolver], StrawberryField]:
    """Makes a resolver a field: what `strawberry.field` does, with a type and never without a description.

    `cache` says how long its answer may be kept, where its type does not say it; `cost` what asking for it costs beside
    the objects that it answers, and `size` how many these may be. Whoever `asks` a backend has a row in `seams.py`.
    """

    def make(resolver: Resolver) -> StrawberryField:
        seam = SEAMS[resolver.__qualname__] if asks else None
        shown = [*_costs(cost), *(each for each in (cache, size, seam and seam.directive) if each)]
        words = description + (seam.words if seam else "")
        made: StrawberryField = strawberry.field(resolver=resolver, description=words, directives=shown)
        return made

    return make


def attribute(
    read: str | Read, show: Read | None = None, *, optional: bool = False, description: str, cost: int = 0
) -> Any:
    """An attribute that takes no time until somebody asks for it.

    `read` names a field of the object's `message`, with dots for one of a part, or is a function of the object. `show`
    makes of it what the schema says. One that is `optional` in the contract is shown as it is, and as None where it was
    left out. `cost` is for one that may be long.
    """
    getter = _given(read) if optional and isinstance(read, str) else _read(read, show)
    made: StrawberryField = strawberry.field(default=property(getter), description=description, directives=_costs(cost))
    made.init = False  # Nobody gives what is read.
    return made


def _costs(cost: int) -> list[object]:
    return [Cost(weight=str(cost))] if cost else []


def _given(path: str) -> Read:
    part, _, name = f"message.{path}".rpartition(".")
    holder = attrgetter(part)

    def read(view: Any) -> Any:
        message = holder(view)
        return getattr(message, name) if message.HasField(name) else None

    return read


def _read(read: str | Read, show: Read | None) -> Read:
    getter = read if callable(read) else attrgetter(f"message.{read}")
    if show is None:
        return getter
    convert = _Words(show).__getitem__ if isinstance(show, EnumType) else show
    if callable(read) or "." in read:
        return lambda view: convert(getter(view))
    return lambda view: convert(getattr(view.message, read))  # The same in fewer steps.


class _Words(dict[Any, Any]):
    """The members of an enum by value: calling the enum finds the same, but slowly."""

    def __init__(self, words: Any) -> None:
        super().__init__({word.value: word for word in words})
        self._words = words

    def __missing__(self, value: object) -> Any:
        return self._words(value)
