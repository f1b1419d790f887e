"""What is left of a run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bench.__main__ import CONNECTIONS, DOCUMENTS, LATEST, PARTS, SUBSCRIBERS, Run, options, record
from bench.measure import Sample, arranged
from bench.processes import share_cores
from bench.report import as_json

SAMPLE = Sample(rps=100, p50_ms=10, p99_ms=20, cpu_ms=8, rpcs=6, errors=0, busy=0.95, load_busy=0.1)
FIGURES = as_json(arranged({("gateway", "home@32"): SAMPLE, ("handwritten", "home@32"): SAMPLE}))
MARKS = "<!-- bench -->\nold\n<!-- /bench -->\n"


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    for document in DOCUMENTS:
        document.write_text(MARKS)


@pytest.mark.parametrize(
    ("said", "is_whole"),
    [
        ([], True),
        (["--rounds", "1", "--seconds", "1"], True),
        (["--only", "gateway"], False),
        (["--connections", "1"], False),
        (["--subscribers", "0"], False),
    ],
)
def test_only_a_whole_run_is_of_record(said: list[str], is_whole: bool) -> None:
    assert Run(options(said), share_cores(), Console()).is_whole is is_whole


def test_a_run_is_whole_unless_told_otherwise() -> None:
    given = options([])
    assert (given.only, given.connections, given.subscribers) == (PARTS, CONNECTIONS, SUBSCRIBERS)


def test_parts_come_in_their_own_order_and_must_be_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert options(["--only", "plans,gateway"]).only == ("gateway", "plans")
    with pytest.raises(SystemExit):
        options(["--only", "gateway,nobody"])
    assert "nobody: there are gateway, " in capsys.readouterr().err


def test_a_run_of_record_goes_to_the_file_and_the_documents() -> None:
    record(FIGURES, LATEST)
    assert json.loads(LATEST.read_text())["gateway"]["home@32"]["rps"] == 100
    for document in DOCUMENTS:
        assert "| gateway | 100 |" in document.read_text()
        assert "old" not in document.read_text()


@pytest.mark.parametrize("output", [None, Path("other.json")])
def test_any_other_run_leaves_the_record_alone(output: Path | None) -> None:
    record(FIGURES, output)
    assert not LATEST.exists()
    assert [document.read_text() for document in DOCUMENTS] == [MARKS] * 2


def test_failed_requests_fail_the_run_and_stay_out_of_the_documents() -> None:
    failed = as_json(arranged({("gateway", "home@1"): replace(SAMPLE, errors=1)}))
    with pytest.raises(SystemExit, match="some requests failed"):
        record(failed, LATEST)
    assert json.loads(LATEST.read_text())["gateway"]["home@1"]["errors"] == 1
    assert [document.read_text() for document in DOCUMENTS] == [MARKS] * 2
