"""What staff does with accounts."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict

from schema.errcode import AccountNotFound
from services.admin.biz.desk import CLOSE, READ, WRITE, Call, Desk, given
from services.admin.biz.facts import facts_of, names_of, set_of, standing_of
from services.admin.biz.ports import AccountBackend
from services.admin.biz.words import (
    Account,
    AccountChange,
    AccountFilter,
    AccountStatus,
    AccountType,
    NewAccount,
    Page,
    Viewer,
    name_of,
)


class Accounts:
    """Finds, opens, changes and ends accounts."""

    def __init__(self, desk: Desk, backend: AccountBackend) -> None:
        self._desk = desk
        self._backend = backend

    async def search(self, actor: Viewer, wanted: AccountFilter) -> Page[Account]:
        """The accounts that match, by id; closed ones too."""
        facts = set_of(
            ids=wanted.ids,
            handle_prefix=wanted.handle_prefix,
            name_part=wanted.name_part,
            types=names_of(AccountType, wanted.types),
            statuses=names_of(AccountStatus, wanted.statuses),
            after_id=wanted.after_id,
        )
        async with self._desk.open(Call(actor, "SearchAccounts", (READ,), facts=facts)):
            return await self._backend.search(actor, wanted)

    async def create(self, actor: Viewer, new: NewAccount, reason: str) -> Account:
        """The account, opened; the audit knows all of it but its password."""
        facts = {
            "handle": new.handle,
            "type": name_of(AccountType, new.type),
            "display_name": new.display_name,
            **(asdict(new.attributes) if new.attributes else {}),
        }
        call = Call(actor, "CreateAccount", (WRITE,), reason=reason, facts=facts)
        async with self._desk.open(call) as record:
            why = given(reason)
            await record.intend()
            account = await self._backend.create(actor, new, why)
            record.note(facts_of(account), account.id)
        return account

    async def change(self, actor: Viewer, account_id: int, version: int, change: AccountChange, reason: str) -> Account:
        """The account after the change."""
        call = Call(actor, "ChangeAccount", (WRITE,), account_id, reason, {"version": version, **asdict(change)})
        async with self._desk.open(call) as record:
            why = given(reason)
            await record.intend(facts_of(await existing(self._backend, actor, account_id)))
            account = await self._backend.change(actor, account_id, version, change, why)
            record.note(facts_of(account))
        return account

    async def close(self, actor: Viewer, account_id: int, reason: str) -> Account:
        """The account in its cooling-off period."""
        return await self._turn(Call(actor, "CloseAccount", (CLOSE,), account_id, reason), self._backend.close)

    async def reopen(self, actor: Viewer, account_id: int, reason: str) -> Account:
        """The account in use again."""
        return await self._turn(Call(actor, "ReopenAccount", (CLOSE,), account_id, reason), self._backend.reopen)

    async def suspend(self, actor: Viewer, account_id: int, reason: str) -> Account:
        """The account, barred."""
        return await self._turn(Call(actor, "SuspendAccount", (CLOSE,), account_id, reason), self._backend.suspend)

    async def _turn(self, call: Call, turn: Callable[[Viewer, int, str], Awaitable[Account]]) -> Account:
        """The account after its life took a turn."""
        async with self._desk.open(call) as record:
            why = given(call.reason)
            await record.intend(standing_of(await existing(self._backend, call.actor, call.account_id)))
            account = await turn(call.actor, call.account_id, why)
            record.note(standing_of(account))
        return account


async def existing(backend: AccountBackend, actor: Viewer, account_id: int) -> Account:
    """The account, in whatever state it is; raises AccountNotFound."""
    found = await backend.search(actor, AccountFilter(first=1, ids=(account_id,)))
    if not found.items:
        raise AccountNotFound(account_id)
    return found.items[0]
