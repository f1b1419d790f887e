"""What of an answer came without its backend: as clients read it, and as it is counted."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

from prometheus_client import Counter

from schema.graphql.ports import Degradation
from services.runtime.telemetry import Metrics


def degradations(found: Sequence[Degradation]) -> list[dict[str, Any]]:
    """The entries of `extensions.degraded`: each once, sorted by path, items of a list by their number."""
    entries = by_path(found)
    in_order = sorted(entries, key=lambda path: [(isinstance(step, str), step) for step in path])
    return [_degradation(entries[path]) for path in in_order]


def by_path(found: Sequence[Degradation]) -> dict[tuple[str | int, ...], Degradation]:
    """The entries, each once."""
    return {tuple(entry.path): entry for entry in found}


def _degradation(entry: Degradation) -> dict[str, Any]:
    fields = asdict(entry)
    del fields["row"]
    fields["ageMs"] = fields.pop("age_ms")
    return fields


def counting(metrics: Metrics) -> Callable[[Sequence[Degradation]], None]:
    """What counts the entries of an answer, each once."""
    series: Callable[[str, str, str], Counter] = cache(metrics.degraded.labels)

    def count(found: Sequence[Degradation]) -> None:
        for entry in by_path(found).values():
            series(entry.row, entry.backend, entry.mode).inc()

    return count
