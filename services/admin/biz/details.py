"""An account with all that hangs on it. One backend that is down costs its part, not the answer."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from schema.errcode import AtriumError
from services.admin.biz.accounts import existing
from services.admin.biz.desk import READ, READ_ACTIVITIES, Call, Desk
from services.admin.biz.ports import AccountBackend, ActivityBackend, JobBackend, PermissionBackend
from services.admin.biz.words import ActivityFilter, Details, Gap, Part, Viewer
from services.runtime.deadline import deadline_in

RECENT = 10
"""How many of the last activities and changes are shown."""
PART_SECONDS = 2.0
"""How long a part may take: the answer does not wait for a backend that hangs."""
BACKENDS = {
    Part.PRIVATE_ATTRIBUTES: "account",
    Part.FOLLOW_COUNTS: "activity",
    Part.GRANTS: "permission",
    Part.ACTIVITIES: "activity",
    Part.CHANGES: "job",
    Part.MERGE: "job",
}
"""The backend that tells each part."""
FIELDS = {
    Part.PRIVATE_ATTRIBUTES: "birthday",
    Part.FOLLOW_COUNTS: "follow_counts",
    Part.GRANTS: "grants",
    Part.ACTIVITIES: "activities",
    Part.CHANGES: "changes",
    Part.MERGE: "merge",
}
"""Where each part stands in the details."""


class Overview:
    """Puts an account together from four backends."""

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

    async def details(self, actor: Viewer, account_id: int) -> Details:
        """The account and what hangs on it; what could not be told, or not to this actor, is named."""
        call = Call(actor, "GetAccount", (READ,), account_id)
        async with self._desk.open(call, also=(READ_ACTIVITIES,)) as record:
            details = Details(await existing(self._accounts, actor, account_id))
            parts = self._parts(actor, account_id)
            if READ_ACTIVITIES not in record.allowed:
                parts.pop(Part.ACTIVITIES)
                details = replace(details, withheld=(Part.ACTIVITIES,))
            return await _completed(details, {part: ask() for part, ask in parts.items()})

    def _parts(self, actor: Viewer, account_id: int) -> dict[Part, Any]:
        """How each part is asked for."""
        own = ActivityFilter(author_ids=(account_id,))

        async def activities() -> Any:
            return (await self._activities.search(actor, own, RECENT, 0)).items

        async def changes() -> Any:
            return (await self._jobs.changes(actor, account_id, RECENT, "")).items

        return {
            Part.PRIVATE_ATTRIBUTES: lambda: self._accounts.birthday(actor, account_id),
            Part.FOLLOW_COUNTS: lambda: self._activities.follow_counts(account_id),
            Part.GRANTS: lambda: self._permissions.grants(account_id),
            Part.ACTIVITIES: activities,
            Part.CHANGES: changes,
            Part.MERGE: lambda: self._jobs.merge(actor, account_id),
        }


async def _completed(details: Details, asked: dict[Part, Awaitable[Any]]) -> Details:
    async with asyncio.TaskGroup() as group:
        tasks = {part: group.create_task(_answered(part, answer)) for part, answer in asked.items()}
    told, gaps = {}, []
    for part, task in tasks.items():
        answer = task.result()
        if isinstance(answer, Gap):
            gaps.append(answer)
        else:
            told[FIELDS[part]] = answer
    return replace(details, **told, gaps=gaps)


async def _answered(part: Part, answer: Awaitable[Any]) -> Any:
    """The answer, or the gap that it leaves."""
    try:
        with deadline_in(PART_SECONDS):
            return await answer
    except AtriumError as error:
        return Gap(part, error.backend or BACKENDS[part], error.code)
