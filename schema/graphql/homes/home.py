"""What every home page shows."""

from typing import Annotated, TypeAlias

import strawberry

from schema.graphql import arguments
from schema.graphql.activity import ActivityConnection, page_of
from schema.graphql.asking import Asked, asks
from schema.graphql.banner import Banner
from schema.graphql.cost import PAGE, at_most
from schema.graphql.degrade import degrades
from schema.graphql.enums import ActivityKind, BannerSlot
from schema.graphql.feature import Feature
from schema.graphql.field import field
from schema.graphql.ports import BannersKey, Context, FeedKey, Identity

Slot: TypeAlias = Annotated[BannerSlot, strawberry.argument(description="Where on the page.")]
First: TypeAlias = Annotated[int, strawberry.argument(description="At most this many; 1 to 100.")]
After: TypeAlias = Annotated[
    str | None, strawberry.argument(description="The cursor of the item just before; left out for the start.")
]
Kinds: TypeAlias = Annotated[
    list[ActivityKind] | None, strawberry.argument(description="Only these kinds; left out or empty for all.")
]


@strawberry.interface(description="What the home page shows: one view per account type. A part that is null is down.")
class Home:
    """What the home page shows to one identity."""

    viewer: strawberry.Private[Identity]

    @field(description="The sub-functions the viewer may use, in the order of the menu.", cost=2, size=at_most(30))
    @degrades
    @asks
    def features(self, context: Context) -> Asked[list[Feature] | None]:
        """Asks for the viewer's features."""
        found = context.loaders.features.load(self.viewer)
        return found, lambda features: [Feature(message=feature) for feature in features]

    @field(description="The banners to show in a slot, the first to be shown first.", cost=2, size=at_most(10))
    @degrades
    @asks
    def banners(self, context: Context, slot: Slot = BannerSlot.HOME_TOP) -> Asked[list[Banner] | None]:
        """Asks what to advertise to the viewer."""
        found = context.loaders.banners.load(BannersKey(self.viewer, arguments.slot(slot).number))
        return found, lambda banners: [Banner(message=banner) for banner in banners]

    @field(description="Activities of those the viewer follows, or what trends; newest first.", cost=5, size=PAGE)
    @degrades
    @asks
    def feed(
        self, context: Context, first: First = 20, after: After = strawberry.UNSET, kinds: Kinds = strawberry.UNSET
    ) -> Asked[ActivityConnection | None]:
        """Asks for a page of the viewer's feed."""
        chosen = tuple(kind.number for kind in arguments.kinds(kinds))
        key = FeedKey(self.viewer, arguments.page_size(first), arguments.cursor(after), chosen)
        return context.loaders.feed.load(key), lambda page: page_of(page, key.after, self.viewer)
