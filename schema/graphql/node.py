"""Whatever has an id of its own."""

import strawberry


@strawberry.interface(description="Whatever `node` finds by its id.")
class Node:
    """Whatever `node` finds by its id."""

    id: strawberry.ID = strawberry.field(description="Unique over everything; opaque.")
