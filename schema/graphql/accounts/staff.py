"""The account of an employee."""

from typing import Any

import strawberry

from schema.generated.account.v1 import account_pb2
from schema.graphql.accounts.account import Account
from schema.graphql.cache_control import PROFILE


@strawberry.type(description="The account of an employee who runs the account centre.", directives=[PROFILE])
class StaffAccount(Account):
    """The account of an employee."""

    department: str = strawberry.field(description="Where in the company.")

    @staticmethod
    def own_attributes(message: account_pb2.Account) -> dict[str, Any]:
        """What only employees have."""
        return {"department": message.staff.department}
