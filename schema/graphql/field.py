"""A field that asks somebody, as against an attribute that is just there."""

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from schema.graphql.cache_control import CacheControl

Resolver = Callable[..., Awaitable[Any]]


def field(*, description: str, cache: CacheControl | None = None) -> Callable[[Resolver], StrawberryField]:
    """Makes a resolver a field: what `strawberry.field` does, with a type and never without a description.

    `cache` says how long its answer may be kept, where its type does not say it.
    """

    def make(resolver: Resolver) -> StrawberryField:
        directives = [cache] if cache else []
        made: StrawberryField = strawberry.field(resolver=resolver, description=description, directives=directives)
        return made

    return make
