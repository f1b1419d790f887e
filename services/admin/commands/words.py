"""What is typed at the shell, read as the contract has it; refused with a line that names it."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

_ID = re.compile(r"(?:acc_|act_)?([1-9][0-9]{0,18})", re.ASCII)
TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


class Wrong(Exception):
    """Something on the command line cannot be meant; the message is one line that says what."""


def account_number(account: str) -> int | None:
    """The number in `acc_1` or `1`; None for anything else, such as a handle."""
    match = _ID.fullmatch(account)
    return int(match[1]) if match and int(match[1]) < 2**63 else None


def numbers(option: str, texts: Iterable[str]) -> list[int]:
    """The numbers in ids."""
    return [number(option, text) for text in texts]


def number(option: str, text: str) -> int:
    """The number in an id; 0 for none."""
    found = account_number(text) if text else 0
    if found is None:
        raise Wrong(f"{option} {text}: is no id")
    return found


def enum_numbers(option: str, enum: Any, prefix: str, names: Sequence[str]) -> list[int]:
    """The numbers that the contract gives these names."""
    return [enum_number(option, enum, prefix, name) for name in names]


def enum_number(option: str, enum: Any, prefix: str, name: str) -> int:
    """The number that the contract gives this name."""
    known = {full.removeprefix(prefix): value for full, value in enum.items() if value}
    if name.upper() not in known:
        raise Wrong(f"{option} {name}: there are {', '.join(known)}")
    return int(known[name.upper()])


def name_of(enum: Any, prefix: str, value: int) -> str:
    """How the contract calls the number; the number itself when it is newer than this program."""
    found = enum.DESCRIPTOR.values_by_number.get(value)
    return found.name.removeprefix(prefix) if found else str(value)


def attributes(given: Sequence[str], allowed: Sequence[str]) -> dict[str, str | bool]:
    """Attributes by name, of `NAME=VALUE` each."""
    read: dict[str, str | bool] = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals or name not in allowed:
            raise Wrong(f"--set {word}: must be NAME=VALUE, with {', '.join(allowed) or 'nothing'} for a name")
        read[name] = _truth(value) if name == "verified" else value
    return read


def _truth(value: str) -> bool:
    if value.lower() not in TRUTHS:
        raise Wrong(f"--set verified={value}: must be true or false")
    return TRUTHS[value.lower()]
