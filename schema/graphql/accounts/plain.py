"""An account of a type newer than this gateway."""

import strawberry

from schema.graphql.accounts.account import Account
from schema.graphql.cache_control import PROFILE


@strawberry.type(
    description="An account of a type newer than this gateway: what every account shows; its `type` is OTHER.",
    directives=[PROFILE],
)
class PlainAccount(Account):
    """An account of a type newer than this gateway."""
