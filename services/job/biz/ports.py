"""What jobs need from outside."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.job.biz.changes import Change
from services.job.biz.errands import Errand, ErrandKind, ErrandState


@dataclass(frozen=True, slots=True)
class Rows:
    """How much the activity backend has of an account."""

    activities: int
    followers: int
    following: int

    @property
    def follows(self) -> int:
        """In both directions."""
        return self.followers + self.following


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list that is ordered by time, and by id where times are equal."""

    at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A change and its place in the history of its account."""

    place: Place
    change: Change


class Ledger(Protocol):
    """What one event changes, all of it or nothing."""

    async def add_changes(self, changes: Sequence[Change]) -> None:
        """Adds to histories; a change of the same event and account that is there already stays as it is."""
        ...

    async def changes_of(self, account_id: int) -> Sequence[Change]:
        """The whole history of an account, in no particular order."""
        ...

    async def replace_changes(self, changes: Sequence[Change]) -> None:
        """Puts these in the place of those of the same event and account."""
        ...

    async def forget_reason(self, kind: ErrandKind, account_id: int) -> None:
        """Empties the reason of the errand of this kind for an account, if there is one."""
        ...

    async def accounts_with(self, kind: ErrandKind, account_ids: Collection[int]) -> set[int]:
        """Those of the accounts that have an errand of this kind."""
        ...

    async def put_errand(self, errand: Errand) -> None:
        """Adds an errand; there must be none of its kind for its account."""
        ...


class ErrandStore(Protocol):
    """Where errands are kept, and who works on each: a holder, until its time is over."""

    async def claim(self, holder: str, now: datetime, until: datetime, limit: int) -> Sequence[Errand]:
        """At most so many errands that are open, due and nobody's; the holder's from now on."""
        ...

    async def save(self, errand: Errand, holder: str, until: datetime | None) -> None:
        """Keeps how far it is; `until` None gives it out of hand. Raises ErrandLost when it is not the holder's."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next open errand may be claimed, perhaps long ago; None when none is open."""
        ...


class ErrandLost(Exception):
    """Somebody else works on the errand."""


class Records(Protocol):
    """What can be asked about histories and merges."""

    async def changes(self, account_id: int, before: Place | None, limit: int) -> Sequence[Placed]:
        """Changes of an account, newest first, those before a place."""
        ...

    async def merge(self, source_id: int) -> Errand | None:
        """The merge of an account."""
        ...

    async def merges(self, states: Collection[ErrandState], before: Place | None, limit: int) -> Sequence[Errand]:
        """Merges in one of the states, all when none is named, the one asked for last first, those before a place."""
        ...

    async def retry(self, source_id: int, now: datetime) -> Errand | None:
        """Queues the merge of an account that failed; None, and nothing changes, when none did."""
        ...


class Backends(Protocol):
    """What other backends do for jobs. Each raises an AtriumError when it refuses or cannot be reached."""

    async def rows_of(self, account_id: int) -> Rows:
        """How much there is of an account."""
        ...

    async def follow_counts(self, account_id: int) -> tuple[int, int]:
        """What the counters of an account say: followers, and how many it follows."""
        ...

    async def grants_of(self, account_id: int) -> int:
        """How many grants and denials an account has."""
        ...

    async def move_follows(self, source_id: int, target_id: int, limit: int) -> int:
        """Moves some follows; answers how many, 0 when none is left."""
        ...

    async def move_activities(self, source_id: int, target_id: int, limit: int) -> int:
        """Moves some activities; answers how many, 0 when none is left."""
        ...

    async def move_grants(self, source_id: int, target_id: int) -> int:
        """Moves grants and denials; answers how many, 0 when none is left."""
        ...

    async def move_sessions(self, source_id: int, target_id: int) -> int:
        """Moves sessions; answers how many, 0 when none is left."""
        ...

    async def finish_merge(self, source_id: int, target_id: int, actor_id: int, reason: str) -> None:
        """Makes the source MERGED, if it is not."""
        ...

    async def erase(self, account_id: int, limit: int) -> int:
        """Erases some rows of an account; answers how many, 0 when none is left."""
        ...
