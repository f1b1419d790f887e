"""The home page of somebody who publishes for an audience."""

import strawberry

from schema.graphql import arguments
from schema.graphql.activity import ActivityConnection, Audience, page_of
from schema.graphql.cost import PAGE
from schema.graphql.degrade import degrades
from schema.graphql.field import field
from schema.graphql.homes.home import After, First, Home
from schema.graphql.info import Info
from schema.graphql.ports import FeedKey


@strawberry.type(description="For somebody who publishes for an audience.")
class CreatorHome(Home):
    """The home page of somebody who publishes for an audience."""

    @field(description="Figures about those who follow the creator.", cost=2)
    @degrades
    async def audience(self, info: Info) -> Audience | None:
        """Asks for the creator's audience."""
        found = await info.context.loaders.audience.load(self.viewer.account_id)
        return Audience(message=found) if found else None

    @field(description="What the creator did, newest first.", cost=5, size=PAGE)
    @degrades
    async def own_activities(
        self, info: Info, first: First = 20, after: After = strawberry.UNSET
    ) -> ActivityConnection | None:
        """Asks for a page of the creator's activities."""
        key = FeedKey(self.viewer, arguments.page_size(first), arguments.cursor(after))
        page = await info.context.loaders.own_activities.load(key)
        return page_of(page, key.after, self.viewer)
