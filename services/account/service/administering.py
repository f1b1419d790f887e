"""What staff does with accounts."""

from schema.generated.account.v1 import account_pb2 as pb
from schema.generated.account.v1.account_pb2_grpc import AccountServiceServicer
from services.account.biz import Administration
from services.account.service.messages import (
    account_change_from_message,
    account_to_message,
    filter_from_message,
    new_account_from_message,
    viewer_from_message,
)
from services.runtime.server import Context


class AdministeringServicer(AccountServiceServicer):
    """Finds, opens and changes accounts for staff."""

    _administration: Administration

    async def SearchAccounts(  # noqa: N802
        self, request: pb.SearchAccountsRequest, context: Context
    ) -> pb.SearchAccountsResponse:
        """The accounts found, by id."""
        actor, wanted = viewer_from_message(request.actor), filter_from_message(request)
        accounts, has_next_page = await self._administration.search(actor, wanted)
        return pb.SearchAccountsResponse(accounts=map(account_to_message, accounts), has_next_page=has_next_page)

    async def CreateAccount(  # noqa: N802
        self, request: pb.CreateAccountRequest, context: Context
    ) -> pb.CreateAccountResponse:
        """The account that was opened."""
        actor, new = viewer_from_message(request.actor), new_account_from_message(request)
        account = await self._administration.create(actor, new, request.reason)
        return pb.CreateAccountResponse(account=account_to_message(account))

    async def ChangeAccount(  # noqa: N802
        self, request: pb.ChangeAccountRequest, context: Context
    ) -> pb.ChangeAccountResponse:
        """The account after the change."""
        actor, change = viewer_from_message(request.actor), account_change_from_message(request)
        account = await self._administration.change(actor, request.account_id, request.version, change, request.reason)
        return pb.ChangeAccountResponse(account=account_to_message(account))
