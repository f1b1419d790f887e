"""Measures the home query and what it is made of, and prints tables.

A whole run also writes the figures to bench/results/latest.json, and their tables into README.md and
docs/performance.md.
"""

import argparse
import signal
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import aims, executor, peers, report, setup
from bench.aims import Figures
from bench.house import build
from bench.measure import Plan, Samples, compare_bodies, measure
from bench.processes import Cores, python, share_cores, told_by
from bench.push import Idle, allow_files, measure_idle
from bench.rows import GATEWAY, ROWS

WIDTH = 110
"""A table cut off at 80 columns, as rich does where there is no terminal, tells nothing."""
CONNECTIONS = (1, 32)
VIEWERS = 64
"""More than connections: whoever asks has no equal question under way, whose answer a gateway would give twice."""
SUBSCRIBERS = 5000
ALONE = ("executor", "plans", "profile")
"""What is measured by a process of its own."""
WAITING = "subscribers"
PARTS = (*ROWS, *ALONE, WAITING)
LATEST = Path("bench/results/latest.json")
DOCUMENTS = (Path("README.md"), Path("docs/performance.md"))
PATIENCE_SECONDS = 600.0
Tell = Callable[[str], None]


@dataclass(slots=True)
class Found:
    """What a run found."""

    samples: Samples = field(default_factory=dict)
    cache: str = ""
    idle: Idle | None = None
    alone: Figures = field(default_factory=dict)


def options(said: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=4.0, metavar="S", help="length of a measurement (4)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each is measured (5)")
    parser.add_argument("--connections", type=numbers, default=CONNECTIONS, metavar="N,N", help="loads (1,32)")
    parser.add_argument(
        "--only", type=parts, default=PARTS, metavar="NAME,NAME", help=f"parts to measure, of {', '.join(PARTS)}"
    )
    parser.add_argument(
        "--viewers", type=int, default=VIEWERS, metavar="N", help=f"how many accounts ask in turn ({VIEWERS})"
    )
    parser.add_argument(
        "--subscribers", type=int, default=SUBSCRIBERS, metavar="N", help=f"how many wait ({SUBSCRIBERS}); 0 for none"
    )
    where = f"where figures go ({LATEST}, if everything is measured under the usual loads)"
    parser.add_argument("--output", type=Path, metavar="FILE", help=where)
    return parser.parse_args(said)


def numbers(text: str) -> tuple[int, ...]:
    """Positive numbers with commas between them."""
    found = tuple(map(int, text.split(",")))
    if min(found) < 1:
        raise ValueError(text)
    return found


def parts(text: str) -> tuple[str, ...]:
    """Names of parts with commas between them."""
    if unknown := set(text.split(",")) - set(PARTS):
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: there are {', '.join(PARTS)}")
    return tuple(name for name in PARTS if name in text.split(","))


def available(names: Iterable[str]) -> tuple[tuple[str, ...], str]:
    """Those that can be measured here; and, as a sentence, which cannot and why."""
    wanted = tuple(names)
    in_node = [name for name in wanted if ROWS[name].needs_npm]
    reason = peers.why_not() if in_node else ""
    if not reason:
        return wanted, ""
    return tuple(name for name in wanted if name not in in_node), f"Left out: {' and '.join(in_node)}, since {reason}."


class Run:
    """One run, on chosen cores, with a bar for eyes."""

    def __init__(self, given: argparse.Namespace, cores: Cores, console: Console) -> None:
        self._given = given
        self._cores = cores
        self._console = console
        rows, self.left_out = available(name for name in given.only if name in ROWS)
        self.plan = Plan(rows, given.connections, given.rounds, given.seconds)
        self.waiting = allow_files(given.subscribers) if WAITING in given.only else 0
        self._alone = [name for name in ALONE if name in given.only]

    @property
    def is_whole(self) -> bool:
        """Whether everything is measured that the figures of record tell of."""
        return self._given.only == PARTS and self._given.connections == CONNECTIONS and self.waiting > 0

    def measured(self) -> Found:
        """Measures what is wanted."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        found = Found()
        with Progress(*columns, console=self._console, transient=True) as progress:
            steps = len(self._alone) + self.plan.steps + bool(self.waiting)
            task = progress.add_task("", total=steps, completed=-1)
            for name in self._alone:
                progress.update(task, description=name, advance=1)
                found.alone[name] = self._of(name)
            if self.plan.subjects or self.waiting:
                self._in_house(
                    found,
                    prepare=lambda words: progress.update(task, description=words),
                    step=lambda words: progress.update(task, description=words, advance=1),
                )
        return found

    def _of(self, name: str) -> dict[str, dict[str, float]]:
        command = python(f"bench.{name}", "--json", "--rounds", str(self._given.rounds))
        cores = self._cores.all if name == "profile" else self._cores.subject
        told: dict[str, dict[str, float]] = told_by(
            [*command, "--seconds", str(self._given.seconds / 8)], cores, PATIENCE_SECONDS
        )
        return {work: {key: round(value, 3) for key, value in each.items()} for work, each in told.items()}

    def _in_house(self, found: Found, prepare: Tell, step: Tell) -> None:
        """Builds the house, checks that there is something to compare, measures."""
        with TemporaryDirectory(prefix="atrium-bench-") as folder, ExitStack() as closing:
            rows = {name: ROWS[name] for name in self.plan.subjects}
            house = build(Path(folder), self._cores, closing, rows, self._given.viewers, prepare)
            compare_bodies(house)
            found.cache = house.cache
            found.samples = measure(house, self.plan, step)
            if self.waiting:
                step(f"{self.waiting:,} subscribers")
                found.idle = measure_idle(house.subjects[GATEWAY], house.tokens, self.waiting)


def main() -> None:
    """Exits 1 when any request failed, 130 when it was interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    given, console, cores = options(), Console(highlight=False), share_cores()
    console.width = max(console.width, WIDTH)
    try:
        with console.status("preparing"):
            run = Run(given, cores, console)
        found = run.measured()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    figures = summed_up(found, setup.said(found.cache, cores, run.plan, given.viewers, run.left_out))
    show(found, figures, console)
    if WAITING in given.only and run.waiting < given.subscribers:
        console.print(f"- {given.subscribers:,} could not be: this system allows files for {run.waiting:,} sockets")
    record(figures, given.output or (LATEST if run.is_whole else None))


def summed_up(found: Found, said: dict[str, str]) -> Figures:
    """Everything that was found, by subject and workload."""
    figures = report.as_json(found.samples) | found.alone
    if found.idle:
        figures = report.with_idle(figures, found.idle)
    return figures | {"run": {"setup": said}}


def show(found: Found, figures: Figures, console: Console) -> None:
    """Prints what was found."""
    if "executor" in found.alone:
        console.print(executor.table(found.alone["executor"]))
    if found.samples:
        console.print(report.table(found.samples))
    for words in figures["run"]["setup"].values():
        console.print(words)
    for note in report.notes(found.samples):
        console.print(f"- {note}")
    console.print(report.memory(figures))
    console.print(aims.table(figures))


def record(figures: Figures, output: Path | None) -> None:
    """Writes the figures to `output`, and those of record to the documents too; exits 1 when any request failed."""
    if output:
        report.write(figures, output)
    if any(found.get("errors") for workloads in figures.values() for found in workloads.values()):
        raise SystemExit("some requests failed: the figures are of no use")
    if output == LATEST:
        for document in DOCUMENTS:
            report.show(figures, document)


if __name__ == "__main__":
    main()
