"""The account of a company."""

from typing import Any

import strawberry

from schema.generated.account.v1 import account_pb2
from schema.graphql.accounts.account import Account
from schema.graphql.cache_control import PROFILE


@strawberry.type(description="The account of a company.", directives=[PROFILE])
class BusinessAccount(Account):
    """The account of a company."""

    company_name: str = strawberry.field(description="The registered name of the company.")
    industry: str | None = strawberry.field(description="What the company does; null when not given.")
    verified: bool = strawberry.field(description="Whether the centre has checked who this is.")

    @staticmethod
    def own_attributes(message: account_pb2.Account) -> dict[str, Any]:
        """What only companies have."""
        own = message.business
        industry = own.industry if own.HasField("industry") else None
        return {"company_name": own.company_name, "industry": industry, "verified": own.verified}
