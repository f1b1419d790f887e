"""What a change is about, and where the gateways keep what they know of it.

A subject is an account, what an account did, a handle or a session. What gateways keep about several subjects, or in a
lane of its own, is not found by the name of one: whoever hears of the change does not use it any more.
"""

import hashlib
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TypeAlias

ACCOUNT, HANDLE, SESSION, DEEDS = "account", "handle", "session", "deeds"
LONGEST_HANDLE = 100
"""Longer ones no contract takes. Whatever is told of others, everybody remembers for an hour."""
KEPT: dict[str, tuple[str, ...]] = {
    ACCOUNT: ("lane/account_by_id", "viewer/features"),
    HANDLE: ("lane/account_by_handle",),
    SESSION: ("public/session_by_token",),
    DEEDS: (),
}
"""What is kept of a subject under its own name: scope and question."""
Changing: TypeAlias = Callable[..., AbstractAsyncContextManager[None]]
"""Wraps a change of the subjects it is called with: once the block is over, nobody here reads what was before."""


def nothing_kept(*_subjects: str) -> AbstractAsyncContextManager[None]:
    """A `Changing` for a process that keeps nothing."""
    return nullcontext()


def account(account_id: int) -> str:
    """Everything about an account."""
    return f"{ACCOUNT}/{account_id}"


def deeds(account_id: int) -> str:
    """What an account did, whom it follows, and who follows it: the caches know nothing of it, memories do."""
    return f"{DEEDS}/{account_id}"


def handle(name: str) -> str:
    """Who has a handle."""
    return f"{HANDLE}/{small(name)}"


def small(name: str) -> str:
    """The same for handles that differ in case only.

    What has other letters than those of ASCII is nobody's handle, and must not become one: the sign for kelvin, in
    lower case, is a k.
    """
    return name.lower() if name.isascii() else name


def handles(*given: str | None) -> list[str]:
    """Who has these handles, of which some may be missing; what is longer than any is nobody's."""
    return [handle(name) for name in given if name and len(name) <= LONGEST_HANDLE]


def session(token: str) -> str:
    """The session with this token."""
    return f"{SESSION}/{token_hash(token)}"


def token_hash(token: str) -> str:
    """What is told and kept of a session token: enough to know it again, and of no use to a thief."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_kept(subject: str) -> bool:
    """Whether caches may hold something about the subject."""
    return KEPT.get(subject.partition("/")[0]) != ()


def kept_key(scope: str, question: str, name: str, lane: str = "") -> str:
    """The key of an answer after PREFIX."""
    return f"{lane}/{scope}/{question}/{name}"


def kept_keys(subjects: Iterable[str]) -> list[str]:
    """The keys after PREFIX of what is kept of the subjects under their own names, in the usual lane."""
    parts = (subject.split("/", 1) for subject in subjects)
    return [f"/{place}/{name}" for kind, name in parts for place in KEPT[kind]]
