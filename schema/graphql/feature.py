"""A sub-function of the account centre."""

from typing import Self

import strawberry

from schema.generated.permission.v1 import permission_pb2


@strawberry.type(description="A sub-function that the viewer may use.")
class Feature:
    """A sub-function that the viewer may use."""

    key: str = strawberry.field(description="Unique name for programs, such as orders.")
    title: str = strawberry.field(description="Name for people.")
    url: str = strawberry.field(description="Where it is.")
    badge: str | None = strawberry.field(description="A short mark beside the title, such as NEW; null for none.")

    @classmethod
    def from_message(cls, message: permission_pb2.Feature) -> Self:
        """The sub-function that `message` tells of."""
        badge = message.badge if message.HasField("badge") else None
        return cls(key=message.key, title=message.title, url=message.url, badge=badge)
