"""Activities as CSV (RFC 4180), for spreadsheets that would run some cells as formulas."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO

from services.admin.biz.words import Activity, ActivityKind, name_of

HEADER = ("id", "author_id", "kind", "text", "created_at")
PIECE_CHARACTERS = 32 * 1024
"""How long a piece is, about: it ends with the line that makes it longer."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell begins with that a spreadsheet would run, after the OWASP's page on CSV injection."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole lines of the file."""

    text: str
    rows: int
    """How many activities; the header is none."""


def header() -> str:
    """The first line."""
    return _line(HEADER)


def pieces(activities: Iterable[Activity], first: str = "") -> Iterator[Piece]:
    """The activities in pieces; `first` stands before them. There is at least one piece when `first` is not empty."""
    text, rows = StringIO(newline=""), 0
    text.write(first)
    for activity in activities:
        text.write(line_of(activity))
        rows += 1
        if text.tell() >= PIECE_CHARACTERS:
            yield Piece(text.getvalue(), rows)
            text, rows = StringIO(newline=""), 0
    if text.tell():
        yield Piece(text.getvalue(), rows)


def line_of(activity: Activity) -> str:
    """The line of one activity. Ids are the public ones: a spreadsheet would round such long numbers."""
    return _line(
        (
            f"act_{activity.id}",
            f"acc_{activity.author_id}",
            name_of(ActivityKind, activity.kind),
            harmless(activity.text),
            activity.created_at.isoformat(),
        )
    )


def harmless(cell: str) -> str:
    """The cell, behind an apostrophe when a spreadsheet would run it."""
    # Some programs trim a cell before they look at it.
    return f"'{cell}" if cell.startswith(FORMULA) or cell.lstrip().startswith(FORMULA) else cell


def _line(cells: Iterable[str]) -> str:
    written = StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    return written.getvalue()
