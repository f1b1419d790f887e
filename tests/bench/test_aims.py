"""What the figures are to reach."""

from typing import Any

from bench import aims
from bench.aims import Aim

FIGURES: dict[str, dict[str, Any]] = {
    "gateway": {"home@32": {"cpu_ms": 1.0, "p50_ms": 10.0, "p99_ms": 31.0, "rpcs": 0.6}},
    "handwritten": {"home@32": {"cpu_ms": 2.0}},
    "executor": {"home": {"ratio": 7.99}, "list_1000x5": {"ratio": 10.0}},
}


def rows(figures: dict[str, dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    return {aim.what: aim.cells(figures)[1:] for aim in aims.AIMS}


def test_a_bound_is_met_up_to_the_bound_itself() -> None:
    found = rows(FIGURES)
    assert found["executor alone, home query: CPU of graphql-core"] == ("≥ 8 ×", "7.99 ×", "not met")
    assert found["executor alone, 1,000 × 5: CPU of graphql-core"] == ("≥ 10 ×", "10.00 ×", "met")
    assert found["gateway at 32: CPU of the hand-written aggregator"] == ("≤ 0.5 ×", "0.50 ×", "met")
    assert found["gateway at 32: p99 of its p50"] == ("≤ 3 ×", "3.10 ×", "not met")
    assert found["gateway at 32: RPCs per request"] == ("≤ 0.6 RPCs", "0.60 RPCs", "met")


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    assert set(rows({}).values()) == {(aim.cells({})[1], "not measured", "") for aim in aims.AIMS}
    nothing_below = {"gateway": FIGURES["gateway"], "handwritten": {"home@32": {"cpu_ms": 0.0}}}
    assert rows(nothing_below)["gateway at 32: CPU of the hand-written aggregator"][1:] == ("not measured", "")


def test_a_document_shows_a_line_for_each() -> None:
    heading, rule, *lines = aims.markdown(FIGURES).splitlines()
    assert (heading, rule) == ("| figure | aim | measured | |", "| --- | ---: | ---: | --- |")
    assert len(lines) == len(aims.AIMS)
    assert "| gateway at 32: p99 of its p50 | ≤ 3 × | 3.10 × | not met |" in lines


def test_a_number_is_shown_with_its_unit() -> None:
    aim = Aim("compiling", 5, aims.number("plans", "home", "compile_ms"), unit="ms")
    assert aim.cells({"plans": {"home": {"compile_ms": 1.234}}}) == ("compiling", "≤ 5 ms", "1.23 ms", "met")
