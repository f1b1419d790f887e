"""The home page of somebody who publishes for an audience."""

import strawberry

from schema.graphql import arguments
from schema.graphql.activity import ActivityConnection, Audience, audience_of, page_of
from schema.graphql.asking import Asked, asks
from schema.graphql.cost import PAGE
from schema.graphql.degrade import degrades
from schema.graphql.field import field
from schema.graphql.homes.home import After, First, Home
from schema.graphql.ports import Context, FeedKey


@strawberry.type(description="For somebody who publishes for an audience.")
class CreatorHome(Home):
    """The home page of somebody who publishes for an audience."""

    @field(description="Figures about those who follow the creator.", cost=2)
    @degrades
    @asks
    def audience(self, context: Context) -> Asked[Audience | None]:
        """Asks for the creator's audience."""
        return context.loaders.audience.load(self.viewer.account_id), audience_of

    @field(description="What the creator did, newest first.", cost=5, size=PAGE)
    @degrades
    @asks
    def own_activities(
        self, context: Context, first: First = 20, after: After = strawberry.UNSET
    ) -> Asked[ActivityConnection | None]:
        """Asks for a page of the creator's activities."""
        key = FeedKey(self.viewer, arguments.page_size(first), arguments.cursor(after))
        return context.loaders.own_activities.load(key), lambda page: page_of(page, key.after, self.viewer)
