"""What is answered about accounts, and how they change."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from schema.errcode import AccountClosed, AccountNotFound, Unauthenticated, VersionConflict
from services.account.biz.ports import AccountRepo
from services.account.biz.rules import handle_key, visible, wanted_attributes
from services.account.biz.words import ACTING, Account, PrivateAttributes, ProfileChange, Viewer


class Accounts:
    """Answers questions about accounts, and changes them."""

    def __init__(self, repo: AccountRepo) -> None:
        self._repo = repo

    async def by_ids(self, ids: Collection[int]) -> list[Account]:
        """The visible accounts with these ids."""
        return visible((await self._repo.by_ids(set(ids))).values())

    async def by_handles(self, handles: Iterable[str]) -> list[Account]:
        """The visible accounts with these handles, compared without case."""
        keys = {key for handle in handles if (key := handle_key(handle))}
        return visible(await self._repo.by_handle_keys(keys)) if keys else []

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
        return await self._repo.save(replace(account, **wanted))  # type: ignore[arg-type]
