"""The account of somebody who publishes for an audience."""

import strawberry

from schema.graphql.accounts.account import Account
from schema.graphql.cache_control import PROFILE
from schema.graphql.field import attribute


@strawberry.type(description="The account of somebody who publishes for an audience.", directives=[PROFILE])
class CreatorAccount(Account):
    """The account of somebody who publishes for an audience."""

    category: str | None = attribute(
        "creator.category", optional=True, description="What the creator publishes about; null when not given."
    )
    verified: bool = attribute("creator.verified", description="Whether the centre has checked who this is.")
