"""What was measured, for eyes and for programs."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench.measure import Sample, Samples
from bench.push import WORKLOAD, Idle

FIGURES = ("rps", "p50_ms", "p99_ms", "cpu_ms", "rpcs", "errors")
YARDSTICK = "handwritten"
FULL = 0.9
"""A share of a core from which on it is the bottleneck."""


def write(figures: dict[str, Any], path: Path) -> None:
    """Writes `{subject: {workload: {rps, p50_ms, p99_ms, cpu_ms, rpcs, errors}}}`, and what subscribers cost."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=2) + "\n")


def with_idle(figures: dict[str, Any], idle: Idle) -> dict[str, Any]:
    """The figures, and among the gateway's `{idle_subscribers: {subscribers, kib_per_subscriber, errors}}`."""
    cost = asdict(idle) | {"kib_per_subscriber": round(idle.kib_per_subscriber, 1)}
    return figures | {"gateway": figures.get("gateway", {}) | {WORKLOAD: cost}}


def as_json(samples: Samples) -> dict[str, Any]:
    """The figures, to three decimals."""
    return {
        subject: {
            workload: {figure: round(getattr(sample, figure), 3) for figure in FIGURES}
            for workload, sample in workloads.items()
        }
        for subject, workloads in samples.items()
    }


def table(samples: Samples) -> Table:
    """A row for each workload and subject; in brackets the multiple of the hand-written aggregator's figure."""
    shown = Table(title="The home query with 20 feed items, medians over the rounds", box=SIMPLE_HEAD)
    shown.add_column("workload", no_wrap=True)
    shown.add_column("subject", no_wrap=True)
    for heading in ("requests/s", "p50 ms", "p99 ms", "CPU ms", "RPCs", "errors", "busy"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for workload in workloads(samples):
        for subject, found in samples.items():
            shown.add_row(workload, subject, *cells(found[workload], samples.get(YARDSTICK, {}).get(workload)))
        shown.add_section()
    return shown


def workloads(samples: Samples) -> list[str]:
    """The workloads that were measured, in order."""
    return list(dict.fromkeys(workload for found in samples.values() for workload in found))


def cells(sample: Sample, yardstick: Sample | None) -> list[str]:
    """The figures as words."""
    return [
        f"{sample.rps:,.0f}{ratio(sample.rps, yardstick.rps if yardstick else None)}",
        f"{sample.p50_ms:.2f}",
        f"{sample.p99_ms:.2f}",
        f"{sample.cpu_ms:.3f}{ratio(sample.cpu_ms, yardstick.cpu_ms if yardstick else None)}",
        f"{sample.rpcs:.2f}",
        str(sample.errors),
        f"{sample.busy:.0%}",
    ]


def ratio(value: float, of: float | None) -> str:
    """How many times `of` the value is."""
    return f" ({value / of:.2f}x)" if of else ""


def notes(samples: Samples) -> Iterator[str]:
    """What a reader must know: who was held back by something else than itself. One at a time always waits."""
    for workload in workloads(samples):
        found = {subject: measured[workload] for subject, measured in samples.items()}
        slow = [subject for subject, sample in found.items() if outran_the_load(sample)]
        waiting = [subject for subject, sample in found.items() if sample.busy < FULL and subject not in slow]
        if slow:
            yield f"{workload}: {both(slow)} could answer more than the load asked"
        if waiting and workload != "home@1":
            yield f"{workload}: {both(waiting)} waited for the backends: compare CPU ms, not requests"


def outran_the_load(sample: Sample) -> bool:
    """Whether the load was the bottleneck: it took a whole core, or there was nothing else to wait for."""
    return sample.load_busy > FULL or (not sample.rpcs and sample.busy < FULL)


def both(names: list[str]) -> str:
    """The names as a part of a sentence."""
    return " and ".join(names)


def show(figures: dict[str, Any], document: Path) -> None:
    """Puts the table between the marks of a document."""
    head, begin, rest = document.read_text().partition("<!-- bench -->\n")
    _, end, tail = rest.partition("<!-- /bench -->")
    document.write_text(f"{head}{begin}\n{markdown(figures)}\n\n{end}{tail}")


def markdown(figures: dict[str, Any]) -> str:
    """The figures of a written report as a table of a document, with ratios to the hand-written aggregator."""
    lines = [
        "| workload | subject | requests/s | p50 ms | p99 ms | CPU ms | RPCs |",
        "| --- | --- | " + "---: | " * 4 + "---: |",
    ]
    for workload in dict.fromkeys(workload for found in figures.values() for workload in found if workload != WORKLOAD):
        for subject, found in figures.items():
            one, yardstick = found[workload], figures[YARDSTICK][workload]
            cpu = f"{one['cpu_ms']:.2f}{ratio(one['cpu_ms'], yardstick['cpu_ms'])}"
            cells = (f"{one['rps']:,.0f}", f"{one['p50_ms']:.2f}", f"{one['p99_ms']:.2f}", cpu, f"{one['rpcs']:.2f}")
            lines.append(f"| {workload} | {subject} | {' | '.join(cells)} |")
    if idle := figures["gateway"].get(WORKLOAD):
        lines += ["", said(Idle(**idle))]
    return "\n".join(lines)


def said(idle: Idle) -> str:
    """What subscribers cost, as a sentence."""
    return (
        f"{idle.subscribers:,} subscribers that wait on one gateway process take "
        f"{idle.kib_per_subscriber:.1f} KiB of its memory each."
    )
