"""What is answered about accounts, and how they change."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from schema.errcode import AccountClosed, AccountNotFound, Unauthenticated, VersionConflict
from services.account.biz.events import Happening, changed
from services.account.biz.ports import AccountRepo
from services.account.biz.rules import handle_key, visible, wanted_attributes
from services.account.biz.words import ACTING, Account, AccountStatus, PrivateAttributes, ProfileChange, Viewer


class Accounts:
    """Answers questions about accounts, and changes them."""

    def __init__(self, repo: AccountRepo) -> None:
        self._repo = repo

    async def by_ids(self, ids: Collection[int]) -> list[Account]:
        """The visible accounts with these ids, those that were merged as they are."""
        return visible((await self._repo.by_ids(set(ids))).values())

    async def answering(self, ids: Collection[int]) -> tuple[list[Account], dict[int, int]]:
        """The visible accounts that answer to these ids; and for each id of a merged one, the id of who took over."""
        return await self._followed(await self._repo.by_ids(set(ids)))

    async def answering_handles(self, handles: Iterable[str]) -> tuple[list[Account], dict[str, int]]:
        """The visible accounts that answer to these handles, compared without case.

        And for each handle of a merged one, in lower case, the id of who took over.
        """
        keys = {key for handle in handles if (key := handle_key(handle))}
        named = await self._repo.by_handle_keys(keys) if keys else []
        accounts, merged = await self._followed({account.id: account for account in named})
        return accounts, {account.handle.lower(): merged[account.id] for account in named if account.id in merged}

    async def _followed(self, asked: dict[int, Account]) -> tuple[list[Account], dict[int, int]]:
        """The visible ones of these accounts, each merged one's place taken by who took over, and by whom."""
        known, missing = asked, _led_to(asked)
        # Once, as a rule: a merge that ends at this very moment may lead further.
        while missing := missing - known.keys():
            found = await self._repo.by_ids(missing)
            known, missing = known | found, _led_to(found)
        ends = {account_id: _end_of(account_id, known) for account_id in asked}
        shown = {account.id: account for account in visible(ends.values())}
        merged = {asked_for: end.id for asked_for, end in ends.items() if end.id != asked_for and end.id in shown}
        return list(shown.values()), merged

    async def private_attributes(
        self, questions: Sequence[tuple[Viewer, int]]
    ) -> list[tuple[Viewer, int, PrivateAttributes]]:
        """The private attributes of each account that its viewer may see."""
        allowed = [(viewer, owner) for viewer, owner in questions if viewer.may_see_private_attributes_of(owner)]
        accounts = await self.by_ids([owner for _, owner in allowed]) if allowed else []
        private = {account.id: account.attributes.private for account in accounts}
        return [(viewer, owner, private[owner]) for viewer, owner in allowed if owner in private]

    async def teams(self, business_ids: Collection[int]) -> dict[int, list[int]]:
        """Ids of the members of each business that has a team."""
        return await self._repo.teams(set(business_ids))

    async def pending_closures(self, questions: Sequence[tuple[Viewer, int]]) -> list[tuple[Viewer, int, list[int]]]:
        """For each staff viewer the ids of the first accounts to close, as many as they want."""
        allowed = [(viewer, first) for viewer, first in questions if viewer.is_staff]
        if not allowed:
            return []
        ids = await self._repo.pending_closures(max(first for _, first in allowed))
        return [(viewer, first, ids[:first]) for viewer, first in allowed]

    async def update_profile(self, viewer: Viewer, version: int, change: ProfileChange) -> Account:
        """The viewer's account after the change; nothing has changed when this raises."""
        if viewer.account_id <= 0:
            raise Unauthenticated
        wanted = wanted_attributes(change)
        account = await self._repo.stored(viewer.account_id)
        if account is None:
            raise AccountNotFound(viewer.account_id)
        if account.status not in ACTING:
            raise AccountClosed
        if account.version != version:
            raise VersionConflict(version)
        after = replace(account, **wanted)  # type: ignore[arg-type]
        return await self._repo.save(after, Happening(changed(account, after), viewer.account_id))


def _led_to(accounts: dict[int, Account]) -> set[int]:
    return {account.merged_into for account in accounts.values() if _is_merged(account) and account.merged_into}


def _end_of(account_id: int, known: dict[int, Account]) -> Account:
    account = known[account_id]
    while _is_merged(account) and account.merged_into in known:
        account = known[account.merged_into]
    return account


def _is_merged(account: Account) -> bool:
    return account.status is AccountStatus.MERGED
