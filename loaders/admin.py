"""What is asked of the admin backend.

Nothing here is batched or remembered: its contract takes one question at a time, because each is a call of its own in
the audit, by one actor, and two that were asked twice were asked twice.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp

from loaders.batching import to_viewer
from schema.errcode import InvalidArgument
from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.admin.v1.admin_pb2_grpc import AdminServiceStub
from schema.graphql.admin.ports import AccountsKey, ActivitiesKey, AuditsKey, Change, Creation
from schema.graphql.ports import Identity
from services.runtime import subjects
from services.runtime.subjects import Changing, nothing_kept

BACKEND = "admin"


class AdminDesk:
    """Fits `schema.graphql.admin.ports.Desk`."""

    def __init__(self, channel: grpc.aio.Channel, changing: Changing = nothing_kept) -> None:
        self._stub = AdminServiceStub(channel)
        self._changing = changing

    async def search_accounts(self, viewer: Identity, key: AccountsKey) -> pb.SearchAccountsResponse:
        """The accounts that match, by id."""
        request = pb.SearchAccountsRequest(
            actor=to_viewer(viewer),
            ids=key.ids,
            handle_prefix=key.handle_prefix,
            name_part=key.name_part,
            types=key.types,
            statuses=map(pb.AccountStatus.ValueType, key.statuses),
            first=key.first,
            after_id=key.after_id,
        )
        return await self._stub.SearchAccounts(request)

    async def account(self, viewer: Identity, account_id: int) -> pb.GetAccountResponse:
        """An account with all that hangs on it."""
        return await self._stub.GetAccount(pb.GetAccountRequest(actor=to_viewer(viewer), account_id=account_id))

    async def changes(self, viewer: Identity, account_id: int, first: int, after: str) -> pb.ListChangesResponse:
        """What changed an account, newest first."""
        request = pb.ListChangesRequest(actor=to_viewer(viewer), account_id=account_id, first=first, after=after)
        return await self._stub.ListChanges(request)

    async def search_activities(self, viewer: Identity, key: ActivitiesKey) -> pb.SearchActivitiesResponse:
        """The activities that match, newest first."""
        wanted = pb.ActivityFilter(
            author_ids=key.author_ids,
            kinds=map(pb.ActivityKind.ValueType, key.kinds),
            since=_moment("since", key.since),
            until=_moment("until", key.until),
        )
        request = pb.SearchActivitiesRequest(
            actor=to_viewer(viewer), filter=wanted, first=key.first, before_id=key.before_id
        )
        return await self._stub.SearchActivities(request)

    async def check_merge(self, viewer: Identity, source_id: int, target_id: int) -> pb.CheckMergeResponse:
        """What a merge would move."""
        request = pb.CheckMergeRequest(actor=to_viewer(viewer), source_id=source_id, target_id=target_id)
        return await self._stub.CheckMerge(request)

    async def merge(self, viewer: Identity, source_id: int) -> pb.Merge | None:
        """How far a merge is; None when nobody began one."""
        reply = await self._stub.GetMerge(pb.GetMergeRequest(actor=to_viewer(viewer), source_id=source_id))
        return reply.merge if reply.HasField("merge") else None

    async def audits(self, viewer: Identity, key: AuditsKey) -> pb.ListAuditsResponse:
        """What staff did, newest first."""
        request = pb.ListAuditsRequest(
            actor=to_viewer(viewer),
            by_id=key.by_id,
            account_id=key.account_id,
            action=key.action,
            first=key.first,
            before_id=key.before_id,
        )
        return await self._stub.ListAudits(request)

    async def create_account(self, viewer: Identity, creation: Creation) -> pb.Account:
        """The account, opened."""
        request = pb.CreateAccountRequest(
            actor=to_viewer(viewer),
            reason=creation.reason,
            type=creation.type,
            handle=creation.handle,
            display_name=creation.display_name,
            password=creation.password,
            **_attributes(creation),
        )
        async with self._changing(*subjects.handles(creation.handle)):
            return (await self._stub.CreateAccount(request)).account

    async def change_account(self, viewer: Identity, change: Change) -> pb.Account:
        """The account after the change."""
        request = pb.ChangeAccountRequest(
            actor=to_viewer(viewer),
            reason=change.reason,
            account_id=change.account_id,
            version=change.version,
            display_name=change.display_name,
            handle=change.handle,
            avatar_url=change.avatar_url,
            bio=change.bio,
            verified=change.verified,
            category=change.category,
            company_name=change.company_name,
            industry=change.industry,
            department=change.department,
            birthday=change.birthday,
        )
        async with self._changing(*_subjects_of(change)):
            return (await self._stub.ChangeAccount(request)).account

    async def close_account(self, viewer: Identity, account_id: int, reason: str) -> pb.Account:
        """The account in its cooling-off period."""
        request = pb.CloseAccountRequest(actor=to_viewer(viewer), account_id=account_id, reason=reason)
        async with self._changing(subjects.account(account_id)):
            return (await self._stub.CloseAccount(request)).account

    async def reopen_account(self, viewer: Identity, account_id: int, reason: str) -> pb.Account:
        """The account in use again."""
        request = pb.ReopenAccountRequest(actor=to_viewer(viewer), account_id=account_id, reason=reason)
        async with self._changing(subjects.account(account_id)):
            return (await self._stub.ReopenAccount(request)).account

    async def suspend_account(self, viewer: Identity, account_id: int, reason: str) -> pb.Account:
        """The account, barred."""
        request = pb.SuspendAccountRequest(actor=to_viewer(viewer), account_id=account_id, reason=reason)
        async with self._changing(subjects.account(account_id)):
            return (await self._stub.SuspendAccount(request)).account

    async def grant_permission(
        self, viewer: Identity, account_id: int, permission: str, *, allow: bool, reason: str
    ) -> tuple[bool, Collection[pb.Grant]]:
        """Whether that changed anything, and what the account has now."""
        request = pb.GrantPermissionRequest(
            actor=to_viewer(viewer), reason=reason, account_id=account_id, permission=permission, allow=allow
        )
        async with self._changing(subjects.account(account_id)):
            reply = await self._stub.GrantPermission(request)
        return reply.changed, reply.grants

    async def revoke_permission(
        self, viewer: Identity, account_id: int, permission: str, *, reason: str
    ) -> tuple[bool, Collection[pb.Grant]]:
        """Whether that changed anything, and what the account has now."""
        request = pb.RevokePermissionRequest(
            actor=to_viewer(viewer), reason=reason, account_id=account_id, permission=permission
        )
        async with self._changing(subjects.account(account_id)):
            reply = await self._stub.RevokePermission(request)
        return reply.changed, reply.grants

    async def merge_accounts(self, viewer: Identity, source_id: int, target_id: int, reason: str) -> pb.Account:
        """The source, barred until its data has been moved."""
        request = pb.MergeAccountsRequest(
            actor=to_viewer(viewer), reason=reason, source_id=source_id, target_id=target_id
        )
        async with self._changing(subjects.account(source_id)):
            return (await self._stub.MergeAccounts(request)).source

    async def retry_merge(self, viewer: Identity, source_id: int, reason: str) -> pb.Merge:
        """The merge, taken up again."""
        request = pb.RetryMergeRequest(actor=to_viewer(viewer), reason=reason, source_id=source_id)
        async with self._changing(subjects.account(source_id)):
            return (await self._stub.RetryMerge(request)).merge


def _subjects_of(change: Change) -> list[str]:
    """What a change of an account is about."""
    return [subjects.account(change.account_id), *subjects.handles(change.handle)]


def _attributes(creation: Creation) -> dict[str, Any]:
    """The field of the request for what only accounts of its type have."""
    match creation.attributes:
        case pb.CreatorAttributes() as creator:
            return {"creator": creator}
        case pb.BusinessAttributes() as business:
            return {"business": business}
        case pb.StaffAttributes() as staff:
            return {"staff": staff}
    return {}


def _moment(argument: str, moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    message = Timestamp()
    try:
        message.FromDatetime(moment)
    except (ValueError, OverflowError) as error:
        raise InvalidArgument(argument, "must be a moment of the years 1 to 9999, in UTC") from error
    return message
