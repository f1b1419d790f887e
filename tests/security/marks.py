"""What is private, marked so that it is known wherever it turns up, and who may see it."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.security.stores import Kept


@dataclass(frozen=True)
class Person:
    """Somebody who asks."""

    handle: str
    """Empty for a guest."""
    account_id: int = 0
    is_staff: bool = False
    may_use_the_desk: bool = False
    token: str = ""

    @property
    def id(self) -> str:
        """The public id of their account."""
        return f"acc_{self.account_id}"


Sees = Callable[[Person, int], bool]
"""Whether somebody may see what is of the account with this number."""


def owner_and_staff(person: Person, owner: int) -> bool:
    """Birthdays, purchases, sign-ins."""
    return person.is_staff or person.account_id == owner


def the_desk(person: Person, _owner: int) -> bool:
    """Grants, and the reasons for what was done with an account."""
    return person.may_use_the_desk


def nobody(_person: Person, _owner: int) -> bool:
    """Tokens, and what is kept of tokens and passwords."""
    return False


@dataclass(frozen=True)
class Mark:
    """A text that stands for something private and occurs nowhere else."""

    text: str
    owner: int
    sees: Sees


def secret_text(account_id: int, kind: str) -> str:
    """The text of an activity that is nobody's business."""
    return f"marked {kind.lower()} of {account_id}."


def closing_reason(account_id: int) -> str:
    """Why somebody wanted to close their account."""
    return f"marked reason of {account_id}."


def granting_reason(account_id: int) -> str:
    """Why staff gave an account a permission."""
    return f"marked favour for {account_id}."


def birthdays_of(kept: Kept) -> dict[int, str]:
    """The birthday of each account that has one."""
    days = {row["id"]: json.loads(row["attributes"]).get("birthday") for row in kept["account"]}
    return {account_id: day for account_id, day in days.items() if day}


def marks_of(people: Iterable[Person], kept: Kept, kinds: Iterable[str]) -> list[Mark]:
    """All that is marked in the stores."""
    people, kinds = list(people), list(kinds)
    return [
        *(Mark(day, owner, owner_and_staff) for owner, day in birthdays_of(kept).items()),
        *(Mark(secret_text(one.account_id, kind), one.account_id, owner_and_staff) for one in people for kind in kinds),
        *(Mark(closing_reason(one.account_id), one.account_id, the_desk) for one in people),
        *(Mark(granting_reason(one.account_id), one.account_id, the_desk) for one in people),
        *(Mark(one.token, one.account_id, nobody) for one in people),
        *(Mark(row["token_hash"], row["account_id"], nobody) for row in kept["account_session"]),
        Mark("$argon2", 0, nobody),
    ]


def leaks(marks: Iterable[Mark], person: Person, told: Any) -> list[str]:
    """What somebody was told that is not for them."""
    text = told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)
    return [mark.text for mark in marks if mark.text in text and not mark.sees(person, mark.owner)]
