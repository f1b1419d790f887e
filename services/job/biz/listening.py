"""What jobs make of an event: entries of histories, and errands."""

from collections.abc import Sequence

from services.job.biz.changes import Change, changes_of, without_values
from services.job.biz.errands import Errand, ErrandKind, steps_named
from services.job.biz.happenings import (
    Changed,
    FollowsChanged,
    Happening,
    Merged,
    MergeStarted,
    Opened,
    PermissionSet,
    PermissionTakenBack,
    Published,
    StatusChanged,
    What,
)
from services.job.biz.ports import Ledger
from services.job.biz.steps import STEPS
from services.runtime import subjects

_ACCOUNT, _AUTHOR = "atrium:push:account:{}", "atrium:push:author:{}"
_CHANNELS: dict[type, str] = {
    Changed: _ACCOUNT,
    StatusChanged: _ACCOUNT,
    MergeStarted: _ACCOUNT,
    Merged: _ACCOUNT,
    FollowsChanged: _ACCOUNT,
    Published: _AUTHOR,
}
_KEPT = (Opened, Changed, StatusChanged, MergeStarted, Merged, PermissionSet, PermissionTakenBack)
"""What makes an account, a handle, a menu or a session another."""


async def apply(happening: Happening, ledger: Ledger, traceparent: str = "", lane: str = "") -> bool:
    """Does in the ledger what a happening asks for; answers whether there is a new errand.

    Doing it again changes nothing. `traceparent` and `lane` are those of the request that caused it.
    """
    if is_the_end(happening):
        # The accounts merged into this one are closed with it, each by an event of its own.
        await _forget_values(happening, ledger)
    await _add(changes_of(happening), ledger)
    errand = errand_of(happening, traceparent, lane)
    return errand is not None and await _put(errand, ledger)


def channels_of(happening: Happening) -> list[str]:
    """The channels of the cache where those wait whom it concerns."""
    name = _CHANNELS.get(type(happening.what))
    return [name.format(happening.account_id)] if name else []


def subjects_of(happening: Happening) -> list[str]:
    """The subjects of which gateways keep what is not so any more."""
    what = happening.what
    if not isinstance(what, _KEPT):
        return []
    handles = [what.handle] if isinstance(what, Opened) else _handles_in(what)
    return [subjects.account(happening.account_id), *map(subjects.handle, handles)]


def _handles_in(what: What) -> list[str]:
    """The handles that a change gives to an account, or takes from it."""
    differences = what.differences if isinstance(what, Changed) else ()
    return [name for each in differences if each.field == "handle" for name in (each.before, each.after) if name]


def is_the_end(happening: Happening) -> bool:
    """Whether the account is closed for good."""
    return isinstance(happening.what, StatusChanged) and happening.what.is_the_end


def errand_of(happening: Happening, traceparent: str = "", lane: str = "") -> Errand | None:
    """What is to be done because of it; None for nothing."""
    if isinstance(happening.what, MergeStarted):
        kind, target_id = ErrandKind.MERGE, happening.what.target_id
    elif is_the_end(happening):
        kind, target_id = ErrandKind.ERASURE, 0
    else:
        return None
    return Errand(
        kind=kind,
        account_id=happening.account_id,
        target_id=target_id,
        steps=steps_named(list(STEPS[kind])),
        requested_at=happening.occurred_at,
        due_at=happening.occurred_at,
        actor_id=happening.actor_id,
        reason=happening.reason,
        traceparent=traceparent,
        lane=lane,
    )


async def _add(changes: Sequence[Change], ledger: Ledger) -> None:
    if not changes:
        return
    # An event that comes late, such as a replayed one, must not bring back what was erased.
    closed = await ledger.accounts_with(ErrandKind.ERASURE, {change.account_id for change in changes})
    await ledger.add_changes([without_values(change) if change.account_id in closed else change for change in changes])


async def _forget_values(end: Happening, ledger: Ledger) -> None:
    """Erases what was personal before the end; the end itself says nothing of the kind."""
    history = await ledger.changes_of(end.account_id)
    await ledger.replace_changes([without_values(change) for change in history if change.event_id != end.event_id])
    await ledger.forget_reason(ErrandKind.MERGE, end.account_id)


async def _put(errand: Errand, ledger: Ledger) -> bool:
    """Puts the errand, unless it is there: an account is merged or closed once, and events may come again."""
    if errand.account_id in await ledger.accounts_with(errand.kind, {errand.account_id}):
        return False
    await ledger.put_errand(errand)
    return True
