"""What a handle, a name, a text and an address must look like; who is visible; how a token is kept."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from schema.errcode import InvalidArgument
from services.account.biz.words import Account, AccountStatus, ProfileChange

HANDLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,29}")
"""What a new handle looks like."""
_ANY_HANDLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,29}")
"""What a handle may look like that somebody has: the centre itself gives shorter ones."""


def visible(accounts: Iterable[Account]) -> list[Account]:
    """The accounts that others may still see: all but the CLOSED ones."""
    return [account for account in accounts if account.status is not AccountStatus.CLOSED]


def handle_key(handle: str) -> str | None:
    """What two handles have in common that differ in case only; None for what can be nobody's handle."""
    return handle.lower() if _ANY_HANDLE.fullmatch(handle) else None


def token_hash(token: str) -> str:
    """What is kept of a session token: enough to know it again, and of no use to a thief."""
    return hashlib.sha256(token.encode()).hexdigest()


def wanted_attributes(change: ProfileChange) -> dict[str, str | None]:
    """The attributes to replace, by name; raises InvalidArgument for the first that cannot be, or if there is none."""
    given = {name: getattr(change, name) for name in _RULES}
    wanted = {name: _RULES[name](text) for name, text in given.items() if text is not None}
    if not wanted:
        raise InvalidArgument("input", "must set displayName, handle, avatarUrl or bio")
    return wanted


def _display_name(text: str) -> str:
    name = text.strip()
    # What is left of invisible characters alone is not a name either.
    if not any(letter.isprintable() for letter in name):
        raise InvalidArgument("displayName", "must not be empty")
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in name):
        raise InvalidArgument("displayName", "must be one line without control characters")
    return name


def _handle(text: str) -> str:
    if not HANDLE.fullmatch(text):
        raise InvalidArgument("handle", "must be 2 to 30 letters, digits or underscores, a letter first")
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
    words = text.strip()
    if any(unicodedata.category(letter) == "Cc" and letter not in "\r\n\t" for letter in words):
        raise InvalidArgument("bio", "must not contain control characters")
    return words or None


_RULES: dict[str, Callable[[str], str | None]] = {
    "display_name": _display_name,
    "handle": _handle,
    "avatar_url": _avatar_url,
    "bio": _bio,
}
"""Turns what somebody typed into what is kept, for each attribute that they may change."""
