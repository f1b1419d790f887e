"""What an account has here, counted, moved and removed: some rows in each transaction, so that none is long."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, delete, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from schema.generated.event.v1 import event_pb2
from services.activity.biz import Holdings
from services.activity.data.counters import Counters, Pair
from services.activity.data.tables import ACCOUNT, ACTIVITY, FOLLOW
from services.runtime.database import Database
from services.runtime.outbox import Outbox, What

_OF = bindparam("of", type_=ACTIVITY.c.id.type)
_MOST = bindparam("most", type_=ACTIVITY.c.id.type)
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('activity_holding', :of))")


class _Row(NamedTuple):
    """A follow as it is kept."""

    follower_id: int
    followee_id: int
    created_at: Any

    @property
    def pair(self) -> Pair:
        return self.follower_id, self.followee_id

    def instead(self, source_id: int, target_id: int) -> "_Row":
        """The follow with the target in the place of the source."""
        follower_id, followee_id = (target_id if id_ == source_id else id_ for id_ in self.pair)
        return _Row(follower_id, followee_id, self.created_at)


def _taken(own: ColumnElement[int], other: ColumnElement[int], order: ColumnElement[Any]) -> Any:
    """Takes the first follows that have the account on their own side."""
    first = select(other).where(own == _OF).order_by(order).limit(_MOST)
    return delete(FOLLOW).where(own == _OF, other.in_(first)).returning(*FOLLOW.c)


# Each in the order of an index. One direction in each transaction: of two accounts that follow each other and are moved
# at once, none waits for the other with a follow in hand that the other waits for.
_FOLLOWING = _taken(FOLLOW.c.follower_id, FOLLOW.c.followee_id, FOLLOW.c.followee_id)
_FOLLOWERS = _taken(FOLLOW.c.followee_id, FOLLOW.c.follower_id, FOLLOW.c.created_at)
_ACTIVITIES = ACTIVITY.c.id.in_(
    select(ACTIVITY.c.id).where(ACTIVITY.c.author_id == _OF).order_by(ACTIVITY.c.id).limit(_MOST)
)
_GIVE = update(ACTIVITY).where(_ACTIVITIES).values(author_id=bindparam("target", type_=ACTIVITY.c.author_id.type))
_ERASE = delete(ACTIVITY).where(_ACTIVITIES)
_FORGET = delete(ACCOUNT).where(
    ACCOUNT.c.account_id == _OF, ACCOUNT.c.follower_count == 0, ACCOUNT.c.following_count == 0
)
_COUNTS = select(
    *(
        select(func.count()).where(owner == _OF).scalar_subquery()
        for owner in (ACTIVITY.c.author_id, FOLLOW.c.follower_id, FOLLOW.c.followee_id)
    )
)


class SqlHoldingStore:
    """A HoldingStore on SQLite or PostgreSQL."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox
        self._dialect = database.engine.dialect.name
        insert = sqlite.insert if self._dialect == "sqlite" else postgresql.insert
        self._keep = insert(FOLLOW).on_conflict_do_nothing().returning(FOLLOW.c.follower_id, FOLLOW.c.followee_id)
        self._counters = Counters(self._dialect)

    async def count(self, account_id: int) -> Holdings:
        """As `HoldingStore` says; one statement."""
        async with self._database.read() as session:
            return Holdings(*(await session.execute(_COUNTS, {"of": account_id})).one())

    async def move_follows(self, source_id: int, target_id: int, most: int) -> int:
        """As `HoldingStore` says."""
        for direction in (_FOLLOWING, _FOLLOWERS):
            if taken := await self._take_follows(direction, source_id, most, target_id):
                return taken
        return 0

    async def move_activities(self, source_id: int, target_id: int, most: int) -> int:
        """As `HoldingStore` says."""
        return await self._change(_GIVE, {"of": source_id, "most": most, "target": target_id})

    async def erase(self, account_id: int, most: int) -> int:
        """As `HoldingStore` says."""
        erased = await self._change(_ERASE, {"of": account_id, "most": most})
        for direction in (_FOLLOWING, _FOLLOWERS):
            if erased < most:
                erased += await self._take_follows(direction, account_id, most - erased)
        if not erased:
            await self._change(_FORGET, {"of": account_id})
        return erased

    async def _take_follows(self, direction: Any, source_id: int, most: int, target_id: int | None = None) -> int:
        """Takes follows from the source, and gives the target, if there is one, those that it can have."""
        reason = f"merge of {source_id} into {target_id}" if target_id else "end of the account"
        async with self._database.transaction() as session:
            await self._alone(session, source_id)
            taken = [_Row(*row) for row in await session.execute(direction, {"of": source_id, "most": most})]
            if taken:
                kept = await self._keep_new(session, _for_target(taken, source_id, target_id)) if target_id else []
                await self._counters.count(session, come=kept, gone=[row.pair for row in taken])
                await self._outbox.add_all(session, _told(taken, kept), reason=reason)
        return len(taken)

    async def _keep_new(self, session: AsyncSession, rows: Sequence[_Row]) -> list[Pair]:
        """Those that were not there already."""
        if not rows:
            return []
        return [(one, other) for one, other in await session.execute(self._keep, [row._asdict() for row in rows])]

    async def _change(self, statement: Any, parameters: dict[str, int]) -> int:
        async with self._database.transaction() as session:
            await self._alone(session, parameters["of"])
            changed = await session.execute(statement, parameters)
        return int(changed.rowcount)  # type: ignore[attr-defined]

    async def _alone(self, session: AsyncSession, account_id: int) -> None:
        """Two that move the same account's rows take turns: else one could find none left while the other has some."""
        if self._dialect != "sqlite":  # It has one writer at a time anyway.
            await session.execute(_ALONE, {"of": account_id})


def _for_target(taken: Sequence[_Row], source_id: int, target_id: int) -> list[_Row]:
    rows = [row.instead(source_id, target_id) for row in taken]
    return sorted(row for row in rows if row.follower_id != row.followee_id)


def _told(taken: Sequence[_Row], kept: Sequence[Pair]) -> list[tuple[int, What]]:
    told: list[tuple[int, What]] = [
        (row.follower_id, event_pb2.Unfollowed(followee_id=row.followee_id)) for row in taken
    ]
    return told + [(follower, event_pb2.Followed(followee_id=followee)) for follower, followee in kept]
