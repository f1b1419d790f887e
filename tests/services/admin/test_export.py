"""Activities as CSV: any number of them, in bounded memory, and harmless in a spreadsheet."""

import csv
import io
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from schema.errcode import OK, BackendUnavailable
from services.admin.biz import Activities, Activity, ActivityFilter, Page, Piece, Viewer
from services.admin.biz.activities import EXPORT_PAGE
from services.admin.biz.csv import PIECE_CHARACTERS, harmless, header, line_of, pieces
from tests.services.admin.fakes import SAM, FakeActivities, House, activity, facts

HEADER = "id,author_id,kind,text,created_at\r\n"
AWKWARD = ['say "hi"', "a,b", "two\nlines", "two\r\nlines", "=1+1", "", "naïve 🚀", "'", '"', ",", "end\r"]


@pytest.fixture
def house() -> House:
    return House()


async def exported(house: House, wanted: ActivityFilter | None = None) -> list[Piece]:
    written = Activities(house.desk, house.activities).export(SAM, wanted or ActivityFilter())
    return [piece async for piece in written]


async def test_the_file_has_a_line_for_each_activity_below_their_names(house: House) -> None:
    house.activities.all = [activity(12, "hello"), activity(11, "bye")]
    [piece] = await exported(house)
    assert piece.rows == 2
    assert piece.text == (
        HEADER + "act_12,acc_2,POST,hello,2026-03-02T12:00:00+00:00\r\n"
        "act_11,acc_2,POST,bye,2026-03-02T12:00:00+00:00\r\n"
    )


async def test_a_file_of_nothing_has_only_the_names(house: House) -> None:
    house.activities.all = []
    assert await exported(house) == [Piece(HEADER, 0)]
    assert facts(house.log.only().after) == {"rows": 0}


async def test_any_text_comes_out_of_the_file_as_it_went_in_but_for_formulas(house: House) -> None:
    house.activities.all = [activity(100 - place, text) for place, text in enumerate(AWKWARD)]
    text = "".join(piece.text for piece in await exported(house))
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert [row[3] for row in rows] == ["text", *map(harmless, AWKWARD)]
    assert {len(row) for row in rows} == {5}


def test_cells_are_quoted_as_the_standard_says() -> None:
    assert line_of(activity(1, 'say "hi", you')) == ('act_1,acc_2,POST,"say ""hi"", you",2026-03-02T12:00:00+00:00\r\n')


class Endless(FakeActivities):
    """Makes up as many activities as are asked for, and counts how many it held at a time."""

    count = 3 * EXPORT_PAGE + 7
    fails_at_page = 99

    async def search(self, actor: Viewer, wanted: ActivityFilter, first: int, before_id: int) -> Page[Activity]:
        if len(self.pages) == self.fails_at_page:
            raise BackendUnavailable("activity")
        newest = before_id - 1 if before_id else self.count
        found = [activity(number, "x" * 100) for number in range(newest, max(0, newest - first), -1)]
        self.pages.append((first, before_id))
        return Page(found, newest - first > 0)


async def test_a_long_file_is_read_page_by_page_and_written_piece_by_piece(house: House) -> None:
    house.activities = Endless()
    written = await exported(house)
    assert house.activities.pages == [(500, 0), (500, 1008), (500, 508), (500, 8)]
    assert sum(piece.rows for piece in written) == Endless.count
    assert len(written) > 4
    assert max(len(piece.text) for piece in written) < PIECE_CHARACTERS + 200
    rows = list(csv.reader(io.StringIO("".join(piece.text for piece in written), newline=""), strict=True))
    assert [row[0] for row in rows] == ["id", *(f"act_{number}" for number in range(Endless.count, 0, -1))]
    assert (facts(house.log.only().after), house.log.only().outcome) == ({"rows": Endless.count}, OK)


async def test_nothing_is_read_ahead_of_whoever_reads(house: House) -> None:
    house.activities = Endless()
    async with aclosing(Activities(house.desk, house.activities).export(SAM, ActivityFilter())) as written:
        await anext(written)
        assert len(house.activities.pages) == 1


async def test_of_a_file_that_was_not_read_to_its_end_the_audit_knows_how_much_left(house: House) -> None:
    house.activities = Endless()
    async with aclosing(Activities(house.desk, house.activities).export(SAM, ActivityFilter())) as written:
        first = await anext(written)
    audit = house.log.only()
    assert (facts(audit.after), audit.outcome) == ({"rows": first.rows}, 0)


async def test_a_backend_that_fails_halfway_fails_the_file(house: House) -> None:
    house.activities = endless = Endless()
    endless.fails_at_page = 2
    with pytest.raises(BackendUnavailable):
        await exported(house)
    assert (facts(house.log.only().after), house.log.only().outcome) == ({"rows": 2 * EXPORT_PAGE}, 5030100)


async def test_the_audit_of_a_file_says_which_activities_it_holds(house: House) -> None:
    await exported(house, ActivityFilter(author_ids=(2,), kinds=(1, 99)))
    assert facts(house.log.written[0].request) == {"author_ids": [2], "kinds": ["POST", "99"]}


def lengths(found: Sequence[Piece]) -> list[int]:
    return [piece.rows for piece in found]


def test_a_piece_ends_with_a_line() -> None:
    longest = [activity(number, "🚀" * 2000) for number in range(40)]
    found = list(pieces(longest, header()))
    assert lengths(found) == [17, 17, 6]
    assert all(piece.text.endswith("\r\n") for piece in found)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", " =1", "  ＠1"])
def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "hello", "1-1", "a=b", "'=1", " hello", "mail@a.example"])
def test_any_other_cell_stays_as_it_is(text: str) -> None:
    assert harmless(text) == text
