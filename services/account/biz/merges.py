"""How one account takes over another: begun here, its data moved by others and here, and ended here."""

from dataclasses import dataclass, replace

from schema.errcode import AccountNotFound, InvalidArgument, MergeRefused
from services.account.biz.events import Happening, Merged, MergeStarted
from services.account.biz.ports import AccountRepo, Change, ChangeRepo, SessionRepo
from services.account.biz.rules import WRITE, given_reason, optional_reason, staff_only
from services.account.biz.words import Account, AccountStatus, AccountType, Viewer
from services.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Pair:
    """The account to be merged into another, and that other."""

    source: Account
    target: Account

    @property
    def has_begun(self) -> bool:
        """Whether the merge of these two is under way."""
        return self.source.merging_into == self.target.id

    @property
    def is_done(self) -> bool:
        """Whether the source was merged into the target, or into whatever the target was merged into since."""
        return self.source.merged_into is not None and self.source.merged_into in (
            self.target.id,
            self.target.merged_into,
        )


class Merges:
    """Merges accounts, step by step; each step can be taken again. What is refused changes nothing."""

    def __init__(self, accounts: AccountRepo, changes: ChangeRepo, sessions: SessionRepo, clock: Clock) -> None:
        self._accounts = accounts
        self._changes = changes
        self._sessions = sessions
        self._clock = clock

    async def check(self, actor: Viewer, source_id: int, target_id: int) -> tuple[str, int]:
        """Why the two cannot be merged, empty when they can, and how many sessions would move."""
        staff_only(actor, WRITE)
        pair = await self._pair(source_id, target_id)
        refusal = _refusal(pair, await self._accounts.merging_into(source_id))
        return refusal, 0 if refusal else await self._sessions.count_open(source_id, self._clock())

    async def start(self, actor: Viewer, source_id: int, target_id: int, reason: str) -> Account:
        """The source, SUSPENDED until its data has been moved; raises MergeRefused. Again, it changes nothing."""
        staff_only(actor, WRITE)
        why = given_reason(reason)
        # Refused without holding anything where that will do: an account that was merged is held after its target.
        pair = await self._pair(source_id, target_id)
        if pair.has_begun:
            return pair.source
        _refuse(pair, await self._accounts.merging_into(source_id))
        async with self._changes.changing(source_id, target_id) as change:
            pair = _held(change, source_id, target_id)
            if pair.has_begun:
                return pair.source
            _refuse(pair, await change.merging_into(source_id))
            barred = replace(pair.source, status=AccountStatus.SUSPENDED, merging_into=target_id)
            return await change.save(barred, Happening(MergeStarted(target_id), actor.account_id, why))

    async def move_sessions(self, source_id: int, target_id: int) -> int:
        """Gives the target the source's open sessions; how many that were. Raises MergeRefused where none has begun."""
        pair = await self._pair(source_id, target_id)
        _begun(pair)
        return await self._sessions.move_open(source_id, pair.source.merged_into or target_id, self._clock())

    async def finish(self, source_id: int, target_id: int, actor_id: int, reason: str) -> Account:
        """The source, MERGED: its id answers the target from now on. Again, it changes nothing."""
        why = optional_reason(reason)
        pair = await self._pair(source_id, target_id)
        _begun(pair)
        if pair.is_done:
            return pair.source
        async with self._changes.changing(source_id, target_id) as change:
            pair = _held(change, source_id, target_id)
            _begun(pair)
            return (
                pair.source if pair.is_done else await _merge(change, pair, Happening(Merged(target_id), actor_id, why))
            )

    async def _pair(self, source_id: int, target_id: int) -> Pair:
        if source_id == target_id:
            raise InvalidArgument("targetId", "must be the id of another account")
        return Pair(await self._existing(source_id), await self._existing(target_id))

    async def _existing(self, account_id: int) -> Account:
        if (account := await self._accounts.stored(account_id)) is None:
            raise AccountNotFound(account_id)
        return account


def _held(change: Change, source_id: int, target_id: int) -> Pair:
    return Pair(change.accounts[source_id], change.accounts[target_id])


async def _merge(change: Change, pair: Pair, happening: Happening) -> Account:
    source, target = pair.source, pair.target
    await change.move_teams(source.id, target.id)
    # Whatever was merged into the source answers the target at once: no way is ever longer than one step.
    for earlier in await change.merged_into(source.id):
        await change.save(replace(earlier, merged_into=target.id), happening)
    merged = replace(source, status=AccountStatus.MERGED, merging_into=None, merged_into=target.id)
    return await change.save(merged, happening)


def _begun(pair: Pair) -> None:
    if not (pair.has_begun or pair.is_done):
        raise MergeRefused(f"account {pair.source.id} is not being merged into account {pair.target.id}")


def _refuse(pair: Pair, joining: list[int]) -> None:
    if refusal := _refusal(pair, joining):
        raise MergeRefused(refusal)


def _refusal(pair: Pair, joining: list[int]) -> str:
    """Why the merge cannot begin; empty when it can. `joining` are the accounts being merged into the source."""
    source, target = pair.source, pair.target
    if source.id in (target.merging_into, target.merged_into):
        return f"account {target.id} is merged into account {source.id}: the other way round would be a circle"
    if unfit := _unfit(source) or _unfit(target):
        return unfit
    if joining:
        return f"account {joining[0]} is still being merged into account {source.id}"
    if AccountType.STAFF in (source.type, target.type) and source.type is not target.type:
        return "a STAFF account is merged with another STAFF account only"
    return ""


def _unfit(account: Account) -> str:
    """Why this account takes part in no merge; empty when it can."""
    if account.merging_into is not None:
        return f"account {account.id} is being merged into account {account.merging_into} already"
    if account.merged_into is not None:
        return f"account {account.id} was merged into account {account.merged_into} already"
    if account.status is not AccountStatus.ACTIVE:
        return f"account {account.id} is {account.status.name}"
    return ""
