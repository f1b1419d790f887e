"""What the types of the desk need: the admin backend, asked for whoever is asking."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.ports import Identity


@dataclass(frozen=True, slots=True)
class AccountsKey:
    """Which accounts: those that match everything that is set."""

    first: int
    after_id: int = 0
    ids: tuple[int, ...] = ()
    handle_prefix: str = ""
    name_part: str = ""
    types: tuple["identity_pb2.AccountType.ValueType", ...] = ()
    statuses: tuple["account_pb2.AccountStatus.ValueType", ...] = ()


@dataclass(frozen=True, slots=True)
class ActivitiesKey:
    """Which activities: those that match everything that is set."""

    first: int
    before_id: int = 0
    author_ids: tuple[int, ...] = ()
    kinds: tuple["activity_pb2.ActivityKind.ValueType", ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditsKey:
    """Which audits: those that match everything that is set."""

    first: int
    before_id: int = 0
    by_id: int = 0
    account_id: int = 0
    action: str = ""


@dataclass(frozen=True, slots=True)
class Creation:
    """An account to be opened."""

    reason: str
    type: "identity_pb2.AccountType.ValueType"
    handle: str
    display_name: str
    password: str
    attributes: pb.CreatorAttributes | pb.BusinessAttributes | pb.StaffAttributes | None

    def __repr__(self) -> str:
        return f"Creation(handle={self.handle!r})"


@dataclass(frozen=True, slots=True)
class Change:
    """What to change of an account; None stays as it is."""

    reason: str
    account_id: int
    version: int
    display_name: str | None = None
    handle: str | None = None
    avatar_url: str | None = None
    bio: str | None = None
    verified: bool | None = None
    category: str | None = None
    company_name: str | None = None
    industry: str | None = None
    department: str | None = None
    birthday: str | None = None


class Desk(Protocol):
    """The admin backend. Each call is one of its audit, for the viewer: none is batched, none asked twice for one.

    Each raises the AtriumError that the backend refused with, PermissionDenied for whoever may not.
    """

    async def search_accounts(self, viewer: Identity, key: AccountsKey) -> pb.SearchAccountsResponse:
        """The accounts that match, by id."""
        ...

    async def account(self, viewer: Identity, account_id: int) -> pb.GetAccountResponse:
        """An account with all that hangs on it."""
        ...

    async def changes(self, viewer: Identity, account_id: int, first: int, after: str) -> pb.ListChangesResponse:
        """What changed an account, newest first."""
        ...

    async def search_activities(self, viewer: Identity, key: ActivitiesKey) -> pb.SearchActivitiesResponse:
        """The activities that match, newest first."""
        ...

    async def check_merge(self, viewer: Identity, source_id: int, target_id: int) -> pb.CheckMergeResponse:
        """What a merge would move."""
        ...

    async def merge(self, viewer: Identity, source_id: int) -> pb.Merge | None:
        """How far a merge is; None when nobody began one."""
        ...

    async def audits(self, viewer: Identity, key: AuditsKey) -> pb.ListAuditsResponse:
        """What staff did, newest first."""
        ...

    async def create_account(self, viewer: Identity, creation: Creation) -> pb.Account:
        """The account, opened."""
        ...

    async def change_account(self, viewer: Identity, change: Change) -> pb.Account:
        """The account after the change."""
        ...

    async def close_account(self, viewer: Identity, account_id: int, reason: str) -> pb.Account:
        """The account in its cooling-off period."""
        ...

    async def reopen_account(self, viewer: Identity, account_id: int, reason: str) -> pb.Account:
        """The account in use again."""
        ...

    async def suspend_account(self, viewer: Identity, account_id: int, reason: str) -> pb.Account:
        """The account, barred."""
        ...

    async def grant_permission(
        self, viewer: Identity, account_id: int, permission: str, *, allow: bool, reason: str
    ) -> tuple[bool, Collection[pb.Grant]]:
        """Whether that changed anything, and what the account has now."""
        ...

    async def revoke_permission(
        self, viewer: Identity, account_id: int, permission: str, *, reason: str
    ) -> tuple[bool, Collection[pb.Grant]]:
        """Whether that changed anything, and what the account has now."""
        ...

    async def merge_accounts(self, viewer: Identity, source_id: int, target_id: int, reason: str) -> pb.Account:
        """The source, barred until its data has been moved."""
        ...

    async def retry_merge(self, viewer: Identity, source_id: int, reason: str) -> pb.Merge:
        """The merge, taken up again."""
        ...
