"""What staff is answered, and nobody else."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import pytest

from schema.errcode import InvalidArgument, MergeRefused, PermissionDenied
from services.job.biz.errands import Errand, ErrandState
from services.job.biz.ports import Place, Placed
from services.job.biz.questions import Questions, Viewer, cursor_at, place_at
from tests.conftest import NOON, HandClock
from tests.services.job.examples import ADA, STAFF, change, merge

PLACE = Place(NOON + timedelta(microseconds=123), 7)


class FakeRecords:
    """Records of three changes of ADA, and of no merge."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    async def changes(self, account_id: int, before: Place | None, limit: int) -> Sequence[Placed]:
        self.asked.append((account_id, before, limit))
        found = [Placed(Place(change(number).occurred_at, number), change(number)) for number in (3, 2, 1)]
        return found[:limit]

    async def merge(self, source_id: int) -> Errand | None:
        self.asked.append((source_id,))
        return None

    async def merges(self, states: Collection[ErrandState], before: Place | None, limit: int) -> Sequence[Errand]:
        self.asked.append((states, before, limit))
        return [merge()]

    async def retry(self, source_id: int, now: datetime) -> Errand | None:
        self.asked.append((source_id, now))
        return None


@pytest.mark.parametrize("account_type", [1, 2, 3, 4, 6])
async def test_whoever_is_not_staff_is_denied_and_nothing_is_looked_up(account_type: int, clock: HandClock) -> None:
    records = FakeRecords()
    questions, actor = Questions(records, clock), Viewer(ADA, account_type)
    with pytest.raises(PermissionDenied, match=r"admin\.accounts\.read"):
        await questions.changes(actor, ADA, 10, "")
    with pytest.raises(PermissionDenied, match=r"admin\.accounts\.read"):
        await questions.merge(actor, ADA)
    with pytest.raises(PermissionDenied, match=r"admin\.accounts\.read"):
        await questions.merges(actor, [], 10, "")
    with pytest.raises(PermissionDenied, match=r"admin\.accounts\.write"):
        await questions.retry(actor, ADA)
    assert records.asked == []


async def test_a_page_says_whether_more_come_after(clock: HandClock) -> None:
    questions = Questions(FakeRecords(), clock)
    for first, more in [(1, True), (2, True), (3, False), (4, False)]:
        page = await questions.changes(STAFF, ADA, first, "")
        assert [item for _, item in page.items] == [change(number) for number in (3, 2, 1)][:first]
        assert page.has_next_page is more


async def test_a_cursor_leads_on_from_its_item(clock: HandClock) -> None:
    records = FakeRecords()
    questions = Questions(records, clock)
    page = await questions.changes(STAFF, ADA, 2, "")
    await questions.changes(STAFF, ADA, 2, page.items[-1][0])
    assert records.asked == [(ADA, None, 3), (ADA, Place(change(2).occurred_at, 2), 3)]


def test_a_cursor_keeps_its_place_to_the_microsecond() -> None:
    assert place_at(cursor_at(PLACE)) == PLACE
    assert place_at("") is None


@pytest.mark.parametrize(
    "text",
    ["x", "!" * 22, "A" * 21, "A" * 23, "ä" * 22, "_" * 22, cursor_at(PLACE) + "=", cursor_at(PLACE)[:-1] + "x", " "],
)
async def test_a_text_that_is_no_cursor_is_refused(text: str, clock: HandClock) -> None:
    records = FakeRecords()
    with pytest.raises(InvalidArgument, match="after: is no cursor of this list"):
        await Questions(records, clock).changes(STAFF, ADA, 10, text)
    with pytest.raises(InvalidArgument, match="after: is no cursor of this list"):
        await Questions(records, clock).merges(STAFF, [], 10, text)
    assert records.asked == []


async def test_a_retry_without_a_failed_merge_is_refused(clock: HandClock) -> None:
    with pytest.raises(MergeRefused, match="there is no failed merge of account 1"):
        await Questions(FakeRecords(), clock).retry(STAFF, ADA)
