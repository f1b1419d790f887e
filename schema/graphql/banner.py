"""Something advertised."""

import strawberry

from schema.generated.banner.v1 import banner_pb2
from schema.graphql import ids
from schema.graphql.enums import BannerSlot
from schema.graphql.field import attribute


@strawberry.type(description="Something advertised.")
class Banner:
    """Something advertised."""

    message: strawberry.Private[banner_pb2.Banner]

    id: strawberry.ID = attribute("id", ids.encoding(ids.Prefix.BANNER), description="Unique over everything; opaque.")
    slot: BannerSlot = attribute("slot", BannerSlot, description="Where it is shown.")
    title: str = attribute("title", description="Words on it.")
    image_url: str = attribute("image_url", description="Address of its picture.")
    target_url: str = attribute("target_url", description="Where a click leads.")
