"""The home page of an employee."""

import strawberry

from schema.graphql import arguments
from schema.graphql.accounts import Account, accounts_of
from schema.graphql.cost import FIRST
from schema.graphql.degrade import degrades
from schema.graphql.field import field
from schema.graphql.homes.home import First, Home
from schema.graphql.info import Info
from schema.graphql.ports import ClosuresKey


@strawberry.type(description="For an employee who runs the account centre.")
class StaffHome(Home):
    """The home page of an employee."""

    @field(description="Accounts in their cooling-off period, those that close first coming first.", cost=5, size=FIRST)
    @degrades
    async def pending_closures(self, info: Info, first: First = 20) -> list[Account] | None:
        """Asks which accounts are closing, then for those accounts."""
        key = ClosuresKey(self.viewer, arguments.page_size(first))
        found = await info.context.loaders.pending_closures.load(key)
        return await accounts_of(info.context.loaders, found, self.viewer)
