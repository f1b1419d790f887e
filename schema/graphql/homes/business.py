"""The home page of a company."""

import strawberry

from schema.graphql import arguments
from schema.graphql.accounts import Account, accounts_of
from schema.graphql.activity import Audience, audience_of
from schema.graphql.asking import Asked, asks
from schema.graphql.banner import Banner
from schema.graphql.cost import at_most
from schema.graphql.degrade import degrades
from schema.graphql.enums import BannerSlot
from schema.graphql.field import field
from schema.graphql.homes.home import Home, Slot
from schema.graphql.info import Info
from schema.graphql.ports import Context


@strawberry.type(description="For a company. Companies see no advertising: banners is an empty list.")
class BusinessHome(Home):
    """The home page of a company."""

    @field(description="Always empty: companies see no advertising.", size=at_most(1), asks=False)
    async def banners(self, info: Info, slot: Slot = BannerSlot.HOME_TOP) -> list[Banner] | None:
        """Asks nobody."""
        arguments.slot(slot)
        return []

    @field(description="The accounts in the company's team, in order of joining.", cost=2, size=at_most(50))
    @degrades
    async def team(self, info: Info) -> list[Account] | None:
        """Asks who is in the team, then for those accounts."""
        found = await info.context.loaders.team.load(self.viewer.account_id)
        return await accounts_of(info.context.loaders, found, self.viewer)

    @field(description="Figures about those who follow the company.", cost=2)
    @degrades
    @asks
    def reach(self, context: Context) -> Asked[Audience | None]:
        """Asks for the company's audience."""
        return context.loaders.audience.load(self.viewer.account_id), audience_of
