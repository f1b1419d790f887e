"""Whoever is asking."""

from typing import Annotated

import strawberry

from schema.graphql import arguments
from schema.graphql.accounts import Account, account_of
from schema.graphql.asking import Asked, asks
from schema.graphql.degrade import degrades
from schema.graphql.enums import AccountType
from schema.graphql.field import attribute, field
from schema.graphql.homes import Home, home_of
from schema.graphql.ports import Context, Identity, PermissionKey


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
    @asks
    def account(self, context: Context) -> Asked[Account | None] | None:
        """Asks for the account, unless nobody is signed in."""
        if self.identity.is_guest:
            return None
        found = context.loaders.account_by_id.load(self.identity.account_id)
        return found, lambda message: account_of(message, self.identity) if message else None

    @field(description="Whether the viewer has a permission.", cost=1)
    @degrades
    @asks
    def can(
        self,
        context: Context,
        permission: Annotated[str, strawberry.argument(description="Dotted name, such as activity.publish.")],
    ) -> Asked[bool]:
        """Asks for the one permission."""
        key = PermissionKey(self.identity, arguments.name("permission", permission))
        return context.loaders.permission.load(key), bool
