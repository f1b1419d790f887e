"""The words of the desk: what it finds and changes in other backends, and what it keeps itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class AccountType(IntEnum):
    """The account types that there are, numbered as the contracts number them."""

    GUEST = 1
    PERSONAL = 2
    CREATOR = 3
    BUSINESS = 4
    STAFF = 5


class AccountStatus(IntEnum):
    """Where an account is in its life, numbered as the contracts number it."""

    ACTIVE = 1
    CLOSING = 2
    CLOSED = 3
    MERGED = 4
    SUSPENDED = 5


class ActivityKind(IntEnum):
    """What somebody did, numbered as the contracts number it."""

    POST = 1
    VIDEO = 2
    LIKE = 3
    FOLLOW = 4
    PURCHASE = 5
    SIGN_IN = 6


def name_of(words: type[IntEnum], number: int) -> str:
    """How the enum calls the number; the number itself when it is newer than this backend."""
    return words(number).name if number in set(words) else str(number)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever acts."""

    account_id: int
    """0 for a guest."""
    account_type: int
    """A number, not an AccountType: it may be newer than this backend, and then it is not staff."""
    assertion: str = field(default="", compare=False, repr=False)
    """What proves both; the desk passes it on to whom it asks."""

    @property
    def is_staff(self) -> bool:
        """Whether the company employs whoever acts."""
        return self.account_id > 0 and self.account_type == AccountType.STAFF


@dataclass(frozen=True, slots=True)
class CreatorAttributes:
    """What a creator account has."""

    category: str | None
    verified: bool


@dataclass(frozen=True, slots=True)
class BusinessAttributes:
    """What a business account has."""

    company_name: str
    industry: str | None
    verified: bool


@dataclass(frozen=True, slots=True)
class StaffAttributes:
    """What a staff account has."""

    department: str


Attributes = CreatorAttributes | BusinessAttributes | StaffAttributes


@dataclass(frozen=True, slots=True)
class Account:
    """What everybody may know of an account. Numbers of types and statuses may be newer than this backend."""

    id: int
    type: int
    status: int
    version: int
    handle: str
    display_name: str
    avatar_url: str | None
    bio: str | None
    created_at: datetime
    attributes: Attributes | None
    """None for a personal account, and for a type newer than this backend."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be opened."""

    type: int
    handle: str
    display_name: str
    attributes: Attributes | None
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What to change of an account; None stays as it is."""

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


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts to find: those that match everything that is set."""

    first: int
    after_id: int = 0
    ids: tuple[int, ...] = ()
    handle_prefix: str = ""
    name_part: str = ""
    types: tuple[int, ...] = ()
    statuses: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Activity:
    """Something an account did."""

    id: int
    author_id: int
    kind: int
    text: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """Which activities to find: those that match everything that is set."""

    author_ids: tuple[int, ...] = ()
    kinds: tuple[int, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class FollowCounts:
    """How many follow an account, and how many it follows."""

    followers: int
    following: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission given to one account, or kept from it."""

    permission: str
    allow: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change made of one field."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed an account."""

    cursor: str
    account_id: int
    kind: int
    actor_id: int
    reason: str
    occurred_at: datetime
    differences: tuple[Difference, ...]
    erased: bool


@dataclass(frozen=True, slots=True)
class MergeStep:
    """One kind of data that a merge moves."""

    name: str
    total: int
    moved: int
    done: bool


@dataclass(frozen=True, slots=True)
class Merge:
    """The merging of one account, the source, into another, the target."""

    source_id: int
    target_id: int
    state: int
    steps: tuple[MergeStep, ...]
    actor_id: int
    reason: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    problem: str


@dataclass(frozen=True, slots=True)
class Amount:
    """How much there is of something."""

    what: str
    count: int


@dataclass(frozen=True, slots=True)
class MergeCheck:
    """What a merge would find."""

    refusal: str
    """Why it would be refused; empty when it can be done."""
    moves: tuple[Amount, ...]


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a list, and whether more come after."""

    items: Sequence[T]
    has_next: bool


class Part(IntEnum):
    """What hangs on an account, numbered as the contract numbers it."""

    PRIVATE_ATTRIBUTES = 1
    FOLLOW_COUNTS = 2
    GRANTS = 3
    ACTIVITIES = 4
    CHANGES = 5
    MERGE = 6


@dataclass(frozen=True, slots=True)
class Gap:
    """A part that could not be told."""

    part: Part
    backend: str
    code: int


@dataclass(frozen=True, slots=True)
class Details:
    """An account with all that hangs on it, as far as it could be told."""

    account: Account
    birthday: str | None = None
    follow_counts: FollowCounts | None = None
    grants: Sequence[Grant] = ()
    activities: Sequence[Activity] = ()
    changes: Sequence[Change] = ()
    merge: Merge | None = None
    gaps: Sequence[Gap] = ()
    withheld: Sequence[Part] = ()


@dataclass(frozen=True, slots=True)
class Audit:
    """One call of the desk, or the attempt at one."""

    id: int
    """0 before it is kept."""
    at: datetime
    actor_id: int
    action: str
    account_id: int
    """0 for none in particular."""
    reason: str
    request: str
    """A JSON object, as are `before` and `after` unless they are empty."""
    before: str
    after: str
    outcome: int
    """The code it ended with; 0 while that is not known."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which audits to list: those that match everything that is set."""

    first: int
    before_id: int = 0
    actor_id: int = 0
    account_id: int = 0
    action: str = ""
