"""What staff does with activities: looking."""

from collections.abc import AsyncGenerator

from services.admin.biz.csv import Piece, header, pieces
from services.admin.biz.desk import READ_ACTIVITIES, Call, Desk
from services.admin.biz.facts import filter_of, set_of
from services.admin.biz.ports import ActivityBackend
from services.admin.biz.words import Activity, ActivityFilter, Page, Viewer

EXPORT_PAGE = 500
"""How many activities are in memory at a time. Twice as many of the longest would not fit into one message."""


class Activities:
    """Finds activities and writes them out."""

    def __init__(self, desk: Desk, backend: ActivityBackend) -> None:
        self._desk = desk
        self._backend = backend

    async def search(self, actor: Viewer, wanted: ActivityFilter, first: int, before_id: int) -> Page[Activity]:
        """The activities that match, newest first."""
        facts = {**filter_of(wanted), **set_of(before_id=before_id)}
        async with self._desk.open(Call(actor, "SearchActivities", (READ_ACTIVITIES,), facts=facts)):
            return await self._backend.search(actor, wanted, first, before_id)

    async def export(self, actor: Viewer, wanted: ActivityFilter) -> AsyncGenerator[Piece]:
        """All that match, newest first, as CSV in pieces; the audit knows how many of them left. Close it."""
        call = Call(actor, "ExportActivities", (READ_ACTIVITIES,), facts=filter_of(wanted))
        async with self._desk.open(call) as record:
            await record.intend()
            rows, before_id, first = 0, 0, header()
            page: Page[Activity] | None = None
            while page is None or (page.has_next and page.items):
                page = await self._backend.search(actor, wanted, EXPORT_PAGE, before_id)
                for piece in pieces(page.items, first):
                    rows += piece.rows
                    record.note({"rows": rows})
                    yield piece
                first = ""
                before_id = page.items[-1].id if page.items else 0
