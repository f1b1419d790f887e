"""Public ids: opaque to clients, here a prefix that says of what, and the number that the backends know."""

import re
from collections.abc import Callable
from enum import StrEnum

LARGEST = 2**63 - 1
"""The greatest number that the contracts can carry."""
_FORM = re.compile(r"([a-z]{3})_([1-9][0-9]{0,18})", re.ASCII)


class Prefix(StrEnum):
    """Of what an id is."""

    ACCOUNT = "acc"
    ACTIVITY = "act"
    BANNER = "ban"


_PREFIXES = {str(prefix): prefix for prefix in Prefix}


def encode(prefix: Prefix, number: int) -> str:
    """The id of thing `number`: `acc_1`."""
    return f"{prefix!s}_{number}"


def encoding(prefix: Prefix) -> Callable[[int], str]:
    """Makes ids of this kind."""
    head = f"{prefix!s}_"
    return lambda number: f"{head}{number}"


def decode(text: str) -> tuple[Prefix, int] | None:
    """Of what `text` is an id, and which; None when `encode` made no such id."""
    match = _FORM.fullmatch(text)
    if match is None or match[1] not in _PREFIXES or int(match[2]) > LARGEST:
        return None
    return _PREFIXES[match[1]], int(match[2])


def number_of(prefix: Prefix, text: str) -> int | None:
    """The number in `text` when it is an id of this kind, else None."""
    found = decode(text)
    return found[1] if found and found[0] is prefix else None
