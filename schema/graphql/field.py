"""A field that asks somebody, as against an attribute that is just there."""

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

Resolver = Callable[..., Awaitable[Any]]


def field(*, description: str) -> Callable[[Resolver], StrawberryField]:
    """Makes a resolver a field: what `strawberry.field` does, with a type and never without a description."""

    def make(resolver: Resolver) -> StrawberryField:
        made: StrawberryField = strawberry.field(resolver=resolver, description=description)
        return made

    return make
