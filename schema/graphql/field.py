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
    getter = _read(read, show, optional=optional)
    made: StrawberryField = strawberry.field(default=getter, description=description, directives=_costs(cost))
    made.init = False  # Nobody gives what is read.
    return made


def _costs(cost: int) -> list[object]:
    return [Cost(weight=str(cost))] if cost else []


class Attribute(property):
    """A property that tells the executor of which parts it is made; see `gateway/execution/README.md`."""

    def __init__(self, path: tuple[str, ...], show: Read | None) -> None:
        """Reads what stands at the end of the path, as `show` shows it."""
        self.parts = path, show
        holder = attrgetter(".".join(path)) if path else None
        super().__init__(_then(holder, show))


def _read(read: str | Read, show: Read | None, *, optional: bool) -> Attribute:
    convert = _Words(show).__getitem__ if isinstance(show, EnumType) else show
    if callable(read):
        return Attribute((), _then(read, convert))
    *path, name = "message", *read.split(".")
    return Attribute((*path,), _given(name)) if optional else Attribute((*path, name), convert)


def _then(first: Read | None, second: Read | None) -> Read:
    """One after the other."""
    if first is None or second is None:
        return first or second or (lambda view: view)
    return lambda view: second(first(view))


def _given(name: str) -> Read:
    return lambda message: getattr(message, name) if message.HasField(name) else None


class _Words(dict[Any, Any]):
    """The members of an enum by value: calling the enum finds the same, but slowly."""

    def __init__(self, words: Any) -> None:
        super().__init__({word.value: word for word in words})
        self._words = words

    def __missing__(self, value: object) -> Any:
        return self._words(value)
