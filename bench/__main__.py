"""Measures the home query and prints a table; the figures go to bench/results/latest.json."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import report
from bench.house import SUBJECTS, House, build
from bench.measure import Plan, Samples, compare_bodies, measure
from bench.processes import Cores, share_cores
from bench.push import Idle, allow_files, measure_idle

WIDTH = 110
"""A table cut off at 80 columns, as rich does where there is no terminal, tells nothing."""
CONNECTIONS = (1, 32)
SUBSCRIBERS = 5000
LATEST = Path("bench/results/latest.json")
README = Path("README.md")


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, metavar="S", help="length of a measurement (4)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each is measured (3)")
    parser.add_argument("--connections", type=numbers, default=CONNECTIONS, metavar="N,N", help="loads (1,32)")
    parser.add_argument("--only", type=subjects, default=SUBJECTS, metavar="NAME,NAME", help="subjects to measure")
    parser.add_argument("--viewers", type=int, default=8, metavar="N", help="how many accounts ask in turn (8)")
    parser.add_argument(
        "--subscribers", type=int, default=SUBSCRIBERS, metavar="N", help=f"how many wait ({SUBSCRIBERS}); 0 for none"
    )
    where = f"where figures go ({LATEST}, if all subjects are measured under the usual loads)"
    parser.add_argument("--output", type=Path, metavar="FILE", help=where)
    return parser.parse_args()


def numbers(text: str) -> tuple[int, ...]:
    """Positive numbers with commas between them."""
    found = tuple(map(int, text.split(",")))
    if min(found) < 1:
        raise ValueError(text)
    return found


def subjects(text: str) -> tuple[str, ...]:
    """Names of subjects with commas between them."""
    if unknown := set(text.split(",")) - set(SUBJECTS):
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: there are {', '.join(SUBJECTS)}")
    return tuple(name for name in SUBJECTS if name in text.split(","))


def run(plan: Plan, viewers: int, waiting: int, cores: Cores, console: Console) -> tuple[House, Samples, Idle | None]:
    """Builds the house, checks that there is something to compare, measures."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with TemporaryDirectory(prefix="atrium-bench-") as folder, ExitStack() as closing:
        progress = closing.enter_context(Progress(*columns, console=console, transient=True))
        task = progress.add_task("", total=plan.steps, completed=-1)
        house = build(Path(folder), cores, closing, viewers, lambda words: progress.update(task, description=words))
        compare_bodies(house)
        samples = measure(house, cores, plan, lambda words: progress.update(task, description=words, advance=1))
        progress.update(task, description=f"{waiting:,} subscribers")
        idle = measure_idle(house.subjects["gateway"], house.tokens, cores, waiting) if waiting else None
    return house, samples, idle


def main() -> None:
    """Exits 1 when any request failed."""
    given, console, cores = options(), Console(highlight=False), share_cores()
    console.width = max(console.width, WIDTH)
    plan = Plan(given.only, given.connections, given.rounds, given.seconds)
    waiting = allow_files(given.subscribers)
    house, samples, idle = run(plan, given.viewers, waiting, cores, console)
    console.print(report.table(samples))
    console.print(f"Backends on SQLite and {house.cache}; {cores}; {given.viewers} viewers in turn.")
    for note in report.notes(samples):
        console.print(f"- {note}")
    figures = report.as_json(samples)
    if idle:
        console.print(f"- {report.said(idle)}")
        figures = report.with_idle(figures, idle)
    if waiting < given.subscribers:
        console.print(f"- {given.subscribers:,} could not be: this system allows files for {waiting:,} sockets")
    record(figures, given.output or (LATEST if is_whole(plan) else None))


def is_whole(plan: Plan) -> bool:
    """Whether everything is measured that the figures of record tell of."""
    return plan.subjects == SUBJECTS and plan.connections == CONNECTIONS


def record(figures: dict[str, Any], output: Path | None) -> None:
    """Writes the figures to `output`, and those of record to the README too; exits 1 when any request failed."""
    if output:
        report.write(figures, output)
    if any(found["errors"] for workloads in figures.values() for found in workloads.values()):
        raise SystemExit("some requests failed: the figures are of no use")
    if output == LATEST:
        report.show(figures, README)


if __name__ == "__main__":
    main()
