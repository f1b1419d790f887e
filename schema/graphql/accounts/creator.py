"""The account of somebody who publishes for an audience."""

from typing import Any

import strawberry

from schema.generated.account.v1 import account_pb2
from schema.graphql.accounts.account import Account
from schema.graphql.cache_control import PROFILE


@strawberry.type(description="The account of somebody who publishes for an audience.", directives=[PROFILE])
class CreatorAccount(Account):
    """The account of somebody who publishes for an audience."""

    category: str | None = strawberry.field(description="What the creator publishes about; null when not given.")
    verified: bool = strawberry.field(description="Whether the centre has checked who this is.")

    @staticmethod
    def own_attributes(message: account_pb2.Account) -> dict[str, Any]:
        """What only creators have."""
        own = message.creator
        return {"category": own.category if own.HasField("category") else None, "verified": own.verified}
