"""What is left of a run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.__main__ import LATEST, is_whole, record
from bench.measure import Plan, Sample, arranged
from bench.report import as_json

SAMPLE = Sample(rps=100, p50_ms=10, p99_ms=20, cpu_ms=8, rpcs=6, errors=0, busy=0.95, load_busy=0.1)
FIGURES = as_json(arranged({("gateway", "home@1"): SAMPLE, ("handwritten", "home@1"): SAMPLE}))
MARKS = "<!-- bench -->\nold\n<!-- /bench -->\n"
WHOLE = Plan(("gateway", "handwritten", "constant"), (1, 32), rounds=1, seconds=1)


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("README.md").write_text(MARKS)


def test_only_a_whole_run_is_of_record() -> None:
    assert is_whole(WHOLE)
    assert not is_whole(replace(WHOLE, subjects=("gateway",)))
    assert not is_whole(replace(WHOLE, connections=(1,)))


def test_a_run_of_record_goes_to_the_file_and_the_readme() -> None:
    record(FIGURES, LATEST)
    assert json.loads(LATEST.read_text())["gateway"]["home@1"]["rps"] == 100
    assert "| home@1 | gateway | 100 |" in Path("README.md").read_text()
    assert "old" not in Path("README.md").read_text()


@pytest.mark.parametrize("output", [None, Path("other.json")])
def test_any_other_run_leaves_the_record_alone(output: Path | None) -> None:
    record(FIGURES, output)
    assert not LATEST.exists()
    assert Path("README.md").read_text() == MARKS


def test_failed_requests_fail_the_run_and_stay_out_of_the_readme() -> None:
    failed = as_json(arranged({("gateway", "home@1"): replace(SAMPLE, errors=1)}))
    with pytest.raises(SystemExit, match="some requests failed"):
        record(failed, LATEST)
    assert json.loads(LATEST.read_text())["gateway"]["home@1"]["errors"] == 1
    assert Path("README.md").read_text() == MARKS
