"""What a handle, a name, a text and an address must look like; who is visible; how a token is kept."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from schema.errcode import InvalidArgument, PermissionDenied
from services.account.biz.words import Account, AccountStatus, ProfileChange, Viewer

HANDLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,29}")
"""What a new handle looks like."""
_ANY_HANDLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,29}")
"""What a handle may look like that somebody has: the centre itself gives shorter ones."""
_HANDLE_PREFIX = re.compile(r"[A-Za-z0-9_]{1,30}")
_RESERVED_HANDLE = re.compile(r"closed_[0-9]+", re.IGNORECASE)
"""What becomes of a handle when its account is closed for good; nobody may be in its way."""
READ, WRITE, CLOSE = "admin.accounts.read", "admin.accounts.write", "admin.accounts.close"
"""What staff needs to find accounts, to change them, and to begin or end their lives."""


def visible(accounts: Iterable[Account]) -> list[Account]:
    """The accounts that others may still see: all but the CLOSED ones."""
    return [account for account in accounts if account.status is not AccountStatus.CLOSED]


def handle_key(handle: str) -> str | None:
    """What two handles have in common that differ in case only; None for what can be nobody's handle."""
    return handle.lower() if _ANY_HANDLE.fullmatch(handle) else None


def handle_prefix_key(prefix: str) -> str | None:
    """What the handles in lower case begin with that begin so; None when none can."""
    return prefix.lower() if _HANDLE_PREFIX.fullmatch(prefix) else None


def name_key(name: str) -> str:
    """What two names have in common that differ in case only; at most three times as long."""
    return name.casefold()


def closed_handle(account_id: int) -> str:
    """The handle of an account that is closed for good."""
    return f"closed_{account_id}"


def staff_only(actor: Viewer, permission: str) -> None:
    """Raises PermissionDenied unless the actor is staff."""
    if not actor.is_staff:
        raise PermissionDenied(permission)


def given_reason(text: str) -> str:
    """The reason, without blanks around it; raises InvalidArgument when there is none."""
    reason = optional_reason(text)
    if not any(letter.isprintable() for letter in reason):
        raise InvalidArgument("reason", "must not be blank")
    return reason


def optional_reason(text: str) -> str:
    """The reason, without blanks around it; may be empty."""
    return _text("reason", text)


def token_hash(token: str) -> str:
    """What is kept of a session token: enough to know it again, and of no use to a thief."""
    return hashlib.sha256(token.encode()).hexdigest()


def wanted_attributes(change: ProfileChange) -> dict[str, str | None]:
    """The attributes to replace, by name; raises InvalidArgument for the first that cannot be, or if there is none."""
    if not (wanted := set_attributes(change)):
        raise InvalidArgument("input", "must set displayName, handle, avatarUrl or bio")
    return wanted


def set_attributes(change: ProfileChange) -> dict[str, str | None]:
    """The attributes to replace, by name, perhaps none; raises InvalidArgument for the first that cannot be."""
    given = {name: getattr(change, name) for name in _RULES}
    return {name: _RULES[name](text) for name, text in given.items() if text is not None}


def name_of(field: str, text: str) -> str:
    """The name in `text`, of a person or a thing; raises InvalidArgument that names the field when there is none."""
    name = text.strip()
    # What is left of invisible characters alone is not a name either.
    if not any(letter.isprintable() for letter in name):
        raise InvalidArgument(field, "must not be empty")
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in name):
        raise InvalidArgument(field, "must be one line without control characters")
    return name


def _display_name(text: str) -> str:
    return name_of("displayName", text)


def checked_handle(text: str) -> str:
    """The handle as it is; raises InvalidArgument when nobody may take it."""
    if not HANDLE.fullmatch(text):
        raise InvalidArgument("handle", "must be 2 to 30 letters, digits or underscores, a letter first")
    if _RESERVED_HANDLE.fullmatch(text):
        raise InvalidArgument("handle", "must not be closed_ and a number: such handles are reserved")
    return text


def _avatar_url(text: str) -> str | None:
    url = text.strip()
    if url and not _is_web_address(url):
        raise InvalidArgument("avatarUrl", "must be an http or https address, or empty")
    return url or None


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        # Asking for the port checks it.
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return known and url.isprintable() and " " not in url


def _bio(text: str) -> str | None:
    return _text("bio", text) or None


def _text(field: str, text: str) -> str:
    words = text.strip()
    if any(unicodedata.category(letter) == "Cc" and letter not in "\r\n\t" for letter in words):
        raise InvalidArgument(field, "must not contain control characters")
    return words


_RULES: dict[str, Callable[[str], str | None]] = {
    "display_name": _display_name,
    "handle": checked_handle,
    "avatar_url": _avatar_url,
    "bio": _bio,
}
"""Turns what somebody typed into what is kept, for each attribute that they may change."""
