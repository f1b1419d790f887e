"""What the lists of the desk share: ids of accounts, cursors, and where a page stands."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from schema.errcode import OUTAGES, AccountNotFound, InvalidArgument, MergeRefused
from schema.graphql import arguments, ids
from schema.graphql.accounts import Account, account_of
from schema.graphql.activity import PageInfo
from schema.graphql.arguments import MOST_IDS
from schema.graphql.info import Info
from schema.graphql.ports import Degradation

_CURSOR = re.compile(r"at_([1-9][0-9]{0,18})", re.ASCII)
_NUMBER = re.compile(r"\baccount ([0-9]+)\b")


class Edge(Protocol):
    """An item of a list, and its place."""

    cursor: str


def page_info(edges: Sequence[Edge], *, after: str | None, has_next: bool) -> PageInfo:
    """Where a page stands that was asked for after a cursor."""
    return PageInfo(
        has_next_page=has_next,
        has_previous_page=bool(after),
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )


def cursor_of(number: int) -> str:
    """The cursor of the item with this number."""
    return f"at_{number}"


def number_at(after: str | None) -> int:
    """The number behind a cursor, 0 for none; raises InvalidArgument when `cursor_of` made no such."""
    if not after:
        return 0
    match = _CURSOR.fullmatch(after)
    if match is None or int(match[1]) > ids.LARGEST:
        raise InvalidArgument("after", "must be a cursor of this list")
    return int(match[1])


def account_number(argument: str, account_id: str) -> int:
    """The number of the account; raises AccountNotFound for what is no id of an account."""
    number = ids.number_of(ids.Prefix.ACCOUNT, arguments.not_empty(argument, account_id))
    if number is None:
        raise AccountNotFound(account_id)
    return number


def account_numbers(argument: str, account_ids: Sequence[str]) -> tuple[int, ...]:
    """The numbers of at most 200 accounts; raises InvalidArgument for what is no id of an account."""
    if len(account_ids) > MOST_IDS:
        raise InvalidArgument(argument, f"must be at most {MOST_IDS}, not {len(account_ids)}")
    numbers = [ids.number_of(ids.Prefix.ACCOUNT, one) for one in account_ids]
    if None in numbers:
        raise InvalidArgument(argument, "must be ids of accounts")
    return tuple(number for number in numbers if number)


@contextmanager
def named_by_id() -> Iterator[None]:
    """Lets a refusal name accounts by their public ids."""
    try:
        yield
    except (AccountNotFound, MergeRefused) as error:
        if (words := with_public_ids(error.message)) == error.message:
            raise
        raise type(error).worded(words) from error


def with_public_ids(words: str) -> str:
    """What a backend says, which knows accounts by their numbers only, in ids that clients know."""
    return _NUMBER.sub(rf"account {ids.Prefix.ACCOUNT.value}_\1", words)


async def actor_of(info: Info, account_id: int) -> Account | None:
    """The account that acted, loaded together with others; None for none, and when it cannot be shown right now."""
    if not account_id:
        return None
    try:
        found = await info.context.loaders.account_by_id.load(account_id)
    except OUTAGES as error:
        leave_out(info, error.backend or "account", error.code)
        return None
    return account_of(found) if found else None


def leave_out(info: Info, backend: str, code: int) -> None:
    """Tells that the field is null because a backend could not answer."""
    row = f"{info._raw_info.parent_type.name}.{info.python_name}"
    info.context.degraded.append(Degradation(info.path.as_list(), backend, "NULL", code, row=row))
