"""What the audit remembers of accounts."""

from dataclasses import asdict
from enum import IntEnum
from typing import Any

from services.admin.biz.words import Account, AccountStatus, AccountType, ActivityFilter, ActivityKind, name_of


def facts_of(account: Account) -> dict[str, Any]:
    """All that is known of the account."""
    return {
        "handle": account.handle,
        "type": name_of(AccountType, account.type),
        **standing_of(account),
        "display_name": account.display_name,
        "avatar_url": account.avatar_url,
        "bio": account.bio,
        **(asdict(account.attributes) if account.attributes else {}),
    }


def standing_of(account: Account) -> dict[str, Any]:
    """Where it is in its life."""
    return {"status": name_of(AccountStatus, account.status), "version": account.version}


def set_of(**fields: Any) -> dict[str, Any]:
    """Those of the fields that are set: neither None nor empty nor 0."""
    return {name: value for name, value in fields.items() if value not in (None, "", 0, (), [])}


def names_of(words: type[IntEnum], numbers: tuple[int, ...]) -> list[str]:
    """How the enum calls the numbers."""
    return [name_of(words, number) for number in numbers]


def filter_of(wanted: ActivityFilter) -> dict[str, Any]:
    """What somebody asked for of activities."""
    return set_of(
        author_ids=wanted.author_ids,
        kinds=names_of(ActivityKind, wanted.kinds),
        since=wanted.since.isoformat() if wanted.since else None,
        until=wanted.until.isoformat() if wanted.until else None,
    )
