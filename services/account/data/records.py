"""An account as stores keep it: one flat record, the same for a row and for an entry of the cache."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement

from services.account.biz import ATTRIBUTES, Account, AccountStatus, AccountType, handle_key
from services.account.data.tables import account_table


class AccountRecord(msgspec.Struct, frozen=True, array_like=True):
    """The columns of an account, in order."""

    id: int
    type: int
    status: int
    version: int
    handle: str
    display_name: str
    avatar_url: str | None
    bio: str | None
    created_at: datetime
    closes_at: datetime | None
    attributes: dict[str, Any]


COLUMNS: list[ColumnElement[Any]] = [account_table.c[name] for name in AccountRecord.__struct_fields__]
"""What to select for a record."""


def to_record(account: Account) -> AccountRecord:
    """The account as it is kept."""
    fields = {name: getattr(account, name) for name in AccountRecord.__struct_fields__}
    return AccountRecord(**fields | {"attributes": msgspec.to_builtins(account.attributes)})


def to_row(account: Account) -> dict[str, Any]:
    """The account as its table keeps it."""
    return msgspec.structs.asdict(to_record(account)) | {"handle_key": handle_key(account.handle)}


def from_record(record: AccountRecord) -> Account:
    """The account that was kept."""
    kind, fields = AccountType(record.type), msgspec.structs.asdict(record)
    attributes = msgspec.convert(record.attributes, ATTRIBUTES[kind])
    return Account(**fields | {"type": kind, "status": AccountStatus(record.status), "attributes": attributes})
