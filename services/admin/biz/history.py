"""What happened: to accounts, and at the desk itself."""

from services.admin.biz.desk import READ, Call, Desk
from services.admin.biz.facts import set_of
from services.admin.biz.ports import AuditLog, JobBackend
from services.admin.biz.words import Audit, AuditFilter, Change, Page, Viewer


class History:
    """Tells how accounts changed, and who did what at the desk."""

    def __init__(self, desk: Desk, jobs: JobBackend, log: AuditLog) -> None:
        self._desk = desk
        self._jobs = jobs
        self._log = log

    async def changes(self, actor: Viewer, account_id: int, first: int, after: str) -> Page[Change]:
        """What changed the account, newest first."""
        async with self._desk.open(Call(actor, "ListChanges", (READ,), account_id)):
            return await self._jobs.changes(actor, account_id, first, after)

    async def audits(self, actor: Viewer, wanted: AuditFilter) -> Page[Audit]:
        """The audits that match, newest first."""
        facts = set_of(
            by_id=wanted.actor_id,
            account_id=wanted.account_id,
            action=wanted.action,
            before_id=wanted.before_id,
        )
        async with self._desk.open(Call(actor, "ListAudits", (READ,), facts=facts)):
            return await self._log.search(wanted)
