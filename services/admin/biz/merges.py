"""What staff does to make one account of two."""

import asyncio
from typing import Any

from services.admin.biz.desk import CLOSE, READ, WRITE, Call, Desk, given
from services.admin.biz.facts import standing_of
from services.admin.biz.ports import AccountBackend, ActivityBackend, JobBackend, PermissionBackend
from services.admin.biz.words import Account, AccountFilter, Amount, Merge, MergeCheck, Viewer


class Merges:
    """Checks, begins and follows merges; what moves the data is the job backend."""

    def __init__(
        self,
        desk: Desk,
        accounts: AccountBackend,
        permissions: PermissionBackend,
        activities: ActivityBackend,
        jobs: JobBackend,
    ) -> None:
        self._desk = desk
        self._accounts = accounts
        self._permissions = permissions
        self._activities = activities
        self._jobs = jobs

    async def check(self, actor: Viewer, source_id: int, target_id: int) -> MergeCheck:
        """What a merge would move, or why it would be refused; a backend that cannot tell fails it."""
        call = Call(actor, "CheckMerge", (READ,), source_id, facts={"target_id": target_id})
        async with self._desk.open(call):
            try:
                async with asyncio.TaskGroup() as group:
                    checked = group.create_task(self._accounts.check_merge(actor, source_id, target_id))
                    amounts = group.create_task(self._activities.amounts(source_id))
                    grants = group.create_task(self._permissions.grants(source_id))
            except ExceptionGroup as failures:
                raise _first(failures) from failures
            refusal, sessions = checked.result()
            moves = (Amount("sessions", sessions), *amounts.result(), Amount("grants", len(grants.result())))
            return MergeCheck(refusal, moves)

    async def start(self, actor: Viewer, source_id: int, target_id: int, reason: str) -> Account:
        """The source, barred until its data has been moved."""
        call = Call(actor, "MergeAccounts", (WRITE, CLOSE), source_id, reason, {"target_id": target_id})
        async with self._desk.open(call) as record:
            why = given(reason)
            await record.intend(await self._standings(actor, source_id, target_id))
            source = await self._accounts.start_merge(actor, source_id, target_id, why)
            record.note({"source": standing_of(source)})
        return source

    async def progress(self, actor: Viewer, source_id: int) -> Merge | None:
        """How far the merge of the account is; None when nobody knows of one."""
        async with self._desk.open(Call(actor, "GetMerge", (READ,), source_id)):
            return await self._jobs.merge(actor, source_id)

    async def retry(self, actor: Viewer, source_id: int, reason: str) -> Merge:
        """The merge, taken up again where it stopped."""
        async with self._desk.open(Call(actor, "RetryMerge", (WRITE, CLOSE), source_id, reason)) as record:
            given(reason)
            before = await self._jobs.merge(actor, source_id)
            await record.intend({"problem": before.problem if before else None})
            return await self._jobs.retry_merge(actor, source_id)

    async def _standings(self, actor: Viewer, source_id: int, target_id: int) -> dict[str, Any]:
        """Where the two are in their lives. Whether they can be merged is for the account backend to say."""
        found = await self._accounts.search(actor, AccountFilter(first=2, ids=(source_id, target_id)))
        names = {target_id: "target", source_id: "source"}
        return {names[account.id]: standing_of(account) for account in found.items}


def _first(failures: BaseExceptionGroup[Exception]) -> Exception:
    """The failure that ended the others."""
    first: Any = failures.exceptions[0]
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first  # type: ignore[no-any-return]
