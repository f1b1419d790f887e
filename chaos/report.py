"""The table, for eyes, for programs and for the document."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

HEADINGS = ("sent", "failed", "degraded", "p99 ms", "back after s")
KEPT = "kept"
BUSY = 1.0
"""From so many processes on, what is measured takes turns with other work."""
OTHER_WORK = "Other work went on: times are of no use, and what failed by its deadline may have waited for the machine."
Rows = Mapping[str, Mapping[str, Any]]
"""`{fault: {sent, failed, degraded, p99_ms, recover_s, missed}}`, and under overload `goodput`."""


def write(rows: Rows, path: Path) -> None:
    """Writes the figures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=2) + "\n")


def table(rows: Rows, bounds: Mapping[str, object]) -> Table:
    """A row for each fault."""
    shown = Table(title="One fault at a time", box=SIMPLE_HEAD)
    shown.add_column("fault", no_wrap=True)
    for heading in HEADINGS:
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("bounds")
    shown.add_column("missed")
    for name, row in rows.items():
        shown.add_row(name, *cells(row), str(bounds[name]), "; ".join(row["missed"]))
    return shown


def cells(row: Mapping[str, Any]) -> list[str]:
    """The figures as words."""
    return [
        f"{row['sent']:,}",
        f"{row['failed']:,}",
        f"{row['degraded']:,}",
        f"{row['p99_ms']:.1f}",
        f"{row['recover_s']:.2f}",
    ]


def markdown(rows: Rows, bounds: Mapping[str, object]) -> str:
    """The same as a table of a document."""
    lines = [
        "| fault | " + " | ".join(HEADINGS) + " | bounds | missed |",
        "| --- |" + " ---: |" * len(HEADINGS) + " --- | --- |",
    ]
    lines += [
        f"| {name} | {' | '.join(cells(row))} | {bounds[name]} | {'; '.join(row['missed']) or KEPT} |"
        for name, row in rows.items()
    ]
    return "\n".join(lines)


def machine() -> str:
    """What machine this is, and whether it has something else to do; asked before a run."""
    busy = os.getloadavg()[0]
    words = f"{os.cpu_count()} processors; {busy:.1f} processes ran or waited to run just before."
    return words if busy < BUSY else f"{words} {OTHER_WORK}"


def show(rows: Rows, bounds: Mapping[str, object], document: Path, note: str) -> None:
    """Puts the table between the marks of a document, with a note on how it came about."""
    head, begin, rest = document.read_text().partition("<!-- chaos -->\n")
    _, end, tail = rest.partition("<!-- /chaos -->")
    document.write_text(f"{head}{begin}\n{markdown(rows, bounds)}\n\n{note}\n\n{end}{tail}")


def misses(rows: Rows) -> list[str]:
    """A line for each fault that went beyond its bounds."""
    return [f"{name}: {'; '.join(row['missed'])}" for name, row in rows.items() if row["missed"]]
