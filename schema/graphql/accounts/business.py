"""The account of a company."""

import strawberry

from schema.graphql.accounts.account import Account
from schema.graphql.cache_control import PROFILE
from schema.graphql.field import attribute


@strawberry.type(description="The account of a company.", directives=[PROFILE])
class BusinessAccount(Account):
    """The account of a company."""

    company_name: str = attribute("business.company_name", description="The registered name of the company.")
    industry: str | None = attribute(
        "business.industry", optional=True, description="What the company does; null when not given."
    )
    verified: bool = attribute("business.verified", description="Whether the centre has checked who this is.")
