import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bench import report
from bench.measure import Sample, arranged, middle
from bench.push import Idle

SLOW = Sample(rps=100, p50_ms=10, p99_ms=20, cpu_ms=8, rpcs=6, errors=0, busy=0.95, load_busy=0.1)
FAST = Sample(rps=200, p50_ms=5, p99_ms=8, cpu_ms=4.0004, rpcs=6, errors=0, busy=0.5, load_busy=0.1)
SAMPLES = arranged({("gateway", "home@32"): SLOW, ("handwritten", "home@32"): FAST})


def test_the_figures_are_written_by_subject_and_workload(tmp_path: Path) -> None:
    path = tmp_path / "results/latest.json"
    report.write(report.as_json(SAMPLES), path)
    assert json.loads(path.read_text()) == {
        "gateway": {"home@32": {"rps": 100, "p50_ms": 10, "p99_ms": 20, "cpu_ms": 8, "rpcs": 6, "errors": 0}},
        "handwritten": {"home@32": {"rps": 200, "p50_ms": 5, "p99_ms": 8, "cpu_ms": 4.0, "rpcs": 6, "errors": 0}},
    }


def test_the_table_compares_with_the_hand_written_aggregator() -> None:
    console = Console(width=200)
    with console.capture() as shown:
        console.print(report.table(SAMPLES))
    (row,) = [line.split() for line in shown.get().splitlines() if "gateway" in line]
    assert row == ["home@32", "gateway", "100", "(0.50x)", "10.00", "20.00", "8.000", "(2.00x)", "6.00", "0", "95%"]


def test_a_subject_that_was_held_back_is_named() -> None:
    assert list(report.notes(SAMPLES)) == ["home@32: handwritten waited for the backends: compare CPU ms, not requests"]


@pytest.mark.parametrize("outrun", [replace(FAST, load_busy=0.97), replace(FAST, rpcs=0)], ids=["full", "alone"])
def test_a_load_that_was_the_bottleneck_is_told(outrun: Sample) -> None:
    assert list(report.notes(arranged({("constant", "home@32"): outrun, ("gateway", "home@32"): SLOW}))) == [
        "home@32: constant could answer more than the load asked"
    ]


def test_one_request_at_a_time_always_waits() -> None:
    assert list(report.notes(arranged({("gateway", "home@1"): FAST}))) == []


def test_the_middle_of_rounds_is_their_median_and_the_sum_of_their_errors() -> None:
    failed = Sample(rps=1, p50_ms=1, p99_ms=1, cpu_ms=1, rpcs=1, errors=2, busy=0, load_busy=0)
    found = middle([SLOW, failed, FAST])
    assert (found.rps, found.p50_ms, found.p99_ms, found.cpu_ms, found.errors) == (100, 5, 8, 4.0004, 2)


def test_what_subscribers_cost_stands_beside_the_workloads() -> None:
    figures = report.as_json(SAMPLES)
    whole = report.with_idle(figures, Idle(subscribers=5000, kib_per_subscriber=21.26, errors=0))
    assert whole["gateway"].pop("idle_subscribers") == {
        "subscribers": 5000,
        "kib_per_subscriber": 21.3,
        "errors": 0,
    }
    assert whole == figures
    whole = report.with_idle(figures, Idle(subscribers=5000, kib_per_subscriber=21.26, errors=0))
    assert report.memory(whole) == (
        "5,000 subscribers that wait on one gateway process take 21.3 KiB of its memory each."
    )
    assert report.whole(whole) == report.whole(figures)


def test_documents_show_who_was_measured_with_multiples_of_the_hand_written_aggregator() -> None:
    figures = report.as_json(SAMPLES) | {"executor": {"home": {"usual_us": 900}}}
    assert report.short(figures).splitlines()[2:] == [
        "| gateway | 100 | 10.00 | 20.00 | 8.00 (2.00x) | 6.00 |",
        "| handwritten | 200 | 5.00 | 8.00 | 4.00 (1.00x) | 6.00 |",
    ]
    assert report.whole(figures).splitlines()[2:] == [
        "| home@32 | gateway | 100 | 10.00 | 20.00 | 8.00 (2.00x) | 6.00 |",
        "| home@32 | handwritten | 200 | 5.00 | 8.00 | 4.00 (1.00x) | 6.00 |",
    ]


def test_without_the_hand_written_aggregator_there_are_no_multiples() -> None:
    figures = report.as_json(arranged({("gateway", "home@32"): SLOW}))
    assert report.short(figures).splitlines()[2:] == ["| gateway | 100 | 10.00 | 20.00 | 8.00 | 6.00 |"]


def test_only_what_stands_between_the_marks_of_a_document_changes(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n")
    figures = report.as_json(SAMPLES)
    for _ in range(2):
        report.show(figures, document)
        shown = f"before\n<!-- bench -->\n\n{report.short(figures)}\n\n<!-- /bench -->\nafter\n"
        assert document.read_text() == shown
