"""Whoever is asking."""

from typing import Annotated

import strawberry

from schema.graphql import arguments
from schema.graphql.accounts import Account, account_of
from schema.graphql.degrade import degrades
from schema.graphql.enums import AccountType
from schema.graphql.field import attribute, field
from schema.graphql.homes import Home, home_of
from schema.graphql.info import Info
from schema.graphql.ports import Identity, PermissionKey


@strawberry.type(description="Whoever is asking: an account that is signed in, or a guest.")
class Viewer:
    """Whoever is asking, also after a sign-in that the request's own token knows nothing of."""

    identity: strawberry.Private[Identity]

    type: AccountType = attribute(
        lambda self: self.identity.account_type,
        AccountType,
        description="The type of the account; GUEST when nobody is signed in.",
    )
    home: Home = attribute(
        lambda self: home_of(self.identity), description="The home page, in the view of the account type."
    )

    @field(description="The account that is signed in; null for a guest.")
    @degrades
    async def account(self, info: Info) -> Account | None:
        """Asks for the account, unless nobody is signed in."""
        if self.identity.is_guest:
            return None
        found = await info.context.loaders.account_by_id.load(self.identity.account_id)
        return account_of(found, self.identity) if found else None

    @field(description="Whether the viewer has a permission. When that cannot be told, the answer is no.", cost=1)
    @degrades
    async def can(
        self,
        info: Info,
        permission: Annotated[str, strawberry.argument(description="Dotted name, such as activity.publish.")],
    ) -> bool:
        """Asks for the one permission."""
        key = PermissionKey(self.identity, arguments.name("permission", permission))
        return await info.context.loaders.permission.load(key)
