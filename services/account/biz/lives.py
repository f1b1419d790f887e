"""How the life of an account goes: closing it, reopening, suspending, and the end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from schema.errcode import AccountNotFound, AccountState, PermissionDenied, Unauthenticated
from services.account.biz.events import Happening, StatusChanged
from services.account.biz.ports import Change, ChangeRepo
from services.account.biz.rules import CLOSE, closed_handle, given_reason, optional_reason, staff_only
from services.account.biz.words import ACTING, NO_ATTRIBUTES, Account, AccountStatus, Viewer
from services.runtime.clock import Clock

CLOSED_NAME = "Closed account"
"""The display name of an account that is closed for good."""
PERIOD_OVER = "the cooling-off period is over"
"""Why an account was closed for good."""


class Lives:
    """Closes, reopens and suspends accounts. What is refused changes nothing and is told to nobody."""

    def __init__(self, changes: ChangeRepo, clock: Clock, cooling_off: timedelta) -> None:
        """`cooling_off` is for how long a closure can be undone."""
        self._changes = changes
        self._clock = clock
        self._cooling_off = cooling_off

    async def close(self, actor: Viewer, account_id: int, reason: str) -> Account:
        """The account, CLOSING until its cooling-off period is over; raises AccountState unless it was ACTIVE."""
        _own_or_staff(actor, account_id)
        why = given_reason(reason)
        async with self._changes.changing(account_id) as change:
            account = _held(change, account_id)
            if account.status is not AccountStatus.ACTIVE:
                raise AccountState(f"the account is {account.status.name}: only an ACTIVE one can be closed")
            closing = replace(account, status=AccountStatus.CLOSING, closes_at=self._clock() + self._cooling_off)
            return await change.save(closing, Happening(StatusChanged(account.status), actor.account_id, why))

    async def reopen(self, actor: Viewer, account_id: int, reason: str) -> Account:
        """The account, ACTIVE again; raises AccountState when there is nothing that the actor can undo."""
        _own_or_staff(actor, account_id)
        own = actor.account_id == account_id
        why = optional_reason(reason) if own else given_reason(reason)
        async with self._changes.changing(account_id) as change:
            account = _held(change, account_id)
            if obstacle := self._obstacle(account, own):
                raise AccountState(f"the account is {account.status.name}{obstacle}")
            active = replace(account, status=AccountStatus.ACTIVE, closes_at=None)
            return await change.save(active, Happening(StatusChanged(account.status), actor.account_id, why))

    async def suspend(self, actor: Viewer, account_id: int, reason: str) -> Account:
        """The account, SUSPENDED and its sessions ended; raises AccountState unless it was ACTIVE or CLOSING."""
        staff_only(actor, CLOSE)
        why = given_reason(reason)
        async with self._changes.changing(account_id) as change:
            account = _held(change, account_id)
            if account.status not in ACTING:
                raise AccountState(f"the account is {account.status.name}: only an ACTIVE or CLOSING one is suspended")
            await change.end_sessions(account_id)
            barred = replace(account, status=AccountStatus.SUSPENDED, closes_at=None)
            return await change.save(barred, Happening(StatusChanged(account.status), actor.account_id, why))

    async def end_closures(self, limit: int) -> tuple[list[int], bool]:
        """Closes for good at most so many accounts whose period is over: which this call did, and whether more are due.

        Each is one change of its own: a call that is broken off leaves none half-closed.
        """
        now = self._clock()
        due = await self._changes.due(now, limit + 1)
        return [account_id for account_id in due[:limit] if await self._end(account_id, now)], len(due) > limit

    async def _end(self, account_id: int, now: datetime) -> bool:
        async with self._changes.changing(account_id) as change:
            # Somebody else may have been faster: another run of this, or whoever reopened the account.
            if not _is_due(change.accounts.get(account_id), now) or await change.merging_into(account_id):
                return False
            # Whoever had several accounts merged into one closes them all.
            for account in (change.accounts[account_id], *await change.merged_into(account_id)):
                await _erase(change, account)
        return True

    def _obstacle(self, account: Account, own: bool) -> str:
        """Why the account cannot be reopened, as the rest of a sentence; empty when it can."""
        if account.merging_into is not None:
            return ": it is being merged into another"
        return _OBSTACLES.get(account.status, _nothing_to_undo)(account, own, self._clock())


def _own_or_staff(actor: Viewer, account_id: int) -> None:
    if actor.account_id <= 0:
        raise Unauthenticated
    if actor.account_id != account_id and not actor.is_staff:
        raise PermissionDenied(CLOSE)


def _held(change: Change, account_id: int) -> Account:
    if (account := change.accounts.get(account_id)) is None:
        raise AccountNotFound(account_id)
    return account


def _is_due(account: Account | None, now: datetime) -> bool:
    if account is None or account.status is not AccountStatus.CLOSING:
        return False
    return account.closes_at is not None and account.closes_at <= now


async def _erase(change: Change, account: Account) -> None:
    """Takes everything personal out of the account and closes it."""
    await change.end_sessions(account.id)
    await change.forget_password(account.id)
    await change.leave_teams(account.id)
    erased = replace(
        account,
        status=AccountStatus.CLOSED,
        closes_at=None,
        handle=closed_handle(account.id),
        display_name=CLOSED_NAME,
        avatar_url=None,
        bio=None,
        attributes=NO_ATTRIBUTES[account.type],
    )
    await change.save(erased, Happening(StatusChanged(account.status), reason=PERIOD_OVER))


def _within_the_period(account: Account, _own: bool, now: datetime) -> str:
    return ", and its cooling-off period is over" if _is_due(account, now) else ""


def _by_staff(_account: Account, own: bool, _now: datetime) -> str:
    return ": only staff reopens it" if own else ""


def _nothing_to_undo(_account: Account, _own: bool, _now: datetime) -> str:
    return ": there is no closure or suspension to undo"


_OBSTACLES: dict[AccountStatus, Callable[[Account, bool, datetime], str]] = {
    AccountStatus.CLOSING: _within_the_period,
    AccountStatus.SUSPENDED: _by_staff,
}
"""Why an account of a status cannot be reopened; of any other status there is nothing to undo."""
