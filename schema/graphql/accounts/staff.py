"""The account of an employee."""

import strawberry

from schema.graphql.accounts.account import Account
from schema.graphql.cache_control import PROFILE
from schema.graphql.field import attribute


@strawberry.type(description="The account of an employee who runs the account centre.", directives=[PROFILE])
class StaffAccount(Account):
    """The account of an employee."""

    department: str = attribute("staff.department", description="Where in the company.")
