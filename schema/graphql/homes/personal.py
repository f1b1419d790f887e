"""The home page of a private person."""

import strawberry

from schema.graphql import arguments
from schema.graphql.accounts import Account, accounts_of
from schema.graphql.cost import FIRST
from schema.graphql.degrade import degrades
from schema.graphql.field import field
from schema.graphql.homes.home import First, Home
from schema.graphql.info import Info
from schema.graphql.ports import SuggestionsKey


@strawberry.type(description="For a private person.")
class PersonalHome(Home):
    """The home page of a private person."""

    @field(description="Accounts worth following, the most followed first.", cost=5, size=FIRST)
    @degrades
    async def suggestions(self, info: Info, first: First = 5) -> list[Account] | None:
        """Asks whom to follow, then for those accounts."""
        key = SuggestionsKey(self.viewer.account_id, arguments.page_size(first))
        found = await info.context.loaders.suggestions.load(key)
        return await accounts_of(info.context.loaders, found, self.viewer)
