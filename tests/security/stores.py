"""What the stores of the backends hold, read behind their backs."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Kept = dict[str, list[Row]]
"""Rows by table."""
PRIVATE = ("account", "permission", "activity", "banner")
"""The backends that keep what is somebody's."""


def kept(folder: Path, backends: Iterable[str] = PRIVATE) -> Kept:
    """Every row of every table."""
    found: Kept = {}
    for backend in backends:
        with closing(sqlite3.connect(folder / f"{backend}.db")) as store:
            store.row_factory = sqlite3.Row
            for (table,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                found[table] = [_settled(row) for row in store.execute(f"SELECT * FROM {table}")]
    return found


def _settled(row: sqlite3.Row) -> Row:
    """The row without what a relay writes when it gets to it."""
    return {name: value for name, value in dict(row).items() if name != "sent_at"}


def changed(before: Kept, after: Kept) -> dict[str, list[Row]]:
    """The rows that are there only before, or only after; of the tables where there are any."""
    different = {table: _only_in_one(before[table], after[table]) for table in before}
    return {table: rows for table, rows in different.items() if rows}


def _only_in_one(before: list[Row], after: list[Row]) -> list[Row]:
    first, second = ({tuple(row.items()) for row in rows} for rows in (before, after))
    return [dict(row) for row in first ^ second]
