"""What an event tells: something happened to an account."""

from dataclasses import dataclass
from datetime import datetime

CLOSED = "CLOSED"
"""Name of the status of an account that is closed for good."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change made of one field."""

    field: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """An account was opened."""

    handle: str


@dataclass(frozen=True, slots=True)
class Changed:
    """Attributes of an account changed."""

    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """An account came into another state of its life."""

    before: str
    after: str

    @property
    def is_the_end(self) -> bool:
        """Whether the account is closed for good."""
        return self.after == CLOSED


@dataclass(frozen=True, slots=True)
class MergeStarted:
    """The account is to be merged into another."""

    target_id: int


@dataclass(frozen=True, slots=True)
class Merged:
    """The account was merged into another."""

    target_id: int


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """A permission was granted to the account, or denied."""

    permission: str
    allow: bool


@dataclass(frozen=True, slots=True)
class PermissionTakenBack:
    """A grant or denial was taken back from the account."""

    permission: str


@dataclass(frozen=True, slots=True)
class Published:
    """The account published an activity."""


@dataclass(frozen=True, slots=True)
class FollowsChanged:
    """The account follows somebody else, or no longer."""


What = (
    Opened
    | Changed
    | StatusChanged
    | MergeStarted
    | Merged
    | FollowsChanged
    | PermissionSet
    | PermissionTakenBack
    | Published
)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to an account: who did it, when and why."""

    event_id: str
    account_id: int
    occurred_at: datetime
    actor_id: int
    """0 when a task or a job did it."""
    reason: str
    what: What | None
    """None for what jobs have nothing to do with, newer kinds included."""
