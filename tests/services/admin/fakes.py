"""Backends of a few lines, and an audit in a list."""

import json
from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from schema.errcode import AccountNotFound
from services.admin.biz import (
    Account,
    AccountChange,
    AccountFilter,
    AccountStatus,
    AccountType,
    Activity,
    ActivityFilter,
    ActivityKind,
    Amount,
    Audit,
    AuditFilter,
    Change,
    CreatorAttributes,
    Desk,
    FollowCounts,
    Grant,
    Merge,
    NewAccount,
    Page,
    Viewer,
)
from tests.conftest import NOON, HandClock

SAM = Viewer(4, AccountType.STAFF, "proved")
ADA = Viewer(1, AccountType.PERSONAL)
GUEST = Viewer(0, AccountType.GUEST)
LIAR = Viewer(0, AccountType.STAFF)
"""Says that it is staff, and is nobody."""
BO = Account(
    2, AccountType.CREATOR, AccountStatus.ACTIVE, 3, "bo", "Bo", None, "words", NOON, CreatorAttributes("music", False)
)
CORP = replace(BO, id=3, handle="corp", version=1)
CHANGE = Change("c1", 2, 2, 4, "asked", NOON, (), False)
MERGE = Merge(2, 3, 4, (), 4, "twins", NOON, None, None, "stuck")
EVERYTHING = frozenset(
    {
        "admin.accounts.read",
        "admin.accounts.write",
        "admin.accounts.close",
        "admin.activities.read",
        "admin.permissions.grant",
    }
)


def activity(number: int, text: str = "hello") -> Activity:
    return Activity(number, 2, ActivityKind.POST, text, NOON)


@dataclass
class Failing:
    """Something that fails when told to, by the name of what is asked."""

    failures: dict[str, Exception] = field(default_factory=dict)
    told: list[tuple[Any, ...]] = field(default_factory=list)

    def tell(self, what: str, *rest: Any) -> None:
        self.told.append((what, *rest))
        if what in self.failures:
            raise self.failures[what]


@dataclass
class FakeAccounts(Failing):
    """Knows bo and corp. What it was told to change, it remembers."""

    known: dict[int, Account] = field(default_factory=lambda: {2: BO, 3: CORP})

    async def search(self, actor: Viewer, wanted: AccountFilter) -> Page[Account]:
        if "search" in self.failures:
            raise self.failures["search"]
        return Page([self.known[one] for one in wanted.ids if one in self.known], False)

    async def birthday(self, actor: Viewer, account_id: int) -> str | None:
        if "birthday" in self.failures:
            raise self.failures["birthday"]
        return "1990-12-31"

    async def create(self, actor: Viewer, new: NewAccount, reason: str) -> Account:
        self.tell("create", actor, new, reason)
        return replace(BO, id=77, handle=new.handle, version=1)

    async def change(self, actor: Viewer, account_id: int, version: int, change: AccountChange, reason: str) -> Account:
        self.tell("change", actor, account_id, version, change, reason)
        return replace(self.known[account_id], version=version + 1, bio=change.bio)

    async def close(self, actor: Viewer, account_id: int, reason: str) -> Account:
        return self._turned("close", actor, account_id, reason, AccountStatus.CLOSING)

    async def reopen(self, actor: Viewer, account_id: int, reason: str) -> Account:
        return self._turned("reopen", actor, account_id, reason, AccountStatus.ACTIVE)

    async def suspend(self, actor: Viewer, account_id: int, reason: str) -> Account:
        return self._turned("suspend", actor, account_id, reason, AccountStatus.SUSPENDED)

    def _turned(self, what: str, actor: Viewer, account_id: int, reason: str, status: AccountStatus) -> Account:
        self.tell(what, actor, account_id, reason)
        account = self.known[account_id]
        return replace(account, status=status, version=account.version + 1)

    async def check_merge(self, actor: Viewer, source_id: int, target_id: int) -> tuple[str, int]:
        if "check_merge" in self.failures:
            raise self.failures["check_merge"]
        return ("the two are one" if source_id == target_id else ""), 2

    async def start_merge(self, actor: Viewer, source_id: int, target_id: int, reason: str) -> Account:
        return self._turned("start_merge", actor, source_id, reason, AccountStatus.SUSPENDED)


@dataclass
class FakePermissions(Failing):
    """Gives everybody what it is told to."""

    given: Set[str] = EVERYTHING
    held: list[Grant] = field(default_factory=list)

    async def allowed(self, actor: Viewer, permissions: Collection[str]) -> Set[str]:
        if "allowed" in self.failures:
            raise self.failures["allowed"]
        return self.given & set(permissions)

    async def grants(self, account_id: int) -> Sequence[Grant]:
        if "grants" in self.failures:
            raise self.failures["grants"]
        return self.held

    async def grant(self, actor: Viewer, account_id: int, grant: Grant, reason: str) -> bool:
        self.tell("grant", actor, account_id, grant, reason)
        return grant not in self.held

    async def revoke(self, actor: Viewer, account_id: int, permission: str, reason: str) -> bool:
        self.tell("revoke", actor, account_id, permission, reason)
        return permission in [one.permission for one in self.held]


@dataclass
class FakeActivities(Failing):
    """Has the activities that it is given, newest first."""

    all: list[Activity] = field(default_factory=lambda: [activity(number) for number in (13, 12, 11)])
    pages: list[tuple[int, int]] = field(default_factory=list)
    """How many after which were asked for."""

    async def search(self, actor: Viewer, wanted: ActivityFilter, first: int, before_id: int) -> Page[Activity]:
        if "search" in self.failures:
            raise self.failures["search"]
        self.pages.append((first, before_id))
        rest = [one for one in self.all if not before_id or one.id < before_id]
        return Page(rest[:first], len(rest) > first)

    async def follow_counts(self, account_id: int) -> FollowCounts:
        if "follow_counts" in self.failures:
            raise self.failures["follow_counts"]
        return FollowCounts(followers=5, following=6)

    async def amounts(self, account_id: int) -> Sequence[Amount]:
        if "amounts" in self.failures:
            raise self.failures["amounts"]
        return [Amount("following", 6), Amount("followers", 5), Amount("activities", 3)]


@dataclass
class FakeJobs(Failing):
    """Knows one change and one merge."""

    async def changes(self, actor: Viewer, account_id: int, first: int, after: str) -> Page[Change]:
        if "changes" in self.failures:
            raise self.failures["changes"]
        return Page([CHANGE], False)

    async def merge(self, actor: Viewer, source_id: int) -> Merge | None:
        if "merge" in self.failures:
            raise self.failures["merge"]
        return MERGE if source_id == 2 else None

    async def retry_merge(self, actor: Viewer, source_id: int) -> Merge:
        self.tell("retry_merge", actor, source_id)
        if source_id != 2:
            raise AccountNotFound(source_id)
        return replace(MERGE, state=1)


class FakeLog:
    """Keeps audits by id, and every state that they went through."""

    def __init__(self) -> None:
        self.kept: dict[int, Audit] = {}
        self.written: list[Audit] = []
        self.fails_after: int | None = None
        """How many writes succeed."""

    async def write(self, audit: Audit) -> int:
        if self.fails_after is not None and len(self.written) >= self.fails_after:
            raise OSError("the disk is full")
        kept = replace(audit, id=audit.id or len(self.kept) + 1)
        self.written.append(kept)
        self.kept[kept.id] = kept
        return kept.id

    async def search(self, wanted: AuditFilter) -> Page[Audit]:
        return Page(list(self.kept.values())[: wanted.first], False)

    def only(self) -> Audit:
        """The one audit that there is."""
        [audit] = self.kept.values()
        return audit


class House:
    """A desk, and everything that it asks."""

    def __init__(self) -> None:
        self.log = FakeLog()
        self.accounts = FakeAccounts()
        self.permissions = FakePermissions()
        self.activities = FakeActivities()
        self.jobs = FakeJobs()
        self.desk = Desk(self.permissions, self.log, HandClock())

    @property
    def changes(self) -> list[tuple[Any, ...]]:
        """Everything that any backend was told to change."""
        return [*self.accounts.told, *self.permissions.told, *self.jobs.told]


def facts(text: str) -> Any:
    return json.loads(text) if text else None
