"""The history of an account: what each happening adds to it, and what is left of it when the account is closed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from typing import Any

from services.job.biz.happenings import (
    Changed,
    Difference,
    Happening,
    Merged,
    MergeStarted,
    Opened,
    PermissionSet,
    PermissionTakenBack,
    StatusChanged,
)

ALLOW, DENY = "allow", "deny"
"""What a permission that was set reads as."""


class ChangeKind(IntEnum):
    """What kind of change it was; numbered as in the contract."""

    OPENED = 1
    ATTRIBUTES = 2
    STATUS = 3
    MERGE_STARTED = 4
    MERGED = 5
    TOOK_OVER = 6
    PERMISSION_GRANTED = 7
    PERMISSION_DENIED = 8
    PERMISSION_REVOKED = 9


PERSONAL = frozenset({ChangeKind.OPENED, ChangeKind.ATTRIBUTES})
"""The kinds whose values tell something about a person."""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the history of an account."""

    event_id: str
    account_id: int
    kind: ChangeKind
    actor_id: int
    reason: str
    occurred_at: datetime
    differences: tuple[Difference, ...]
    erased: bool = False
    """Whether what was personal in it is gone."""


def changes_of(happening: Happening) -> list[Change]:
    """What a happening adds to histories: of the account, and of one that took it over; perhaps nothing."""
    make = _ENTRIES.get(type(happening.what))
    return make(happening, happening.what) if make else []


def without_values(change: Change) -> Change:
    """What is left of a change when the account is closed for good: that it was, when, and by whom.

    Words that somebody typed go, and so do the values of attributes. A status or a permission says nothing personal.
    """
    differences = change.differences
    if change.kind in PERSONAL:
        differences = tuple(Difference(difference.field) for difference in differences)
    return replace(change, reason="", differences=differences, erased=True)


def _entry(happening: Happening, kind: ChangeKind, *differences: Difference) -> Change:
    return Change(
        event_id=happening.event_id,
        account_id=happening.account_id,
        kind=kind,
        actor_id=happening.actor_id,
        reason=happening.reason,
        occurred_at=happening.occurred_at,
        differences=differences,
    )


def _opened(happening: Happening, what: Opened) -> list[Change]:
    return [_entry(happening, ChangeKind.OPENED, Difference("handle", None, what.handle))]


def _changed(happening: Happening, what: Changed) -> list[Change]:
    return [_entry(happening, ChangeKind.ATTRIBUTES, *what.differences)]


def _status_changed(happening: Happening, what: StatusChanged) -> list[Change]:
    return [_entry(happening, ChangeKind.STATUS, Difference("status", what.before, what.after))]


def _merge_started(happening: Happening, what: MergeStarted) -> list[Change]:
    return [_entry(happening, ChangeKind.MERGE_STARTED, Difference("merging_into", None, str(what.target_id)))]


def _merged(happening: Happening, what: Merged) -> list[Change]:
    source = _entry(happening, ChangeKind.MERGED, Difference("merged_into", None, str(what.target_id)))
    target = _entry(happening, ChangeKind.TOOK_OVER, Difference("took_over", None, str(happening.account_id)))
    return [source, replace(target, account_id=what.target_id)]


def _permission_set(happening: Happening, what: PermissionSet) -> list[Change]:
    kind = ChangeKind.PERMISSION_GRANTED if what.allow else ChangeKind.PERMISSION_DENIED
    difference = Difference(f"permission:{what.permission}", None, ALLOW if what.allow else DENY)
    return [_entry(happening, kind, difference)]


def _permission_taken_back(happening: Happening, what: PermissionTakenBack) -> list[Change]:
    return [_entry(happening, ChangeKind.PERMISSION_REVOKED, Difference(f"permission:{what.permission}"))]


_ENTRIES: dict[type, Callable[[Happening, Any], list[Change]]] = {
    Opened: _opened,
    Changed: _changed,
    StatusChanged: _status_changed,
    MergeStarted: _merge_started,
    Merged: _merged,
    PermissionSet: _permission_set,
    PermissionTakenBack: _permission_taken_back,
}
