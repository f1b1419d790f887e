"""What arguments may be; a refusal names the argument as the client wrote it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from strawberry.utils.str_converters import to_camel_case

from schema.errcode import InvalidArgument
from schema.graphql.enums import AccountStatus, AccountType, ActivityKind, BannerSlot

MOST_ITEMS = 100
MOST_IDS = 200
LONGEST_CURSOR = 200
LONGEST_NAME = 100
"""Of a handle to look up, and of a permission."""


def page_size(first: int) -> int:
    """`first`, within 1 and 100."""
    if not 1 <= first <= MOST_ITEMS:
        raise InvalidArgument("first", f"must be between 1 and {MOST_ITEMS}")
    return first


def cursor(after: str | None) -> str:
    """`after`, empty for the start of the list."""
    if after and len(after) > LONGEST_CURSOR:
        raise InvalidArgument("after", f"must be at most {LONGEST_CURSOR} characters")
    return after or ""


def name(argument: str, value: str) -> str:
    """`value`, within 1 and 100 characters."""
    if not 1 <= len(value) <= LONGEST_NAME:
        raise InvalidArgument(argument, f"must be 1 to {LONGEST_NAME} characters")
    return value


def not_empty(argument: str, value: str) -> str:
    """`value`, which has at least one character."""
    if not value:
        raise InvalidArgument(argument, "must not be empty")
    return value


def id_list(ids: Sequence[str]) -> Sequence[str]:
    """`ids`, at most 200."""
    if len(ids) > MOST_IDS:
        raise InvalidArgument("ids", f"must be at most {MOST_IDS}, not {len(ids)}")
    return ids


def slot(chosen: BannerSlot) -> BannerSlot:
    """`chosen`, which is a slot of the contract."""
    if chosen is BannerSlot.OTHER:
        raise InvalidArgument("slot", "OTHER is no slot to ask for")
    return chosen


def kind(argument: str, chosen: ActivityKind) -> ActivityKind:
    """`chosen`, which is a kind of the contract."""
    if chosen is ActivityKind.OTHER:
        raise InvalidArgument(argument, "OTHER is no kind to ask for")
    return chosen


def account_type(argument: str, chosen: AccountType) -> AccountType:
    """`chosen`, which is a type of the contract."""
    if chosen is AccountType.OTHER:
        raise InvalidArgument(argument, "OTHER is no type to ask for")
    return chosen


def status(argument: str, chosen: AccountStatus) -> AccountStatus:
    """`chosen`, which is a status of the contract."""
    if chosen is AccountStatus.OTHER:
        raise InvalidArgument(argument, "OTHER is no status to ask for")
    return chosen


def kinds(chosen: Iterable[ActivityKind] | None) -> tuple[ActivityKind, ...]:
    """Each kind once, in an order of its own, so that equal questions are equal keys; empty for all."""
    return tuple(sorted({kind("kinds", one) for one in chosen or ()}, key=lambda one: int(one.number)))


@contextmanager
def named_by_argument() -> Iterator[None]:
    """Lets a backend's refusal name the argument, not the contract's field: `displayName` for `display_name`."""
    try:
        yield
    except InvalidArgument as error:
        field, colon, problem = error.message.partition(": ")
        if not colon:
            raise
        raise InvalidArgument(to_camel_case(field.rpartition(".")[2]), problem) from error
