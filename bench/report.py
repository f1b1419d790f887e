"""What was measured, for eyes and for programs."""

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from bench.measure import Sample, Samples

FIGURES = ("rps", "p50_ms", "p99_ms", "cpu_ms", "rpcs", "errors")
YARDSTICK = "handwritten"
FULL = 0.9
"""A share of a core from which on it is the bottleneck."""


def write(samples: Samples, path: Path) -> None:
    """Writes `{subject: {workload: {rps, p50_ms, p99_ms, cpu_ms, rpcs, errors}}}`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(as_json(samples), indent=2) + "\n")


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
    """A row for each subject and workload, with what it does as a multiple of the hand-written aggregator."""
    shown = Table(title="The home query, 20 feed items (medians over the rounds)")
    shown.add_column("workload")
    shown.add_column("subject")
    for heading in ("requests/s", "x", "p50 ms", "p99 ms", "CPU ms", "x", "RPCs", "errors", "busy"):
        shown.add_column(heading, justify="right")
    for workload in dict.fromkeys(workload for workloads in samples.values() for workload in workloads):
        for subject, workloads in samples.items():
            shown.add_row(workload, subject, *cells(workloads[workload], samples.get(YARDSTICK, {}).get(workload)))
        shown.add_section()
    return shown


def cells(sample: Sample, yardstick: Sample | None) -> list[str]:
    """The figures as words."""
    return [
        f"{sample.rps:,.0f}",
        ratio(sample.rps, yardstick.rps if yardstick else 0),
        f"{sample.p50_ms:.2f}",
        f"{sample.p99_ms:.2f}",
        f"{sample.cpu_ms:.3f}",
        ratio(sample.cpu_ms, yardstick.cpu_ms if yardstick else 0),
        f"{sample.rpcs:.2f}",
        str(sample.errors),
        f"{sample.busy:.0%}",
    ]


def ratio(value: float, of: float) -> str:
    """How many times `of` the value is."""
    return f"{value / of:.2f}" if of else "-"


def notes(samples: Samples) -> list[str]:
    """What a reader of the table must know of each measurement that something else than the subject held back."""
    found = []
    for subject, workloads in samples.items():
        for workload, sample in workloads.items():
            if sample.load_busy > FULL:
                found.append(f"{subject}, {workload}: making the load took a whole core, more would have been answered")
            elif workload != "home@1" and sample.busy < FULL:
                found.append(f"{subject}, {workload}: waited for the backends or the load; only its CPU ms are its own")
    return found
