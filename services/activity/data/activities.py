"""Activities in SQL, and the newest of many lists in one statement."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    bindparam,
    func,
    select,
    true,
)

from services.activity.biz import TRENDING_AUTHORS, Activity, Kind, Slice, Source, kind_bits
from services.activity.data.questions import as_parameter, join_by_ids, question_table
from services.activity.data.tables import ACCOUNT, ACTIVITY, FOLLOW
from services.runtime.database import Database

_MOST = bindparam("most", type_=ACTIVITY.c.id.type)
_COLUMNS = (ACTIVITY.c.id, ACTIVITY.c.author_id, ACTIVITY.c.kind, ACTIVITY.c.text, ACTIVITY.c.created_at)
_BY_IDS = select(*_COLUMNS).where(ACTIVITY.c.id.in_(bindparam("ids", expanding=True)))


class SqlActivityStore:
    """An ActivityStore on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect = database.engine.dialect.name
        self._newest = {source: _newest(dialect, authors) for source, authors in _AUTHORS.items()}

    async def by_ids(self, ids: Collection[int]) -> list[Activity]:
        """As `ActivityStore` says."""
        async with self._database.read() as session:
            rows = await session.execute(_BY_IDS, {"ids": list(ids)})
        return [_activity(*row) for row in rows]

    async def newest(self, slices: Sequence[Slice]) -> list[Sequence[Activity]]:
        """As `ActivityStore` says: one statement for each source that is asked for."""
        runs: dict[int, Sequence[Activity]] = {}
        for source in sorted({wanted.source for wanted in slices}, key=lambda source: source.value):
            numbered = [(no, wanted) for no, wanted in enumerate(slices) if wanted.source is source]
            runs.update(await self._runs(source, numbered))
        return [runs.get(no, ()) for no in range(len(slices))]

    async def add(self, activity: Activity) -> None:
        """As `ActivityStore` says."""
        async with self._database.transaction() as session:
            await session.execute(ACTIVITY.insert(), _row(activity))

    async def _runs(self, source: Source, numbered: Sequence[tuple[int, Slice]]) -> dict[int, list[Activity]]:
        most = max(wanted.most for _, wanted in numbered)
        parameters = {"questions": as_parameter(_question(no, wanted) for no, wanted in numbered), "most": most}
        async with self._database.read() as session:
            rows = await session.execute(self._newest[source], parameters)
        limits = {no: wanted.most for no, wanted in numbered}
        return {no: _run(group, limits[no]) for no, group in groupby(rows, key=lambda row: row[0])}


def _run(rows: Iterable[Sequence[Any]], most: int) -> list[Activity]:
    # The statement has one limit for all, the greatest.
    return [_activity(*fields) for _no, *fields in rows][:most]


def _activity(id_: int, author_id: int, kind: int, text: str, created_at: Any) -> Activity:
    return Activity(id_, author_id, Kind(kind), text, created_at)


def _row(activity: Activity) -> Mapping[str, Any]:
    return {
        "id": activity.id,
        "author_id": activity.author_id,
        "kind": activity.kind.value,
        "text": activity.text,
        "created_at": activity.created_at,
    }


def _question(no: int, wanted: Slice) -> Mapping[str, int]:
    bits = kind_bits(wanted.kinds)
    return {"no": no, "account_id": wanted.account_id, "before": wanted.before, "kinds": bits}


class _Author(NamedTuple):
    """Whose activities a question is about."""

    id: ColumnElement[int]
    table: FromClause | None = None
    """Where the id comes from, unless from the question itself."""
    belongs: ColumnElement[bool] = true()
    """Which rows of the table."""


def _followed(question: FromClause) -> _Author:
    return _Author(FOLLOW.c.followee_id, FOLLOW, FOLLOW.c.follower_id == question.c.account_id)


def _trending(_question: FromClause) -> _Author:
    order = (ACCOUNT.c.follower_count.desc(), ACCOUNT.c.account_id.desc())
    followed = select(ACCOUNT.c.account_id).where(ACCOUNT.c.follower_count > 0)
    top = followed.order_by(*order).limit(TRENDING_AUTHORS).subquery("top")
    return _Author(top.c.account_id, top)


def _own(question: FromClause) -> _Author:
    return _Author(question.c.account_id)


_AUTHORS = {Source.FOLLOWED: _followed, Source.TRENDING: _trending, Source.OWN: _own}


def _newest(dialect: str, authors: Callable[[FromClause], _Author]) -> Select[Any]:
    """The newest activities of each question's authors: (no, activity …), by question, newest first."""
    question = question_table(dialect, "no", "account_id", "before", "kinds")
    ids = _newest_ids(dialect, question, authors(question))
    listed = ACTIVITY.alias("listed")
    joined = join_by_ids(dialect, question, ids, listed, listed.c.id)
    return select(question.c.no, *listed.c).select_from(joined).order_by(question.c.no, listed.c.id.desc())


def _newest_ids(dialect: str, question: FromClause, author: _Author) -> Select[int]:
    """The ids of one question's page, from at most a page of each author, whether it has twenty or a million."""
    if author.table is None:
        return _newest_of(ACTIVITY, question, author).limit(_MOST).correlate(question)
    page_of_each = _page_by_last_id if dialect == "sqlite" else _page_by_lateral
    source, id_ = page_of_each(question, author, author.table)
    ids = select(id_).select_from(source).where(author.belongs)
    return ids.order_by(id_.desc()).limit(_MOST).correlate(question)


def _page_by_lateral(question: FromClause, author: _Author, table: FromClause) -> tuple[FromClause, ColumnElement[int]]:
    # A plain join would be the planner's to turn round: it then reads all activities to find those of a few authors.
    page = _newest_of(ACTIVITY, question, author).limit(_MOST).correlate(question, table).lateral("page")
    return table.join(page, true()), page.c.id


def _page_by_last_id(question: FromClause, author: _Author, table: FromClause) -> tuple[FromClause, ColumnElement[int]]:
    # SQLite has no LATERAL; it looks up the last id of each author's page, and then all from there on.
    newer = ACTIVITY.alias("newer")
    last = _newest_of(newer, question, author).limit(1).offset(_MOST - 1).correlate_except(newer)
    on_page = ACTIVITY.c.id >= func.coalesce(last.scalar_subquery(), 0)
    return table.join(ACTIVITY, and_(_matches(ACTIVITY, question, author), on_page)), ACTIVITY.c.id


def _newest_of(activity: FromClause, question: FromClause, author: _Author) -> Select[int]:
    ids = select(activity.c.id).where(_matches(activity, question, author))
    return ids.order_by(activity.c.id.desc())


def _matches(activity: FromClause, question: FromClause, author: _Author) -> ColumnElement[bool]:
    kind_bit = question.c.kinds.bitwise_rshift(activity.c.kind).bitwise_and(1)
    # PostgreSQL guesses that few rows are equal to something, and many are not: here it is many.
    return and_(activity.c.author_id == author.id, activity.c.id < question.c.before, kind_bit != 0)
