"""What a field costs, as the schema tells its clients: an object is 1, a plain value nothing, unless declared."""

from typing import TypeVar

import strawberry
from graphql import GraphQLField
from strawberry.schema_directive import Location

Declared = TypeVar("Declared", "Cost", "ListSize")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    description="What asking for the field costs, a whole number, beside the objects that it answers: each of these "
    "costs 1.",
)
class Cost:
    """What asking for a field costs."""

    weight: str


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description="How many items a list has at most, for the estimate of what an operation costs: as many as one of "
    "the slicing arguments says, which is a number, or a list with an item for each; else the assumed size. Sized "
    "fields are those of the answer that are the list, where the field itself is none.",
)
class ListSize:
    """How many items a list has at most."""

    assumed_size: int | None = strawberry.directive_field(name="assumedSize", default=strawberry.UNSET)
    slicing_arguments: list[str] | None = strawberry.directive_field(name="slicingArguments", default=strawberry.UNSET)
    sized_fields: list[str] | None = strawberry.directive_field(name="sizedFields", default=strawberry.UNSET)


FIRST = ListSize(slicing_arguments=["first"])
"""A list with at most `first` items."""
PAGE = ListSize(slicing_arguments=["first"], sized_fields=["edges"])
"""A page with at most `first` items."""


def at_most(items: int) -> ListSize:
    """A list with hardly more items than that."""
    return ListSize(assumed_size=items)


def declared(field: GraphQLField, kind: type[Declared]) -> Declared | None:
    """The directive of this kind that the field of a schema carries; None where it has none."""
    definition = field.extensions.get("strawberry-definition")
    directives = getattr(definition, "directives", None) or ()
    return next((one for one in directives if isinstance(one, kind)), None)
