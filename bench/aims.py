"""What the figures are to reach, and whether they do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench.rows import CACHED, GATEWAY, HANDWRITTEN, MERCURIUS, TWO_WORKERS

Figures = dict[str, dict[str, Any]]
"""`{subject: {workload: {figure: number}}}`"""
Way = tuple[str, str, str]
"""Subject, workload and figure."""
BUSY = "home@32"
ALONE = "home@1"
KEPT = "kept@32"


@dataclass(frozen=True, slots=True)
class Aim:
    """A bound of one number that the figures tell."""

    what: str
    bound: float
    of: Callable[[Figures], float | None]
    """None when it was not measured."""
    unit: str = "×"
    at_least: bool = False

    def cells(self, figures: Figures) -> tuple[str, str, str, str]:
        """What it is, the bound, what was measured, and whether that is within the bound."""
        found = self.of(figures)
        bound = f"{'≥' if self.at_least else '≤'} {self.bound:g} {self.unit}"
        if found is None:
            return self.what, bound, "not measured", ""
        return self.what, bound, f"{found:.2f} {self.unit}", "met" if self.is_met(found) else "not met"

    def is_met(self, found: float) -> bool:
        """Whether the number is within the bound."""
        return found >= self.bound if self.at_least else found <= self.bound


def figure(figures: Figures, way: Way) -> float | None:
    """One number; None when it was not measured."""
    subject, workload, name = way
    found = figures.get(subject, {}).get(workload, {}).get(name)
    return None if found is None else float(found)


def number(*way: str) -> Callable[[Figures], float | None]:
    """Tells one number."""
    subject, workload, name = way
    return lambda figures: figure(figures, (subject, workload, name))


def ratio(above: Way, below: Way) -> Callable[[Figures], float | None]:
    """Tells the first number as a multiple of the second."""

    def told(figures: Figures) -> float | None:
        one, other = figure(figures, above), figure(figures, below)
        return one / other if one is not None and other else None

    return told


def cpu(subject: str, other: str) -> Callable[[Figures], float | None]:
    """Tells a subject's CPU time for a request under load, as a multiple of another's."""
    return ratio((subject, BUSY, "cpu_ms"), (other, BUSY, "cpu_ms"))


AIMS = (
    Aim("executor alone, home query: CPU of graphql-core", 8, number("executor", "home", "ratio"), at_least=True),
    Aim(
        "executor alone, 1,000 × 5: CPU of graphql-core", 10, number("executor", "list_1000x5", "ratio"), at_least=True
    ),
    Aim("gateway at 32: CPU of the hand-written aggregator", 0.5, cpu(GATEWAY, HANDWRITTEN)),
    Aim("gateway at 32: CPU of Mercurius with JIT", 0.4, cpu(GATEWAY, MERCURIUS)),
    Aim("gateway with caches at 32: CPU of the hand-written aggregator", 0.35, cpu(CACHED, HANDWRITTEN)),
    Aim("gateway at 32: p99 of its p50", 3, ratio((GATEWAY, BUSY, "p99_ms"), (GATEWAY, BUSY, "p50_ms"))),
    Aim(
        "gateway at 1: p50 of the hand-written one's",
        1.15,
        ratio((GATEWAY, ALONE, "p50_ms"), (HANDWRITTEN, ALONE, "p50_ms")),
    ),
    Aim("gateway at 32: RPCs per request", 0.6, number(GATEWAY, BUSY, "rpcs"), unit="RPCs"),
    Aim(
        "two workers at 32, what caches hold: requests of one",
        1.8,
        ratio((TWO_WORKERS, KEPT, "rps"), (CACHED, KEPT, "rps")),
        at_least=True,
    ),
    Aim("each item of the feed beyond 20", 3, number("plans", "home", "us_per_item"), unit="µs"),
    Aim("plan of the home query", 5, number("plans", "home", "compile_ms"), unit="ms"),
)


def table(figures: Figures) -> Table:
    """The aims for eyes."""
    shown = Table("figure", "aim", "measured", "", box=SIMPLE_HEAD)
    for aim in AIMS:
        shown.add_row(*aim.cells(figures))
    return shown


def markdown(figures: Figures) -> str:
    """The aims as a table of a document."""
    return "\n".join(lines(figures))


def lines(figures: Figures) -> Iterator[str]:
    yield "| figure | aim | measured | |"
    yield "| --- | ---: | ---: | --- |"
    for aim in AIMS:
        yield f"| {' | '.join(aim.cells(figures))} |"
