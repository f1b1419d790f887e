"""What is left of a run, and what its command line takes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chaos.__main__ import DOCUMENT, RESULTS, chosen, everything, record

ROW: dict[str, Any] = {"sent": 9, "failed": 0, "degraded": 2, "p99_ms": 1.5, "recover_s": 0.25, "missed": []}
BOUNDS = {"redis killed": "failed ≤ 0"}
MARKS = "<!-- chaos -->\nold\n<!-- /chaos -->\n"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    DOCUMENT.parent.mkdir()
    DOCUMENT.write_text(MARKS)
    return DOCUMENT


def test_a_whole_run_goes_to_the_file_and_the_document(house: Path) -> None:
    record({"redis killed": ROW}, BOUNDS, RESULTS, "Two processors.")
    assert json.loads(RESULTS.read_text()) == {"redis killed": ROW}
    assert "| redis killed | 9 | 0 | 2 | 1.5 | 0.25 | failed ≤ 0 | kept |" in house.read_text()
    assert "Two processors." in house.read_text()
    assert "old" not in house.read_text()


def test_a_part_of_it_leaves_the_document_alone(house: Path) -> None:
    record({"redis killed": ROW}, BOUNDS, Path("other.json"), "")
    assert Path("other.json").exists()
    assert house.read_text() == MARKS


def test_a_bound_that_was_missed_fails_the_run_and_is_told(house: Path) -> None:
    with pytest.raises(SystemExit, match="1 of 1 went beyond their bounds"):
        record({"redis killed": ROW | {"missed": ["failed 3 > 0"]}}, BOUNDS, RESULTS, "")
    assert "| failed ≤ 0 | failed 3 > 0 |" in house.read_text()


def test_faults_are_chosen_by_words_of_their_names() -> None:
    assert chosen("redis killed, bad") == ["redis killed", "bad input"]
    assert len(chosen("banner")) == 6


def test_the_command_line_says_what_there_is() -> None:
    command = [sys.executable, "-m", "chaos"]
    listed = subprocess.run([*command, "--list"], capture_output=True, text=True, check=True).stdout
    assert [line[:36].strip() for line in listed.splitlines()] == list(everything())
    refused = subprocess.run([*command, "--only", "earthquake"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "no fault has 'earthquake' in its name" in refused.stderr
