"""What staff does with accounts: finding, opening and changing them."""

from dataclasses import replace
from typing import Any

from schema.errcode import AccountNotFound, AccountState, InvalidArgument, VersionConflict
from services.account.biz.attributes import attributes_after, checked_attributes, set_own
from services.account.biz.events import Happening, Opened, changed
from services.account.biz.ports import AccountRepo, Ids, Passwords
from services.account.biz.rules import (
    READ,
    WRITE,
    checked_handle,
    given_reason,
    handle_prefix_key,
    name_key,
    name_of,
    set_attributes,
    staff_only,
)
from services.account.biz.words import (
    Account,
    AccountChange,
    AccountFilter,
    AccountStatus,
    NewAccount,
    Viewer,
)
from services.runtime.clock import Clock

OVER = frozenset({AccountStatus.CLOSED, AccountStatus.MERGED})
"""The states in which an account changes no more."""


class Administration:
    """Finds, opens and changes accounts for staff; anybody else gets PermissionDenied, and nothing happens."""

    def __init__(self, repo: AccountRepo, passwords: Passwords, ids: Ids, clock: Clock) -> None:
        self._repo = repo
        self._passwords = passwords
        self._ids = ids
        self._clock = clock

    async def search(self, actor: Viewer, wanted: AccountFilter) -> tuple[list[Account], bool]:
        """The accounts that match, by id, and whether more come after."""
        staff_only(actor, READ)
        keys = _keys_of(wanted)
        if keys is None:
            return [], False
        found = await self._repo.search(replace(keys, first=wanted.first + 1))
        return found[: wanted.first], len(found) > wanted.first

    async def create(self, actor: Viewer, new: NewAccount, reason: str) -> Account:
        """The account, opened; raises HandleTaken."""
        staff_only(actor, WRITE)
        why = given_reason(reason)
        account = Account(
            id=await self._ids.next_id(),
            type=new.type,
            status=AccountStatus.ACTIVE,
            version=1,
            handle=checked_handle(new.handle),
            display_name=name_of("displayName", new.display_name),
            avatar_url=None,
            bio=None,
            created_at=self._clock(),
            closes_at=None,
            attributes=checked_attributes(new.type, new.attributes),
        )
        password_hash = await self._passwords.hash(new.password)
        await self._repo.create(account, password_hash, Happening(Opened(), actor.account_id, why))
        return account

    async def change(self, actor: Viewer, account_id: int, version: int, change: AccountChange, reason: str) -> Account:
        """The account after the change; nothing has changed when this raises."""
        staff_only(actor, WRITE)
        why, wanted = given_reason(reason), _wanted(change)
        account = await self._repo.stored(account_id)
        if account is None:
            raise AccountNotFound(account_id)
        if account.status in OVER:
            raise AccountState(f"the account is {account.status.name}: it changes no more")
        if account.version != version:
            raise VersionConflict(version)
        after = replace(account, **wanted, attributes=attributes_after(account, change, self._clock().date()))
        return await self._repo.save(after, Happening(changed(account, after), actor.account_id, why))


def _keys_of(wanted: AccountFilter) -> AccountFilter | None:
    """The filter in the words of the store; None when nobody can match it."""
    prefix = handle_prefix_key(wanted.handle_prefix) if wanted.handle_prefix else ""
    # No name has control characters, and PostgreSQL fails on one of them.
    if prefix is None or any(ord(letter) < 32 for letter in wanted.name_part):
        return None
    return replace(wanted, handle_prefix=prefix, name_part=name_key(wanted.name_part))


def _wanted(change: AccountChange) -> dict[str, Any]:
    wanted = set_attributes(change)
    if not wanted and not set_own(change):
        raise InvalidArgument("input", "must set displayName, handle, avatarUrl, bio or an attribute of its type")
    return wanted
