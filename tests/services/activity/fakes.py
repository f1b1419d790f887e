"""Stores of a few lines that fit the ports, and activities to put into them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.activity.biz import (
    Activity,
    ActivityFilter,
    Audience,
    Follow,
    FollowCounts,
    Kind,
    KindCount,
    PageQuestion,
    PageRequest,
    Period,
    Slice,
    SuggestionQuestion,
    Viewer,
)
from tests.conftest import NOON

ADA, BO, CORP, SAM = Viewer(1), Viewer(2), Viewer(3), Viewer(4, is_staff=True)
GUEST = Viewer(0)


def activity(id_: int, author_id: int = 1, kind: Kind = Kind.POST) -> Activity:
    """An activity whose time follows its id, as it does in life."""
    return Activity(id_, author_id, kind, f"activity {id_}", NOON + timedelta(seconds=id_))


def ask(viewer: Viewer, first: int = 20, after: str = "", *kinds: Kind) -> PageQuestion:
    return PageQuestion(viewer, PageRequest(first, after, frozenset(kinds)))


class Numbers:
    """Ids 101, 102 …"""

    def __init__(self) -> None:
        self.last = 100

    async def next_id(self) -> int:
        self.last += 1
        return self.last


class ListActivityStore:
    """Keeps activities in a list; answers each slice from all of them, and notes what it was asked."""

    def __init__(self, *kept: Activity) -> None:
        self.kept = list(kept)
        self.asked: list[Sequence[Slice]] = []
        self.searched: list[ActivityFilter] = []

    async def by_ids(self, ids: Collection[int]) -> list[Activity]:
        return [kept for kept in self.kept if kept.id in ids]

    async def newest(self, slices: Sequence[Slice]) -> list[list[Activity]]:
        self.asked.append(slices)
        return [self._newest(wanted) for wanted in slices]

    async def add(self, activity: Activity) -> None:
        self.kept.append(activity)

    async def since(self, account_id: int, after: int, most: int, kinds: Collection[Kind]) -> list[Activity]:
        matching = [kept for kept in self.kept if kept.id > after and kept.kind in kinds]
        return sorted(matching, key=lambda kept: kept.id)[:most]

    async def search(self, wanted: ActivityFilter) -> list[Activity]:
        self.searched.append(wanted)
        return sorted(self.kept, key=lambda kept: -kept.id)[: wanted.most]

    async def count(self, period: Period, after_account_id: int, accounts: int) -> list[KindCount]:
        authors = sorted({kept.author_id for kept in self.kept if kept.author_id > after_account_id})[:accounts]
        counted = Counter((kept.author_id, kept.kind) for kept in self.kept if kept.author_id in authors)
        return [KindCount(*key, count) for key, count in sorted(counted.items())]

    def _newest(self, wanted: Slice) -> list[Activity]:
        matching = [kept for kept in self.kept if kept.id < wanted.before and kept.kind in wanted.kinds]
        return sorted(matching, key=lambda kept: -kept.id)[: wanted.most]


class DictFollowStore:
    """Keeps follows in a dict, and figures as a test set them."""

    def __init__(self) -> None:
        self.kept: dict[tuple[int, int], Follow] = {}
        self.figures: dict[int, FollowCounts] = {}
        self.since: datetime | None = None

    async def add(self, follow: Follow) -> bool:
        key = (follow.follower_id, follow.followee_id)
        return self.kept.setdefault(key, follow) is follow

    async def remove(self, follower_id: int, followee_id: int) -> bool:
        return self.kept.pop((follower_id, followee_id), None) is not None

    async def counts(self, account_ids: Collection[int]) -> list[FollowCounts]:
        return [replace(figures) for id_, figures in self.figures.items() if id_ in account_ids]

    async def followees(self, account_ids: Collection[int]) -> dict[int, list[int]]:
        found: defaultdict[int, list[int]] = defaultdict(list)
        for follower_id, followee_id in sorted(self.kept):
            if follower_id in account_ids:
                found[follower_id].append(followee_id)
        return found

    async def audiences(self, account_ids: Sequence[int], since: datetime) -> list[Audience]:
        self.since = since
        return [Audience(account_id, 3, 2, 1) for account_id in account_ids]

    async def most_followed(self, questions: Sequence[SuggestionQuestion]) -> list[list[int]]:
        return [list(range(9, 9 - asked.first, -1)) for asked in questions]
