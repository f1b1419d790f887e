"""The account of a private person."""

from datetime import date

import strawberry

from schema.graphql.accounts.account import Account
from schema.graphql.cache_control import PRIVATE, PROFILE
from schema.graphql.degrade import degrades
from schema.graphql.field import field
from schema.graphql.info import Info
from schema.graphql.ports import PrivateKey


@strawberry.type(description="The account of a private person.", directives=[PROFILE])
class PersonalAccount(Account):
    """The account of a private person, whose own attributes are private."""

    @field(
        description="Only for the account itself and for staff; null for others, or when not given.",
        cache=PRIVATE,
        cost=1,
    )
    @degrades
    async def birthday(self, info: Info) -> date | None:
        """Asks for the private attributes, as whoever reads this."""
        viewer = self.viewer or await info.context.identity()
        private = await info.context.loaders.private_attributes.load(PrivateKey(viewer, self.message.id))
        return date.fromisoformat(private.birthday) if private and private.HasField("birthday") else None
