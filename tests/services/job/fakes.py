"""What jobs need, in memory; and whatever can go wrong with it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.job.biz.changes import Change
from services.job.biz.errands import OPEN, Errand, ErrandKind
from services.job.biz.ports import ErrandLost, Rows


class Crash(BaseException):
    """The process is gone."""


class FakeLedger:
    """A Ledger."""

    def __init__(self) -> None:
        self.changes: dict[tuple[str, int], Change] = {}
        self.errands: dict[tuple[ErrandKind, int], Errand] = {}

    async def add_changes(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self.changes.setdefault((change.event_id, change.account_id), change)

    async def changes_of(self, account_id: int) -> Sequence[Change]:
        return [change for change in self.changes.values() if change.account_id == account_id]

    async def replace_changes(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self.changes[change.event_id, change.account_id] = change

    async def forget_reason(self, kind: ErrandKind, account_id: int) -> None:
        if errand := self.errands.get((kind, account_id)):
            self.errands[kind, account_id] = replace(errand, reason="")

    async def accounts_with(self, kind: ErrandKind, account_ids: Collection[int]) -> set[int]:
        return {account_id for account_id in account_ids if (kind, account_id) in self.errands}

    async def put_errand(self, errand: Errand) -> None:
        assert (errand.kind, errand.account_id) not in self.errands
        self.errands[errand.kind, errand.account_id] = errand


class FakeStore:
    """An ErrandStore."""

    def __init__(self, *errands: Errand) -> None:
        self.errands = {(errand.kind, errand.account_id): errand for errand in errands}
        self.held: dict[tuple[ErrandKind, int], tuple[str, datetime]] = {}
        self.saves: list[Errand] = []

    @property
    def only(self) -> Errand:
        (errand,) = self.errands.values()
        return errand

    async def claim(self, holder: str, now: datetime, until: datetime, limit: int) -> Sequence[Errand]:
        free = [
            errand
            for key, errand in self.errands.items()
            if errand.state in OPEN and errand.due_at <= now and (key not in self.held or self.held[key][1] <= now)
        ]
        for errand in free[:limit]:
            self.held[errand.kind, errand.account_id] = (holder, until)
        return free[:limit]

    async def save(self, errand: Errand, holder: str, until: datetime | None) -> None:
        key = (errand.kind, errand.account_id)
        if self.held.get(key, ("",))[0] != holder:
            raise ErrandLost
        self.errands[key] = errand
        self.saves.append(errand)
        if until:
            self.held[key] = (holder, until)
        else:
            del self.held[key]

    async def next_due(self) -> datetime | None:
        return min((errand.due_at for errand in self.errands.values() if errand.state in OPEN), default=None)


@dataclass
class World:
    """Other backends, as their contracts say. `follows` are pairs of follower and followee."""

    follows: set[tuple[int, int]] = field(default_factory=set)
    activities: dict[int, int] = field(default_factory=dict)
    """Author by activity."""
    grants: dict[int, set[str]] = field(default_factory=dict)
    sessions: dict[str, int] = field(default_factory=dict)
    merged: dict[int, tuple[int, int, str]] = field(default_factory=dict)
    """Target, actor and reason by source."""
    miscounted: dict[int, int] = field(default_factory=dict)
    """How many followers too many the counters of an account say."""
    calls: list[str] = field(default_factory=list)

    async def rows_of(self, account_id: int) -> Rows:
        self.calls.append("rows_of")
        return Rows(
            activities=sum(author == account_id for author in self.activities.values()),
            followers=sum(followee == account_id for _, followee in self.follows),
            following=sum(follower == account_id for follower, _ in self.follows),
        )

    async def follow_counts(self, account_id: int) -> tuple[int, int]:
        self.calls.append("follow_counts")
        rows = await self.rows_of(account_id)
        return rows.followers + self.miscounted.get(account_id, 0), rows.following

    async def grants_of(self, account_id: int) -> int:
        self.calls.append("grants_of")
        return len(self.grants.get(account_id, ()))

    async def move_follows(self, source_id: int, target_id: int, limit: int) -> int:
        self.calls.append("move_follows")
        moving = sorted(pair for pair in self.follows if source_id in pair)[:limit]
        self.follows -= set(moving)
        moved = {(swapped(a, source_id, target_id), swapped(b, source_id, target_id)) for a, b in moving}
        self.follows |= {(a, b) for a, b in moved if a != b}
        return len(moving)

    async def move_activities(self, source_id: int, target_id: int, limit: int) -> int:
        self.calls.append("move_activities")
        moving = [activity for activity, author in sorted(self.activities.items()) if author == source_id][:limit]
        self.activities.update(dict.fromkeys(moving, target_id))
        return len(moving)

    async def move_grants(self, source_id: int, target_id: int) -> int:
        self.calls.append("move_grants")
        moving = self.grants.pop(source_id, set())
        self.grants.setdefault(target_id, set()).update(moving)
        return len(moving)

    async def move_sessions(self, source_id: int, target_id: int) -> int:
        self.calls.append("move_sessions")
        moving = [token for token, account_id in self.sessions.items() if account_id == source_id]
        self.sessions.update(dict.fromkeys(moving, target_id))
        return len(moving)

    async def finish_merge(self, source_id: int, target_id: int, actor_id: int, reason: str) -> None:
        self.calls.append("finish_merge")
        self.merged.setdefault(source_id, (target_id, actor_id, reason))

    async def erase(self, account_id: int, limit: int) -> int:
        self.calls.append("erase")
        rows = [activity for activity, author in sorted(self.activities.items()) if author == account_id][:limit]
        pairs = sorted(pair for pair in self.follows if account_id in pair)[: limit - len(rows)]
        for activity in rows:
            del self.activities[activity]
        self.follows -= set(pairs)
        return len(rows) + len(pairs)


def swapped(account_id: int, source_id: int, target_id: int) -> int:
    return target_id if account_id == source_id else account_id


class Interrupted:
    """Stands in for a port: so many calls go well, each later one raises what `stop` makes instead of coming back.

    With `before` those do not even begin.
    """

    def __init__(self, real: object, calls: int, stop: Callable[[], Exception | BaseException], before: bool) -> None:
        self._real = real
        self._allowed = calls
        self._stop = stop
        self._before = before
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any) -> Any:
            self.calls += 1
            if self._before and self.calls > self._allowed:
                raise self._stop()
            answer = await getattr(self._real, name)(*args)
            if self.calls > self._allowed:
                raise self._stop()
            return answer

        return call
