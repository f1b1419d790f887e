"""Something advertised."""

from typing import Self

import strawberry

from schema.generated.banner.v1 import banner_pb2
from schema.graphql import ids
from schema.graphql.enums import BannerSlot


@strawberry.type(description="Something advertised.")
class Banner:
    """Something advertised."""

    id: strawberry.ID = strawberry.field(description="Unique over everything; opaque.")
    slot: BannerSlot = strawberry.field(description="Where it is shown.")
    title: str = strawberry.field(description="Words on it.")
    image_url: str = strawberry.field(description="Address of its picture.")
    target_url: str = strawberry.field(description="Where a click leads.")

    @classmethod
    def from_message(cls, message: banner_pb2.Banner) -> Self:
        """The banner that `message` tells of."""
        return cls(
            id=strawberry.ID(ids.encode(ids.Prefix.BANNER, message.id)),
            slot=BannerSlot(message.slot),
            title=message.title,
            image_url=message.image_url,
            target_url=message.target_url,
        )
