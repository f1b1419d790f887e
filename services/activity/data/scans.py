"""What is asked of activities beside the pages of lists: what was missed, what matches, how much was done."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, FromClause, Select, and_, bindparam, func, select, true

from services.activity.biz import ActivityFilter, Period
from services.activity.data.tables import ACTIVITY, FOLLOW

_COLUMNS = (ACTIVITY.c.id, ACTIVITY.c.author_id, ACTIVITY.c.kind, ACTIVITY.c.text, ACTIVITY.c.created_at)
_ID = ACTIVITY.c.id.type
_ACCOUNT_ID = bindparam("account_id", type_=_ID)
_AFTER = bindparam("after", type_=_ID)
_MOST = bindparam("most", type_=_ID)
_KINDS: BindParameter[int] = bindparam("kinds", expanding=True)


def missed(dialect: str) -> Select[Any]:
    """The oldest activities after one, of those whom an account follows: chosen from at most a page of each author."""
    is_new = and_(ACTIVITY.c.author_id == FOLLOW.c.followee_id, ACTIVITY.c.id > _AFTER, ACTIVITY.c.kind.in_(_KINDS))
    ids: FromClause = FOLLOW.join(ACTIVITY, is_new)
    id_: ColumnElement[int] = ACTIVITY.c.id
    if dialect != "sqlite":
        # That join would be PostgreSQL's to turn round: it then reads what everybody did.
        new = select(ACTIVITY.c.id).where(is_new).order_by(ACTIVITY.c.id).limit(_MOST)
        page = new.correlate(FOLLOW).lateral("page")
        ids, id_ = FOLLOW.join(page, true()), page.c.id
    chosen = select(id_).select_from(ids).where(FOLLOW.c.follower_id == _ACCOUNT_ID).order_by(id_).limit(_MOST)
    listed = ACTIVITY.alias("listed")
    return select(*listed.c).where(listed.c.id.in_(chosen)).order_by(listed.c.id)


def matching(wanted: ActivityFilter) -> Select[Any]:
    """The newest activities that match."""
    conditions = [ACTIVITY.c.id < wanted.before, *_within(wanted.period)]
    if wanted.author_ids:
        conditions.append(ACTIVITY.c.author_id.in_(sorted(wanted.author_ids)))
    if wanted.kinds:
        conditions.append(ACTIVITY.c.kind.in_(sorted(wanted.kinds)))
    return select(*_COLUMNS).where(*conditions).order_by(ACTIVITY.c.id.desc()).limit(wanted.most)


def counts(period: Period, after_account_id: int, accounts: int) -> Select[Any]:
    """How often each of the next accounts did each kind of thing; reads the period once, however long the past is."""
    author_id, kind = ACTIVITY.c.author_id, ACTIVITY.c.kind
    place = func.dense_rank().over(order_by=author_id).label("place")
    # The sum keeps SQLite from going through all that the accounts ever did, in their order.
    within = (*_within(period), author_id + 0 > after_account_id)
    counted = select(author_id, kind, func.count().label("count"), place).where(*within)
    counted_by_key = counted.group_by(author_id, kind).subquery("counted")
    columns = counted_by_key.c
    query = select(columns.author_id, columns.kind, columns["count"]).where(columns.place <= accounts)
    return query.order_by(columns.author_id, columns.kind)


def _within(period: Period) -> Iterator[ColumnElement[bool]]:
    if period.since is not None:
        yield ACTIVITY.c.created_at >= period.since
    if period.until is not None:
        yield ACTIVITY.c.created_at < period.until
