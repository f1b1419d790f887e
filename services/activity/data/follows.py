"""Follows in SQL, with counters that change in the same transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from services.activity.biz import Audience, Follow, FollowCounts, SuggestionQuestion
from services.activity.data.questions import as_parameter, join_by_ids, question_table
from services.activity.data.tables import ACCOUNT, ACTIVITY, FOLLOW
from services.runtime.database import Database

_COUNTS = select(ACCOUNT.c.account_id, ACCOUNT.c.follower_count, ACCOUNT.c.following_count).where(
    ACCOUNT.c.account_id.in_(bindparam("account_ids", expanding=True))
)
_DELETE = FOLLOW.delete().where(
    FOLLOW.c.follower_id == bindparam("follower"), FOLLOW.c.followee_id == bindparam("followee")
)
_MOST = bindparam("most", type_=ACCOUNT.c.account_id.type)
_SINCE = bindparam("since", type_=FOLLOW.c.created_at.type)


class SqlFollowStore:
    """A FollowStore on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect = database.engine.dialect.name
        insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
        self._insert = insert(FOLLOW).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
        counted = insert(ACCOUNT)
        names = ("follower_count", "following_count")
        added = {name: ACCOUNT.c[name] + counted.excluded[name] for name in names}
        self._count = counted.on_conflict_do_update(index_elements=[ACCOUNT.c.account_id], set_=added)
        self._audiences = _audiences(dialect)
        self._most_followed = _most_followed(dialect)

    async def add(self, follow: Follow) -> bool:
        """As `FollowStore` says."""
        row = {
            "follower_id": follow.follower_id,
            "followee_id": follow.followee_id,
            "created_at": follow.created_at,
        }
        async with self._database.transaction() as session:
            connection = await session.connection()
            changed = (await connection.execute(self._insert, row)).rowcount == 1
            if changed:
                await self._add_counts(connection, follow.follower_id, follow.followee_id, 1)
        return changed

    async def remove(self, follower_id: int, followee_id: int) -> bool:
        """As `FollowStore` says."""
        async with self._database.transaction() as session:
            connection = await session.connection()
            deleted = await connection.execute(_DELETE, {"follower": follower_id, "followee": followee_id})
            changed = deleted.rowcount == 1
            if changed:
                await self._add_counts(connection, follower_id, followee_id, -1)
        return changed

    async def counts(self, account_ids: Collection[int]) -> list[FollowCounts]:
        """As `FollowStore` says."""
        async with self._database.read() as session:
            rows = await session.execute(_COUNTS, {"account_ids": list(account_ids)})
        return [FollowCounts(*row) for row in rows]

    async def audiences(self, account_ids: Sequence[int], since: datetime) -> list[Audience]:
        """As `FollowStore` says."""
        questions = as_parameter({"account_id": account_id} for account_id in account_ids)
        async with self._database.read() as session:
            rows = await session.execute(self._audiences, {"questions": questions, "since": since})
        return [Audience(*row) for row in rows]

    async def most_followed(self, questions: Sequence[SuggestionQuestion]) -> list[Sequence[int]]:
        """As `FollowStore` says."""
        numbered = ({"no": no, "account_id": asked.account_id} for no, asked in enumerate(questions))
        most = max((asked.first for asked in questions), default=0)
        async with self._database.read() as session:
            rows = await session.execute(self._most_followed, {"questions": as_parameter(numbered), "most": most})
        found = {no: [account_id for _no, account_id in group] for no, group in groupby(rows, key=itemgetter(0))}
        return [found.get(no, [])[: asked.first] for no, asked in enumerate(questions)]

    async def _add_counts(self, connection: AsyncConnection, follower_id: int, followee_id: int, step: int) -> None:
        rows = [_counts_row(follower_id, following=step), _counts_row(followee_id, followers=step)]
        # Always in the same order: two accounts that follow each other at once must not wait for one another.
        await connection.execute(self._count, sorted(rows, key=itemgetter("account_id")))


def _counts_row(account_id: int, followers: int = 0, following: int = 0) -> Mapping[str, int]:
    return {"account_id": account_id, "follower_count": followers, "following_count": following}


def _audiences(dialect: str) -> Select[Any]:
    question = question_table(dialect, "account_id")
    account_id = question.c.account_id
    followers = select(ACCOUNT.c.follower_count).where(ACCOUNT.c.account_id == account_id).scalar_subquery()
    return select(
        account_id,
        func.coalesce(followers, 0),
        _count_since(FOLLOW.c.followee_id, FOLLOW.c.created_at, account_id),
        _count_since(ACTIVITY.c.author_id, ACTIVITY.c.created_at, account_id),
    )


def _count_since(owner: ColumnElement[int], at: ColumnElement[datetime], account_id: ColumnElement[int]) -> Any:
    return select(func.count()).where(owner == account_id, at >= _SINCE).scalar_subquery()


def _most_followed(dialect: str) -> Select[Any]:
    question = question_table(dialect, "no", "account_id")
    listed = ACCOUNT.alias("listed")
    joined = join_by_ids(dialect, question, _unfollowed_ids(question), listed, listed.c.account_id)
    order = (question.c.no, listed.c.follower_count.desc(), listed.c.account_id.desc())
    return select(question.c.no, listed.c.account_id).select_from(joined).order_by(*order)


def _unfollowed_ids(question: FromClause) -> Select[int]:
    """The most followed accounts that one question's account neither is nor follows."""
    asker = question.c.account_id
    follows = select(FOLLOW.c.followee_id).where(
        FOLLOW.c.follower_id == asker, FOLLOW.c.followee_id == ACCOUNT.c.account_id
    )
    ids = select(ACCOUNT.c.account_id).where(ACCOUNT.c.follower_count > 0, ACCOUNT.c.account_id != asker)
    order = (ACCOUNT.c.follower_count.desc(), ACCOUNT.c.account_id.desc())
    return ids.where(~follows.correlate(question, ACCOUNT).exists()).order_by(*order).limit(_MOST).correlate(question)
