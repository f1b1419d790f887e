"""How many follow each account and how many it follows, kept up in the transaction of each change."""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from services.activity.data.tables import ACCOUNT

Pair = tuple[int, int]
"""Who follows, and who is followed."""


class Counters:
    """Counts follows that come and go."""

    def __init__(self, dialect: str) -> None:
        counted = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(ACCOUNT)
        names = ("follower_count", "following_count")
        added = {name: ACCOUNT.c[name] + counted.excluded[name] for name in names}
        self._add = counted.on_conflict_do_update(index_elements=[ACCOUNT.c.account_id], set_=added)

    async def count(self, session: AsyncSession, come: Iterable[Pair] = (), gone: Iterable[Pair] = ()) -> None:
        """One statement for all; what comes and goes in the same place costs nothing."""
        followers: Counter[int] = Counter()
        following: Counter[int] = Counter()
        for step, pairs in ((1, come), (-1, gone)):
            for follower_id, followee_id in pairs:
                following[follower_id] += step
                followers[followee_id] += step
        changed = {id_ for counter in (followers, following) for id_, steps in counter.items() if steps}
        # Always in the same order: two accounts that follow each other at once must not wait for one another.
        rows = [
            {"account_id": id_, "follower_count": followers[id_], "following_count": following[id_]}
            for id_ in sorted(changed)
        ]
        if rows:
            await session.execute(self._add, rows)
