"""The statements about accounts that several stores run, each in the transaction that it is given."""

from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from schema.errcode import AccountNotFound, HandleTaken, VersionConflict
from services.account.biz import Account, AccountFilter
from services.account.data.records import COLUMNS, AccountRecord, from_record, to_row
from services.account.data.tables import account_table

_columns = account_table.c


async def accounts_where(
    session: AsyncSession, *conditions: ColumnElement[bool], first: int | None = None
) -> list[Account]:
    """The accounts that meet every condition, by id; at most `first`."""
    query = select(*COLUMNS).where(*conditions).order_by(_columns.id).limit(first)
    return [from_record(AccountRecord(*row)) for row in await session.execute(query)]


async def merging_into(session: AsyncSession, account_id: int) -> list[int]:
    """Ids of the accounts that are being merged into this one, in order."""
    query = select(_columns.id).where(_columns.merging_into == account_id).order_by(_columns.id)
    return list(await session.scalars(query))


async def update_account(session: AsyncSession, version: int, saved: Account) -> None:
    """Keeps all of the account if `version` is still the stored one; raises as `AccountRepo.save` promises."""
    change = update(account_table).where(_columns.id == saved.id, _columns.version == version).values(to_row(saved))
    result = cast(CursorResult[Any], await session.execute(change))
    if result.rowcount:
        return
    if await session.scalar(select(_columns.id).where(_columns.id == saved.id)) is None:
        raise AccountNotFound(saved.id)
    raise VersionConflict(version)


def matching(wanted: AccountFilter) -> list[ColumnElement[bool]]:
    """The conditions that the filter sets."""
    conditions = [_columns.id > wanted.after_id]
    if wanted.ids:
        conditions.append(_columns.id.in_(wanted.ids))
    if wanted.handle_prefix:
        conditions.append(_begins(_columns.handle_key, wanted.handle_prefix))
    if wanted.name_part:
        conditions.append(_columns.name_key.contains(wanted.name_part, autoescape=True))
    if wanted.types:
        conditions.append(_columns.type.in_(wanted.types))
    if wanted.statuses:
        conditions.append(_columns.status.in_(wanted.statuses))
    return conditions


def _begins(key: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Asked as a range, which an index answers; no key has a letter as great as the last one of the range."""
    return and_(key >= literal(prefix, key.type), key < literal(f"{prefix}\x7f", key.type))


def taken(error: IntegrityError, handle: str) -> HandleTaken | None:
    """The error that says that another has the handle, when that is what went wrong."""
    # SQLite names the column, PostgreSQL the constraint, which is named after the column.
    return HandleTaken(handle) if "handle_key" in str(error.orig) else None
