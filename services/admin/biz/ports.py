"""What the desk needs of other backends, and where its audit is kept. A backend that refuses raises an AtriumError."""

from collections.abc import Collection, Sequence, Set
from typing import Protocol

from services.admin.biz.words import (
    Account,
    AccountChange,
    AccountFilter,
    Activity,
    ActivityFilter,
    Amount,
    Audit,
    AuditFilter,
    Change,
    FollowCounts,
    Grant,
    Merge,
    NewAccount,
    Page,
    Viewer,
)


class AccountBackend(Protocol):
    """Whoever keeps accounts."""

    async def search(self, actor: Viewer, wanted: AccountFilter) -> Page[Account]:
        """The accounts that match, by id; closed ones too."""
        ...

    async def birthday(self, actor: Viewer, account_id: int) -> str | None:
        """The account's birthday; None when there is none to see."""
        ...

    async def create(self, actor: Viewer, new: NewAccount, reason: str) -> Account:
        """The account, opened."""
        ...

    async def change(self, actor: Viewer, account_id: int, version: int, change: AccountChange, reason: str) -> Account:
        """The account after the change."""
        ...

    async def close(self, actor: Viewer, account_id: int, reason: str) -> Account:
        """The account in its cooling-off period."""
        ...

    async def reopen(self, actor: Viewer, account_id: int, reason: str) -> Account:
        """The account in use again."""
        ...

    async def suspend(self, actor: Viewer, account_id: int, reason: str) -> Account:
        """The account, barred."""
        ...

    async def check_merge(self, actor: Viewer, source_id: int, target_id: int) -> tuple[str, int]:
        """Why the two cannot be merged, empty when they can, and how many sessions would move."""
        ...

    async def start_merge(self, actor: Viewer, source_id: int, target_id: int, reason: str) -> Account:
        """The source, barred until its data has been moved."""
        ...


class PermissionBackend(Protocol):
    """Whoever keeps permissions."""

    async def allowed(self, actor: Viewer, permissions: Collection[str]) -> Set[str]:
        """Those of the permissions that the actor has."""
        ...

    async def grants(self, account_id: int) -> Sequence[Grant]:
        """What was granted to the account and denied, by name."""
        ...

    async def grant(self, actor: Viewer, account_id: int, grant: Grant, reason: str) -> bool:
        """Whether that changed anything."""
        ...

    async def revoke(self, actor: Viewer, account_id: int, permission: str, reason: str) -> bool:
        """Whether that changed anything."""
        ...


class ActivityBackend(Protocol):
    """Whoever keeps activities and follows."""

    async def search(self, actor: Viewer, wanted: ActivityFilter, first: int, before_id: int) -> Page[Activity]:
        """The activities that match, newest first."""
        ...

    async def follow_counts(self, account_id: int) -> FollowCounts:
        """How many follow the account and how many it follows."""
        ...

    async def amounts(self, account_id: int) -> Sequence[Amount]:
        """How much of the account a merge would move."""
        ...


class JobBackend(Protocol):
    """Whoever keeps histories and merges accounts."""

    async def changes(self, actor: Viewer, account_id: int, first: int, after: str) -> Page[Change]:
        """What changed the account, newest first."""
        ...

    async def merge(self, actor: Viewer, source_id: int) -> Merge | None:
        """How far the merge of the account is; None when nobody knows of one."""
        ...

    async def retry_merge(self, actor: Viewer, source_id: int) -> Merge:
        """The merge, taken up again."""
        ...


class AuditLog(Protocol):
    """Where audits are kept."""

    async def write(self, audit: Audit) -> int:
        """Keeps the audit, in the place of an earlier one with its id; answers the id, a new one when it has none."""
        ...

    async def search(self, wanted: AuditFilter) -> Page[Audit]:
        """The audits that match, newest first."""
        ...
