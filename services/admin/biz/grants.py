"""What staff does with permissions."""

from collections.abc import Sequence

from schema.errcode import AccountState
from services.admin.biz.accounts import existing
from services.admin.biz.desk import GRANT, Call, Desk, given
from services.admin.biz.ports import AccountBackend, PermissionBackend
from services.admin.biz.words import AccountStatus, Grant, Viewer

OVER = {AccountStatus.CLOSED, AccountStatus.MERGED}
"""The states in which an account gets nothing more."""


class Grants:
    """Grants, denies and takes back. What it answers is whether that changed anything, and what the account has now."""

    def __init__(self, desk: Desk, accounts: AccountBackend, permissions: PermissionBackend) -> None:
        self._desk = desk
        self._accounts = accounts
        self._permissions = permissions

    async def grant(self, actor: Viewer, account_id: int, grant: Grant, reason: str) -> tuple[bool, Sequence[Grant]]:
        """Grants or denies; raises AccountState for an account whose life is over."""
        facts = {"permission": grant.permission, "effect": _effect(grant)}
        async with self._desk.open(Call(actor, "GrantPermission", (GRANT,), account_id, reason, facts)) as record:
            why = given(reason)
            account = await existing(self._accounts, actor, account_id)
            if account.status in OVER:
                raise AccountState(f"the account is {AccountStatus(account.status).name}: it gets no permissions")
            before = {one.permission: one for one in await self._permissions.grants(account_id)}
            await record.intend({"effect": _effect(before.get(grant.permission))})
            changed = await self._permissions.grant(actor, account_id, grant, why)
            record.note({"effect": _effect(grant)})
        return changed, _by_name({**before, grant.permission: grant})

    async def revoke(
        self, actor: Viewer, account_id: int, permission: str, reason: str
    ) -> tuple[bool, Sequence[Grant]]:
        """Takes back what was granted or denied."""
        call = Call(actor, "RevokePermission", (GRANT,), account_id, reason, {"permission": permission})
        async with self._desk.open(call) as record:
            why = given(reason)
            await existing(self._accounts, actor, account_id)
            before = {one.permission: one for one in await self._permissions.grants(account_id)}
            await record.intend({"effect": _effect(before.get(permission))})
            changed = await self._permissions.revoke(actor, account_id, permission, why)
            record.note({"effect": _effect(None)})
        return changed, _by_name({name: grant for name, grant in before.items() if name != permission})


def _effect(grant: Grant | None) -> str:
    if grant is None:
        return "NONE"
    return "ALLOW" if grant.allow else "DENY"


def _by_name(grants: dict[str, Grant]) -> list[Grant]:
    return [grants[name] for name in sorted(grants)]
