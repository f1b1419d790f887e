"""Activities, follows and feeds: the words, the rules and what they need of a store."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum, auto
from hashlib import blake2b
from typing import Protocol

from schema.errcode import InvalidArgument, Unauthenticated
from services.runtime.clock import Clock
from services.runtime.ids import IdSource

GUEST_ID = 0
"""The account id of a viewer who is not signed in."""
TEXT_LIMIT = 2000
"""How many characters the text of an activity may have."""
WEEK = timedelta(days=7)
"""How far back "this week" reaches."""
BEFORE_ALL = 2**63 - 1
"""Greater than every id: a list that starts before it starts at its newest."""


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


class ActivityStore(Protocol):
    """Where activities are kept. Each call costs the same number of statements however much it is asked at once."""

    async def by_ids(self, ids: Collection[int]) -> Sequence[Activity]:
        """Those that there are, in no particular order."""
        ...

    async def newest(self, slices: Sequence[Slice]) -> Sequence[Sequence[Activity]]:
        """One run for each slice, in the same order, each newest first."""
        ...

    async def add(self, activity: Activity) -> None:
        """Keeps a new activity."""
        ...


class FollowStore(Protocol):
    """Where follows are kept. Each call costs the same number of statements however much it is asked at once."""

    async def add(self, follow: Follow) -> bool:
        """Keeps the follow and counts it; False when it was there already."""
        ...

    async def remove(self, follower_id: int, followee_id: int) -> bool:
        """Forgets the follow and no longer counts it; False when there was none."""
        ...

    async def counts(self, account_ids: Collection[int]) -> Sequence[FollowCounts]:
        """Those that there are, in no particular order."""
        ...

    async def audiences(self, account_ids: Sequence[int], since: datetime) -> Sequence[Audience]:
        """One for each account, in no particular order; "this week" begins at `since`."""
        ...

    async def most_followed(self, questions: Sequence[SuggestionQuestion]) -> Sequence[Sequence[int]]:
        """For each question the most followed accounts that the account neither is nor follows, in the same order."""
        ...


class Cursors:
    """The cursors of one list: they say which list, whose, of which kinds, and the id of an item in it.

    A cursor is a position and no secret. Its digest tells a cursor of this list from any other text, so that a
    client's mistake is answered as one; it guards nothing, since whoever reads the list may start anywhere in it.
    """

    _HEAD = struct.Struct(">BBq")
    _ID = struct.Struct(">q")
    _DIGEST_BYTES = 6
    _LISTS = {Source.FOLLOWED: 1, Source.TRENDING: 1, Source.OWN: 2}

    def __init__(self, source: Source, account_id: int, kinds: Iterable[Kind]) -> None:
        self._head = self._HEAD.pack(self._LISTS[source], kind_bits(kinds), account_id)
        self._digest = blake2b(self._head, digest_size=self._DIGEST_BYTES)

    def cursor_at(self, activity_id: int) -> str:
        """The cursor of the item with this id: 32 characters that are safe in a URL."""
        position = self._ID.pack(activity_id)
        digest = self._digest.copy()
        digest.update(position)
        return urlsafe_b64encode(self._head + position + digest.digest()).decode()

    def id_at(self, cursor: str) -> int | None:
        """The id that a cursor of this list points at; None for any other text."""
        try:
            (activity_id,) = self._ID.unpack_from(urlsafe_b64decode(cursor.encode("ascii")), self._HEAD.size)
        except (ValueError, struct.error):
            return None
        return int(activity_id) if cursor == self.cursor_at(activity_id) else None


def kind_bits(kinds: Iterable[Kind]) -> int:
    """The kinds as a number with one bit for each."""
    return sum(1 << kind for kind in kinds)


class Activities:
    """What is done, and the lists of it."""

    def __init__(self, store: ActivityStore, ids: IdSource, clock: Clock) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock

    async def by_ids(self, questions: Iterable[tuple[Viewer, int]]) -> list[tuple[Viewer, Activity]]:
        """Each viewer's activity with the id, when there is one that this viewer may see."""
        wanted = list(dict.fromkeys(questions))
        found = {activity.id: activity for activity in await self._store.by_ids({id_ for _, id_ in wanted})}
        pairs = ((viewer, found[id_]) for viewer, id_ in wanted if id_ in found)
        return [(viewer, activity) for viewer, activity in pairs if viewer.may_see(activity)]

    async def feeds(self, questions: Sequence[PageQuestion]) -> list[Page]:
        """A page of each viewer's feed: what those do whom the viewer follows; for a guest, what trends."""
        return await self._pages([_feed(question) for question in questions])

    async def own(self, questions: Sequence[PageQuestion]) -> list[Page]:
        """A page of each viewer's own activities, private ones too; a guest has none."""
        return await self._pages([_List(Source.OWN, ALL_KINDS, question) for question in questions])

    async def publish(self, author: Viewer, kind: Kind, text: str) -> Activity:
        """The activity as it is kept from now on."""
        author_id = author.signed_in()
        stripped = _checked_text(text)
        activity = Activity(await self._ids.next_id(), author_id, kind, stripped, self._clock())
        await self._store.add(activity)
        return activity

    async def _pages(self, lists: Sequence["_List"]) -> list[Page]:
        slices = [asked.slice() for asked in lists]
        runs = iter(await self._store.newest([wanted for wanted in slices if wanted]))
        return [asked.page(next(runs) if wanted else ()) for asked, wanted in zip(lists, slices, strict=True)]


class _List:
    """One list of activities, and which part of it is wanted."""

    __slots__ = ("_before", "_cursors", "_kinds", "_question", "_source")

    def __init__(self, source: Source, visible: frozenset[Kind], question: PageQuestion) -> None:
        wanted = question.page.kinds
        self._source = source
        self._question = question
        self._kinds = visible & wanted if wanted else visible
        self._cursors = Cursors(source, question.viewer.account_id, wanted)
        self._before = self._cursors.id_at(question.page.after) if question.page.after else BEFORE_ALL

    def slice(self) -> Slice | None:
        """What to ask of the store: one more than wanted, to know whether more come after; None for nothing.

        No kinds are left when only private ones were asked of a feed; a store would search for them in vain.
        """
        if self._before is None or not self._kinds:
            return None
        first = self._question.page.first
        return Slice(self._source, self._question.viewer.account_id, self._before, first + 1, self._kinds)

    def page(self, run: Sequence[Activity]) -> Page:
        """The page that the store's answer makes."""
        if self._before is None:
            return Page(cursor_refused=True)
        first = self._question.page.first
        items = tuple(Item(self._cursors.cursor_at(activity.id), activity) for activity in run[:first])
        return Page(items, has_next_page=len(run) > first)


def _feed(question: PageQuestion) -> _List:
    if question.viewer.account_id == GUEST_ID:
        return _List(Source.TRENDING, TRENDING_KINDS, question)
    return _List(Source.FOLLOWED, PUBLIC_KINDS, question)


def _checked_text(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise InvalidArgument("text", "must not be empty")
    if len(stripped) > TEXT_LIMIT:
        raise InvalidArgument("text", f"must have at most {TEXT_LIMIT} characters")
    if "\0" in stripped:
        raise InvalidArgument("text", "must not contain the NUL character")
    return stripped


class Follows:
    """Who follows whom, and the figures that come of it."""

    def __init__(self, store: FollowStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def follow(self, viewer: Viewer, account_id: int) -> bool:
        """The viewer follows the account from now on; whether that is new."""
        follower_id = viewer.signed_in()
        _refuse_oneself(follower_id, account_id)
        return await self._store.add(Follow(follower_id, account_id, self._clock()))

    async def unfollow(self, viewer: Viewer, account_id: int) -> bool:
        """The viewer follows the account no longer; whether that is new."""
        follower_id = viewer.signed_in()
        _refuse_oneself(follower_id, account_id)
        return await self._store.remove(follower_id, account_id)

    async def counts(self, account_ids: Iterable[int]) -> list[FollowCounts]:
        """One for each account, in order."""
        wanted = list(dict.fromkeys(account_ids))
        found: Mapping[int, FollowCounts] = {counts.account_id: counts for counts in await self._store.counts(wanted)}
        return [found.get(account_id) or FollowCounts(account_id) for account_id in wanted]

    async def audiences(self, account_ids: Iterable[int]) -> Sequence[Audience]:
        """One for each account."""
        return await self._store.audiences(list(dict.fromkeys(account_ids)), since=self._clock() - WEEK)

    async def suggestions(self, questions: Sequence[SuggestionQuestion]) -> Sequence[Sequence[int]]:
        """Ids of accounts worth following for each question, in the same order, the most followed first."""
        return await self._store.most_followed(questions)


def _refuse_oneself(follower_id: int, account_id: int) -> None:
    if follower_id == account_id:
        raise InvalidArgument("accountId", "must be another account than one's own")
