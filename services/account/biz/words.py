"""What an account and a session are."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum


class AccountType(IntEnum):
    """What kind of account somebody has; numbered as in the contract."""

    GUEST = 1
    PERSONAL = 2
    CREATOR = 3
    BUSINESS = 4
    STAFF = 5


class AccountStatus(IntEnum):
    """Where an account is in its life; numbered as in the contract."""

    ACTIVE = 1
    CLOSING = 2
    CLOSED = 3
    MERGED = 4
    SUSPENDED = 5


ACTING = frozenset({AccountStatus.ACTIVE, AccountStatus.CLOSING})
"""The states of an account that may sign in and change things."""


class SessionState(IntEnum):
    """Whether a token lets somebody in; numbered as in the contract."""

    VALID = 1
    UNKNOWN = 2
    EXPIRED = 3
    UNVERIFIED = 4


@dataclass(frozen=True, slots=True)
class PrivateAttributes:
    """What only the account itself and staff may see."""

    birthday: date | None = None


@dataclass(frozen=True, slots=True)
class Attributes:
    """What only accounts of one type have."""

    @property
    def private(self) -> PrivateAttributes:
        """Those of them that only the account itself and staff may see."""
        return PrivateAttributes()


@dataclass(frozen=True, slots=True)
class PersonalAttributes(Attributes):
    """What a personal account has."""

    birthday: date | None = None

    @property
    def private(self) -> PrivateAttributes:
        """Everything."""
        return PrivateAttributes(birthday=self.birthday)


@dataclass(frozen=True, slots=True)
class CreatorAttributes(Attributes):
    """What a creator account has."""

    category: str | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class BusinessAttributes(Attributes):
    """What a business account has."""

    company_name: str
    industry: str | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class StaffAttributes(Attributes):
    """What a staff account has."""

    department: str


ATTRIBUTES: dict[AccountType, type[Attributes]] = {
    AccountType.PERSONAL: PersonalAttributes,
    AccountType.CREATOR: CreatorAttributes,
    AccountType.BUSINESS: BusinessAttributes,
    AccountType.STAFF: StaffAttributes,
}
"""The attributes of each account type. A guest has no account."""

NO_ATTRIBUTES: dict[AccountType, Attributes] = {
    AccountType.PERSONAL: PersonalAttributes(),
    AccountType.CREATOR: CreatorAttributes(),
    AccountType.BUSINESS: BusinessAttributes(company_name=""),
    AccountType.STAFF: StaffAttributes(department=""),
}
"""What is left of the attributes of each type when everything personal is taken out."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the centre knows it, without its password."""

    id: int
    type: AccountType
    status: AccountStatus
    version: int
    handle: str
    display_name: str
    avatar_url: str | None
    bio: str | None
    created_at: datetime
    closes_at: datetime | None
    """When the cooling-off period ends; only while it is CLOSING."""
    attributes: Attributes
    merging_into: int | None = None
    """The account that its data is being moved to; it is SUSPENDED meanwhile."""
    merged_into: int | None = None
    """The account that took over, never one that was merged itself; only once it is MERGED."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. A type newer than this backend keeps its number, and has no rights but those over its own account."""

    account_id: int
    account_type: int

    @property
    def is_staff(self) -> bool:
        """Whether they run the account centre."""
        return self.account_type == AccountType.STAFF

    def may_see_private_attributes_of(self, account_id: int) -> bool:
        """Whether it is their own account, or they are staff."""
        return self.account_id == account_id or self.is_staff


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What somebody wants changed; None stays as it is."""

    display_name: str | None = None
    handle: str | None = None
    avatar_url: str | None = None
    """Empty removes it."""
    bio: str | None = None
    """Empty removes it."""


@dataclass(frozen=True, slots=True)
class AccountChange(ProfileChange):
    """What staff wants changed; None stays as it is. Of the attributes only those of the account's type may be set."""

    verified: bool | None = None
    category: str | None = None
    """Empty removes it."""
    company_name: str | None = None
    industry: str | None = None
    """Empty removes it."""
    department: str | None = None
    birthday: str | None = None
    """As ISO 8601 writes a day; empty removes it."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be opened."""

    type: AccountType
    handle: str
    display_name: str
    password: str = field(repr=False)
    attributes: Attributes | None
    """Those of its type; a personal account may have none."""


@dataclass(frozen=True, slots=True)
class AccountFilter:
    """Which accounts to find: those that match everything that is set."""

    first: int
    after_id: int = 0
    ids: Sequence[int] = ()
    handle_prefix: str = ""
    name_part: str = ""
    types: Sequence[int] = ()
    statuses: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Credential:
    """What signing in is checked against."""

    account: Account
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Session:
    """Who was given a token, and until when it counts."""

    token_hash: str = field(repr=False)
    account_id: int
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """Whom a token of an identity provider is for, and for how long it counts."""

    subject: str
    """How the provider names the account."""
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A new session; the only time that its token is known here."""

    token: str = field(repr=False)
    expires_at: datetime
    account: Account


@dataclass(frozen=True, slots=True)
class VerifiedSession:
    """What stands behind a token; account and time only when it is VALID."""

    state: SessionState
    account: Account | None = None
    expires_at: datetime | None = None
