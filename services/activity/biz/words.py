"""The words of activities, follows and feeds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum, auto

from schema.errcode import InvalidArgument, PermissionDenied, Unauthenticated

GUEST_ID = 0
"""The account id of a viewer who is not signed in."""
TEXT_LIMIT = 2000
"""How many characters the text of an activity may have."""
WEEK = timedelta(days=7)
"""How far back "this week" reaches."""
BEFORE_ALL = 2**63 - 1
"""Greater than every id: a list that starts before it starts at its newest."""
SEARCH = "admin.activities.read"
"""What it takes to search the activities of everybody."""


class Kind(IntEnum):
    """What somebody did; the numbers are stored, so they never change."""

    POST = 1
    VIDEO = 2
    LIKE = 3
    FOLLOW = 4
    PURCHASE = 5
    SIGN_IN = 6


ALL_KINDS = frozenset(Kind)
PUBLIC_KINDS = frozenset({Kind.POST, Kind.VIDEO, Kind.LIKE, Kind.FOLLOW})
"""What others may see. The rest is between the author and the house."""
TRENDING_KINDS = frozenset({Kind.POST, Kind.VIDEO})
"""What is worth showing to somebody who follows nobody."""
TRENDING_AUTHORS = 50
"""How many of the most followed accounts make the list of what trends."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever a question is asked for."""

    account_id: int
    is_staff: bool = False

    def signed_in(self) -> int:
        """The account's id; a guest has none and gets Unauthenticated."""
        if self.account_id == GUEST_ID:
            raise Unauthenticated
        return self.account_id

    def check_staff(self) -> None:
        """Raises PermissionDenied for anybody but staff."""
        if not self.is_staff or self.account_id == GUEST_ID:
            raise PermissionDenied(SEARCH)

    def may_see(self, activity: "Activity") -> bool:
        """Whether this viewer may know of the activity."""
        return activity.kind in PUBLIC_KINDS or self.is_staff or activity.author_id == self.account_id


@dataclass(frozen=True, slots=True)
class Activity:
    """Something an account did; a later one has a greater id."""

    id: int
    author_id: int
    kind: Kind
    text: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Follow:
    """One account follows another."""

    follower_id: int
    followee_id: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FollowCounts:
    """How many follow an account, and how many it follows."""

    account_id: int
    followers: int = 0
    following: int = 0


@dataclass(frozen=True, slots=True)
class Audience:
    """Figures about those who follow an account."""

    account_id: int
    followers: int
    new_this_week: int
    activities_this_week: int


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is wanted; no kinds means all kinds."""

    first: int
    after: str = ""
    kinds: frozenset[Kind] = frozenset()


@dataclass(frozen=True, slots=True)
class PageQuestion:
    """One page of one viewer's list."""

    viewer: Viewer
    page: PageRequest


@dataclass(frozen=True, slots=True)
class Item:
    """An activity and its place in a list."""

    cursor: str
    activity: Activity


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, newest first."""

    items: tuple[Item, ...] = ()
    has_next_page: bool = False
    cursor_refused: bool = False
    """There is no page, because the question's cursor is none of its list."""


@dataclass(frozen=True, slots=True)
class SuggestionQuestion:
    """How many accounts to suggest to whom."""

    account_id: int
    first: int


class Source(Enum):
    """Whose activities a list is made of."""

    FOLLOWED = auto()
    """Those that the account follows."""
    TRENDING = auto()
    """The accounts with the most followers."""
    OWN = auto()
    """The account itself."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A run of activities of a list: the newest `most` with an id below `before`."""

    source: Source
    account_id: int
    before: int
    most: int
    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment on, and before another; None for no such bound."""

    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.since and self.until and self.until <= self.since:
            raise InvalidArgument("until", "must be later than since")


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """Which activities to find: the newest `most` with an id below `before` that match all that is said."""

    most: int
    before: int = BEFORE_ALL
    author_ids: frozenset[int] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    period: Period = Period()


@dataclass(frozen=True, slots=True)
class KindCount:
    """How often an account did one kind of thing."""

    account_id: int
    kind: Kind
    count: int


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much of an account there is."""

    activities: int
    following: int
    followers: int
