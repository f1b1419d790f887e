"""What activities and follows need of a store."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from services.activity.biz.words import (
    Activity,
    ActivityFilter,
    Audience,
    Follow,
    FollowCounts,
    Holdings,
    Kind,
    KindCount,
    Period,
    Slice,
    SuggestionQuestion,
)


class ActivityStore(Protocol):
    """Where activities are kept. Each call costs the same number of statements however much it is asked at once."""

    async def by_ids(self, ids: Collection[int]) -> Sequence[Activity]:
        """Those that there are, in no particular order."""
        ...

    async def newest(self, slices: Sequence[Slice]) -> Sequence[Sequence[Activity]]:
        """One run for each slice, in the same order, each newest first."""
        ...

    async def add(self, activity: Activity) -> None:
        """Keeps a new activity, and tells of it."""
        ...

    async def since(self, account_id: int, after: int, most: int, kinds: Collection[Kind]) -> Sequence[Activity]:
        """Of those whom the account follows: the oldest `most` with an id above `after`, oldest first."""
        ...

    async def search(self, wanted: ActivityFilter) -> Sequence[Activity]:
        """What matches, newest first."""
        ...

    async def count(self, period: Period, after_account_id: int, accounts: int) -> Sequence[KindCount]:
        """By account and kind, for the first `accounts` with ids above `after_account_id` that did anything."""
        ...


class FollowStore(Protocol):
    """Where follows are kept. Each call costs the same number of statements however much it is asked at once."""

    async def add(self, follow: Follow) -> bool:
        """Keeps the follow, counts it, and tells of it; False when it was there already."""
        ...

    async def remove(self, follower_id: int, followee_id: int) -> bool:
        """Forgets the follow, no longer counts it, and tells of it; False when there was none."""
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

    async def followees(self, account_ids: Collection[int]) -> Mapping[int, Sequence[int]]:
        """Whom each account follows, by id; those that follow nobody are left out."""
        ...


class HoldingStore(Protocol):
    """Moves and removes what an account has here, some in each call. What becomes of follows is counted and told."""

    async def count(self, account_id: int) -> Holdings:
        """How much there is."""
        ...

    async def move_follows(self, source_id: int, target_id: int, most: int) -> int:
        """Takes follows from the source, in either direction; the target gets those that it has not, none of itself.

        How many were taken; 0 only when there is none left.
        """
        ...

    async def move_activities(self, source_id: int, target_id: int, most: int) -> int:
        """Makes the target the author of activities of the source. How many; 0 only when there is none left."""
        ...

    async def erase(self, account_id: int, most: int) -> int:
        """Deletes activities and follows of the account. How many; 0 only when there is none left."""
        ...
