"""The admin contract over gRPC."""

from contextlib import aclosing
from dataclasses import dataclass

from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.admin.v1.admin_pb2_grpc import AdminServiceServicer
from services.admin.biz import Accounts, Activities, Grant, Grants, History, Merges, Overview
from services.admin.service.messages import (
    account_change_from_message,
    account_filter_from_message,
    account_to_message,
    activity_filter_from_message,
    activity_to_message,
    audit_filter_from_message,
    audit_to_message,
    change_to_message,
    check_to_message,
    details_to_message,
    grant_to_message,
    merge_to_message,
    new_account_from_message,
    viewer_from_message,
)
from services.runtime.server import Context


@dataclass(frozen=True, slots=True)
class Office:
    """All that staff can do."""

    accounts: Accounts
    overview: Overview
    grants: Grants
    merges: Merges
    activities: Activities
    history: History


class AdminServicer(AdminServiceServicer):
    """Answers staff, one question at a time: each is a call of its own in the audit."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def SearchAccounts(  # noqa: N802
        self, request: pb.SearchAccountsRequest, context: Context
    ) -> pb.SearchAccountsResponse:
        """The accounts that match."""
        actor, wanted = viewer_from_message(request.actor), account_filter_from_message(request)
        page = await self._office.accounts.search(actor, wanted)
        return pb.SearchAccountsResponse(accounts=map(account_to_message, page.items), has_next_page=page.has_next)

    async def GetAccount(self, request: pb.GetAccountRequest, context: Context) -> pb.GetAccountResponse:  # noqa: N802
        """The account and what hangs on it."""
        actor = viewer_from_message(request.actor)
        return details_to_message(await self._office.overview.details(actor, request.account_id))

    async def CreateAccount(  # noqa: N802
        self, request: pb.CreateAccountRequest, context: Context
    ) -> pb.CreateAccountResponse:
        """The account, opened."""
        actor, new = viewer_from_message(request.actor), new_account_from_message(request)
        account = await self._office.accounts.create(actor, new, request.reason)
        return pb.CreateAccountResponse(account=account_to_message(account))

    async def ChangeAccount(  # noqa: N802
        self, request: pb.ChangeAccountRequest, context: Context
    ) -> pb.ChangeAccountResponse:
        """The account after the change."""
        actor, change = viewer_from_message(request.actor), account_change_from_message(request)
        changing = self._office.accounts.change(actor, request.account_id, request.version, change, request.reason)
        return pb.ChangeAccountResponse(account=account_to_message(await changing))

    async def ListChanges(  # noqa: N802
        self, request: pb.ListChangesRequest, context: Context
    ) -> pb.ListChangesResponse:
        """What changed the account."""
        actor = viewer_from_message(request.actor)
        page = await self._office.history.changes(actor, request.account_id, request.first, request.after)
        return pb.ListChangesResponse(changes=map(change_to_message, page.items), has_next_page=page.has_next)

    async def CloseAccount(  # noqa: N802
        self, request: pb.CloseAccountRequest, context: Context
    ) -> pb.CloseAccountResponse:
        """The account, closing."""
        actor = viewer_from_message(request.actor)
        account = await self._office.accounts.close(actor, request.account_id, request.reason)
        return pb.CloseAccountResponse(account=account_to_message(account))

    async def ReopenAccount(  # noqa: N802
        self, request: pb.ReopenAccountRequest, context: Context
    ) -> pb.ReopenAccountResponse:
        """The account, in use again."""
        actor = viewer_from_message(request.actor)
        account = await self._office.accounts.reopen(actor, request.account_id, request.reason)
        return pb.ReopenAccountResponse(account=account_to_message(account))

    async def SuspendAccount(  # noqa: N802
        self, request: pb.SuspendAccountRequest, context: Context
    ) -> pb.SuspendAccountResponse:
        """The account, barred."""
        actor = viewer_from_message(request.actor)
        account = await self._office.accounts.suspend(actor, request.account_id, request.reason)
        return pb.SuspendAccountResponse(account=account_to_message(account))

    async def SearchActivities(  # noqa: N802
        self, request: pb.SearchActivitiesRequest, context: Context
    ) -> pb.SearchActivitiesResponse:
        """The activities that match."""
        actor, wanted = viewer_from_message(request.actor), activity_filter_from_message(request.filter)
        page = await self._office.activities.search(actor, wanted, request.first, request.before_id)
        return pb.SearchActivitiesResponse(activities=map(activity_to_message, page.items), has_next_page=page.has_next)

    async def ExportActivities(  # type: ignore[override]  # noqa: N802 - the stub's type knows generators only.
        self, request: pb.ExportActivitiesRequest, context: Context
    ) -> None:
        """Writes the file piece by piece, as fast as the caller reads."""
        actor, wanted = viewer_from_message(request.actor), activity_filter_from_message(request.filter)
        async with aclosing(self._office.activities.export(actor, wanted)) as pieces:
            async for piece in pieces:
                await context.write(pb.ExportActivitiesResponse(csv=piece.text.encode(), rows=piece.rows))

    async def GrantPermission(  # noqa: N802
        self, request: pb.GrantPermissionRequest, context: Context
    ) -> pb.GrantPermissionResponse:
        """Whether that changed anything, and what the account has now."""
        actor, grant = viewer_from_message(request.actor), Grant(request.permission, request.allow)
        changed, grants = await self._office.grants.grant(actor, request.account_id, grant, request.reason)
        return pb.GrantPermissionResponse(changed=changed, grants=map(grant_to_message, grants))

    async def RevokePermission(  # noqa: N802
        self, request: pb.RevokePermissionRequest, context: Context
    ) -> pb.RevokePermissionResponse:
        """Whether that changed anything, and what the account has now."""
        actor, permission = viewer_from_message(request.actor), request.permission
        changed, grants = await self._office.grants.revoke(actor, request.account_id, permission, request.reason)
        return pb.RevokePermissionResponse(changed=changed, grants=map(grant_to_message, grants))

    async def CheckMerge(self, request: pb.CheckMergeRequest, context: Context) -> pb.CheckMergeResponse:  # noqa: N802
        """What a merge would move."""
        actor = viewer_from_message(request.actor)
        return check_to_message(await self._office.merges.check(actor, request.source_id, request.target_id))

    async def MergeAccounts(  # noqa: N802
        self, request: pb.MergeAccountsRequest, context: Context
    ) -> pb.MergeAccountsResponse:
        """The source, barred."""
        actor = viewer_from_message(request.actor)
        source = await self._office.merges.start(actor, request.source_id, request.target_id, request.reason)
        return pb.MergeAccountsResponse(source=account_to_message(source))

    async def GetMerge(self, request: pb.GetMergeRequest, context: Context) -> pb.GetMergeResponse:  # noqa: N802
        """How far the merge is."""
        merge = await self._office.merges.progress(viewer_from_message(request.actor), request.source_id)
        return pb.GetMergeResponse(merge=merge_to_message(merge) if merge else None)

    async def RetryMerge(self, request: pb.RetryMergeRequest, context: Context) -> pb.RetryMergeResponse:  # noqa: N802
        """The merge, taken up again."""
        actor = viewer_from_message(request.actor)
        merge = await self._office.merges.retry(actor, request.source_id, request.reason)
        return pb.RetryMergeResponse(merge=merge_to_message(merge))

    async def ListAudits(self, request: pb.ListAuditsRequest, context: Context) -> pb.ListAuditsResponse:  # noqa: N802
        """What staff did."""
        actor, wanted = viewer_from_message(request.actor), audit_filter_from_message(request)
        page = await self._office.history.audits(actor, wanted)
        return pb.ListAuditsResponse(audits=map(audit_to_message, page.items), has_next_page=page.has_next)
