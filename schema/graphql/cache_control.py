"""How long an answer may be kept on its way to a client, as the schema says it: `@cacheControl`."""

from enum import Enum

import strawberry
from strawberry.schema_directive import Location


@strawberry.enum(description="For whom an answer may be kept.")
class CacheControlScope(Enum):
    """For whom an answer may be kept."""

    PUBLIC = strawberry.enum_value("PUBLIC", description="For everybody: it does not depend on who asks.")
    PRIVATE = strawberry.enum_value("PRIVATE", description="For nobody: it depends on who asks.")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT, Location.INTERFACE],
    description="How long what a field answers may be kept; on a type, what any field answers that is of the type. An "
    "answer may be kept as long as the strictest of its fields says. Of scalars without it the object around them "
    "says; whatever else is without it may not be kept.",
)
class CacheControl:
    """A hint on a type or a field."""

    max_age: int | None = strawberry.directive_field(name="maxAge", default=strawberry.UNSET)
    scope: CacheControlScope | None = strawberry.directive_field(name="scope", default=strawberry.UNSET)

    @property
    def seconds(self) -> int:
        """How long everybody may keep the answer; 0 for not at all."""
        return 0 if self.scope is CacheControlScope.PRIVATE else self.max_age or 0


PROFILE = CacheControl(max_age=10)
"""What everybody may know of an account: as old as two gateways' caches may make it, and no older for long."""
PRIVATE = CacheControl(scope=CacheControlScope.PRIVATE)
"""What depends on who asks."""
