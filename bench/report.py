"""What was measured, for programs, for eyes, and for documents."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench import aims
from bench.aims import BUSY, Figures
from bench.measure import Sample, Samples
from bench.push import WORKLOAD, Idle
from bench.rows import GATEWAY, HANDWRITTEN, ROWS

FIGURES = ("rps", "p50_ms", "p99_ms", "cpu_ms", "rpcs", "errors")
FULL = 0.9
"""A share of a core from which on it is the bottleneck."""
FEW = 0.1
"""RPCs per request that nobody waits for."""
HEADINGS = ("requests/s", "p50 ms", "p99 ms", "CPU ms", "RPCs")


def write(figures: Figures, path: Path) -> None:
    """Writes `{subject: {workload: {rps, p50_ms, p99_ms, cpu_ms, rpcs, errors}}}`, and all else in the same shape."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")


def with_idle(figures: Figures, idle: Idle) -> Figures:
    """The figures, and among the gateway's `{idle_subscribers: {subscribers, kib_per_subscriber, errors}}`."""
    cost = asdict(idle) | {"kib_per_subscriber": round(idle.kib_per_subscriber, 1)}
    return figures | {GATEWAY: figures.get(GATEWAY, {}) | {WORKLOAD: cost}}


def as_json(samples: Samples) -> Figures:
    """The figures, to three decimals."""
    return {
        subject: {
            workload: {name: round(getattr(sample, name), 3) for name in FIGURES}
            for workload, sample in workloads.items()
        }
        for subject, workloads in samples.items()
    }


def table(samples: Samples) -> Table:
    """A row for each workload and subject; in brackets the multiple of the hand-written aggregator's figure."""
    shown = Table(title="The home query with 20 feed items, medians over the rounds", box=SIMPLE_HEAD)
    shown.add_column("workload", no_wrap=True)
    shown.add_column("subject", no_wrap=True)
    for heading in (*HEADINGS, "errors", "busy"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for workload in workloads(samples):
        for subject, found in samples.items():
            if workload in found:
                yardstick = samples.get(HANDWRITTEN, {}).get(workload)
                shown.add_row(workload, subject, *cells(found[workload], yardstick))
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
        found = {subject: measured[workload] for subject, measured in samples.items() if workload in measured}
        slow = [subject for subject, sample in found.items() if outran_the_load(sample)]
        waiting = [
            subject
            for subject, sample in found.items()
            if sample.busy < FULL and subject not in slow and sample.rpcs > FEW
        ]
        if slow:
            yield f"{workload}: {both(slow)} could answer more than the load asked"
        if waiting and workload != "home@1":
            yield f"{workload}: {both(waiting)} waited for the backends: compare CPU ms, not requests"


def outran_the_load(sample: Sample) -> bool:
    """Whether the load was the bottleneck: it took a whole core, or there was nothing else to wait for."""
    return sample.load_busy > FULL or (sample.rpcs <= FEW and sample.busy < FULL)


def both(names: list[str]) -> str:
    """The names as a part of a sentence."""
    return " and ".join(names)


def show(figures: Figures, document: Path) -> None:
    """Puts each table that the document has marks for between them."""
    text = document.read_text()
    for mark, render in TABLES.items():
        head, begin, rest = text.partition(f"<!-- {mark} -->\n")
        if begin:
            _, end, tail = rest.partition(f"<!-- /{mark} -->")
            text = f"{head}{begin}\n{render(figures)}\n\n{end}{tail}"
    document.write_text(text)


def short(figures: Figures) -> str:
    """The subjects under full load."""
    lines = [f"| {BUSY} | {' | '.join(HEADINGS)} |", "| --- | " + "---: | " * 4 + "---: |"]
    lines += [f"| {subject} | {measured(figures, subject, BUSY)} |" for subject in subjects(figures, BUSY)]
    return "\n".join(lines)


def whole(figures: Figures) -> str:
    """The subjects under each workload."""
    lines = [f"| workload | subject | {' | '.join(HEADINGS)} |", "| --- | --- | " + "---: | " * 4 + "---: |"]
    for workload in dict.fromkeys(name for found in figures.values() for name in found if "@" in name):
        for subject in subjects(figures, workload):
            lines.append(f"| {workload} | {subject} | {measured(figures, subject, workload)} |")
    return "\n".join(lines)


def subjects(figures: Figures, workload: str) -> list[str]:
    """Those that were measured under the workload, in order."""
    return [subject for subject, found in figures.items() if workload in found]


def measured(figures: Figures, subject: str, workload: str) -> str:
    """The cells of one subject; in brackets the multiple of the hand-written aggregator's figure."""
    one, yardstick = figures[subject][workload], figures.get(HANDWRITTEN, {}).get(workload, {})
    cpu = f"{one['cpu_ms']:.2f}{ratio(one['cpu_ms'], yardstick.get('cpu_ms'))}"
    return " | ".join((f"{one['rps']:,.0f}", f"{one['p50_ms']:.2f}", f"{one['p99_ms']:.2f}", cpu, f"{one['rpcs']:.2f}"))


def executors(figures: Figures) -> str:
    """Executors alone."""
    lines = [
        "| work | graphql-core µs | plans µs | ratio | resolvers alone µs |",
        "| --- | " + "---: | " * 3 + "---: |",
    ]
    for work, found in figures.get("executor", {}).items():
        times = (
            f"{found['usual_us']:.0f} | {found['plans_us']:.0f} | {found['ratio']:.1f} | {found['resolvers_us']:.0f}"
        )
        lines.append(f"| {work} | {times} |")
    return "\n".join(lines)


def profile(figures: Figures) -> str:
    """Where the gateway's processor time goes."""
    shares = figures.get("profile", {}).get(GATEWAY, {})
    return "\n".join(
        ["| place | % of CPU |", "| --- | ---: |", *(f"| {place} | {n:.1f} |" for place, n in shares.items())]
    )


def memory(figures: Figures) -> str:
    """What is kept, as sentences."""
    said_so = []
    if idle := figures.get(GATEWAY, {}).get(WORKLOAD):
        said_so.append(said(Idle(**idle)))
    if plans := figures.get("plans", {}).get("home"):
        said_so.append(f"A thousand cached plans, with their documents, take {plans['mib_per_1000']:.1f} MiB.")
    return "\n".join(said_so)


def said(idle: Idle) -> str:
    """What subscribers cost, as a sentence."""
    return (
        f"{idle.subscribers:,} subscribers that wait on one gateway process take "
        f"{idle.kib_per_subscriber:.1f} KiB of its memory each."
    )


def legend(figures: Figures) -> str:
    """What was measured, and where."""
    lines = [f"- `{name}`: {row.what}." for name, row in ROWS.items() if name in figures]
    return "\n".join([*lines, "", *figures["run"]["setup"].values()])


TABLES = {
    "bench": short,
    "rows": whole,
    "aims": aims.markdown,
    "executor": executors,
    "memory": memory,
    "profile": profile,
    "setup": legend,
}
"""What stands between marks such as `<!-- rows -->` of documents."""
