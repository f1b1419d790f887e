"""What is in the stores of the account backend, read behind its back."""

from typing import Any

from sqlalchemy import Table, insert, select, update

from schema.generated.event.v1.event_pb2 import Event
from services.account.biz import Account, Session
from services.account.data import (
    SqlAccountRepo,
    account_table,
    credential_table,
    outbox_table,
    session_table,
    team_table,
    to_row,
)
from services.runtime.backend import Resources
from services.runtime.outbox import Outbox

TABLES = (account_table, credential_table, session_table, team_table, outbox_table)


def outbox_of(resources: Resources) -> Outbox:
    """The outbox of the account backend."""
    return Outbox(outbox_table, "account", resources.clock)


def accounts_in(resources: Resources) -> SqlAccountRepo:
    """The accounts as the store has them."""
    return SqlAccountRepo(resources.database, outbox_of(resources))


async def keep(resources: Resources, *accounts: Account) -> None:
    """Puts accounts there that were there all the time."""
    async with resources.database.transaction() as session:
        await session.execute(insert(account_table), [to_row(account) for account in accounts])


async def keep_sessions(resources: Resources, *sessions: Session) -> None:
    """Puts sessions there that were there all the time."""
    names = [column.name for column in session_table.columns]
    async with resources.database.transaction() as session:
        await session.execute(insert(session_table), [{name: getattr(one, name) for name in names} for one in sessions])


async def set_columns(resources: Resources, account_id: int, **columns: object) -> None:
    """Changes an account behind the back of the backend, and empties the cache."""
    async with resources.database.transaction() as session:
        await session.execute(update(account_table).where(account_table.c.id == account_id).values(columns))
    await resources.cache.flushdb()


async def rows_of(resources: Resources, table: Table) -> list[Any]:
    """The rows of a table, in the order of its key."""
    async with resources.database.read() as session:
        return list((await session.execute(select(table).order_by(*table.primary_key.columns))).all())


async def everything(resources: Resources) -> dict[str, list[Any]]:
    """The rows of all tables, by table."""
    return {table.name: await rows_of(resources, table) for table in TABLES}


async def told(resources: Resources) -> list[Event]:
    """The events, in order."""
    return [Event.FromString(row.payload) for row in await rows_of(resources, outbox_table)]
