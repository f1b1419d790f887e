"""Stores of a few lines that fit the ports, and activities to put into them."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.activity.biz import (
    Activity,
    Audience,
    Follow,
    FollowCounts,
    Kind,
    PageQuestion,
    PageRequest,
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


class Counter:
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

    async def by_ids(self, ids: Collection[int]) -> list[Activity]:
        return [kept for kept in self.kept if kept.id in ids]

    async def newest(self, slices: Sequence[Slice]) -> list[list[Activity]]:
        self.asked.append(slices)
        return [self._newest(wanted) for wanted in slices]

    async def add(self, activity: Activity) -> None:
        self.kept.append(activity)

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

    async def audiences(self, account_ids: Sequence[int], since: datetime) -> list[Audience]:
        self.since = since
        return [Audience(account_id, 3, 2, 1) for account_id in account_ids]

    async def most_followed(self, questions: Sequence[SuggestionQuestion]) -> list[list[int]]:
        return [list(range(9, 9 - asked.first, -1)) for asked in questions]
