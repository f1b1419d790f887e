"""Does one fault after the other to real processes under load, and prints what clients noticed.

The figures go to bench/results/chaos.json and, after a whole run, to docs/reliability.md. Exits 1 when a fault went
beyond its bounds.
"""

import argparse
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from chaos import report
from chaos.asked import PATIENCE_SECONDS
from chaos.faults import Fault, all_faults, endure
from chaos.figures import Figures, as_json
from chaos.house import House
from chaos.trials import Strength, Trial, all_trials, strength

WIDTH = 150
SECONDS = 4.0
RESULTS = Path("bench/results/chaos.json")
DOCUMENT = Path("docs/reliability.md")


def everything() -> dict[str, Fault | Trial]:
    """All that happens, by name."""
    found: list[Fault | Trial] = [*all_faults(), *all_trials()]
    return {one.name: one for one in found}


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, metavar="S", help=f"how long a fault lasts ({SECONDS:g})"
    )
    parser.add_argument(
        "--only",
        type=chosen,
        metavar="WORDS,WORDS",
        help="faults whose names contain one of these, such as `banner,redis killed`",
    )
    waits = f"how long a good client waits, at most 5 ({PATIENCE_SECONDS:g})"
    parser.add_argument("--patience", type=float, default=PATIENCE_SECONDS, metavar="S", help=waits)
    tries = "how often a fault may happen until no more requests failed than may, as on a busy machine (1)"
    parser.add_argument("--tries", type=int, choices=range(1, 10), default=1, metavar="N", help=tries)
    parser.add_argument("--list", action="store_true", help="print the names of all faults, with their bounds, and end")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help=f"where figures go ({RESULTS}, if everything happens)"
    )
    return parser.parse_args()


def chosen(text: str) -> list[str]:
    """Names of faults that contain one of the words."""
    words = [word.strip() for word in text.split(",")]
    names = [name for name in everything() if any(word in name for word in words)]
    if not names:
        raise argparse.ArgumentTypeError(f"no fault has {text!r} in its name: see --list")
    return names


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens, and how."""

    names: list[str]
    seconds: float
    patience: float
    tries: int

    @property
    def is_whole(self) -> bool:
        """Whether everything happens in the way that the figures of record tell of."""
        return self == Plan(list(everything()), SECONDS, PATIENCE_SECONDS, 1)


def run(plan: Plan, console: Console) -> tuple[dict[str, dict[str, Any]], Strength]:
    """Builds the house and does everything that is planned to it, with as many requests as it can take."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with TemporaryDirectory(prefix="atrium-chaos-") as folder, ExitStack() as closing:
        progress = closing.enter_context(Progress(*columns, console=console, transient=True))
        task = progress.add_task("", total=len(plan.names))

        def tell(words: str) -> None:
            progress.update(task, description=words)

        house = House(Path(folder), closing, plan.patience)
        house.build(tell)
        tell("measuring")
        strong = strength(house, plan.seconds)
        rows = {}
        for name in plan.names:
            tell(name)
            rows[name] = row_of(everything()[name], house, strong, plan)
            progress.advance(task)
    return rows, strong


def row_of(one: Fault | Trial, house: House, strong: Strength, plan: Plan) -> dict[str, Any]:
    """Has it happen, again when too many requests failed and it may; its figures, and which bounds they missed."""
    for _ in range(plan.tries):
        found = happening(one, house, strong, plan.seconds)
        if one.bounds.failed is None or found.failed <= one.bounds.failed:
            break
    return as_json(found, one.bounds.missed(found))


def happening(one: Fault | Trial, house: House, strong: Strength, seconds: float) -> Figures:
    """What it cost."""
    return endure(house, one, strong.rate, seconds) if isinstance(one, Fault) else one.run(house, strong, seconds)


def main() -> None:
    """Exits 1 when a fault went beyond its bounds."""
    given, console = options(), Console(highlight=False)
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # What was started must end, too.
    console.width = max(console.width, WIDTH)
    bounds: Mapping[str, object] = {name: one.bounds for name, one in everything().items()}
    if given.list:
        for name, bound in bounds.items():
            console.print(f"{name:<36}{bound}")
        return
    plan = Plan(given.only or list(bounds), given.seconds, given.patience, given.tries)
    machine = report.machine()
    rows, strong = run(plan, console)
    note = f"{machine} The gateway answered up to {strong.peak:.0f} requests a second; faults met {strong.rate:.0f}."
    console.print(report.table(rows, bounds))
    console.print(note)
    record(rows, bounds, given.output or (RESULTS if plan.is_whole else None), note)


def record(rows: report.Rows, bounds: Mapping[str, object], output: Path | None, note: str) -> None:
    """Writes the figures to `output`, and those of record to the document too; exits 1 when bounds were missed."""
    if output:
        report.write(rows, output)
    if output == RESULTS:
        report.show(rows, bounds, DOCUMENT, note)
    if missed := report.misses(rows):
        raise SystemExit(f"{len(missed)} of {len(rows)} went beyond their bounds")


if __name__ == "__main__":
    main()
