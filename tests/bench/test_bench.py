"""The whole bench, very short: real processes, whole answers, the promised shape. Its figures mean nothing."""

import json
import subprocess
import sys
from pathlib import Path

FIGURES = {"rps", "p50_ms", "p99_ms", "cpu_ms", "rpcs", "errors"}


def test_every_subject_answers_the_home_query_and_is_measured(tmp_path: Path) -> None:
    output = tmp_path / "latest.json"
    short = ["--seconds", "0.3", "--rounds", "1", "--connections", "1", "--viewers", "3", "--subscribers", "30"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *short, "--output", str(output)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(output.read_text())
    idle = found["gateway"].pop("idle_subscribers")
    assert (idle["subscribers"], idle["errors"], list(idle)) == (
        30,
        0,
        ["subscribers", "kib_per_subscriber", "errors"],
    )
    assert {subject: workloads.keys() for subject, workloads in found.items()} == {
        subject: {"home@1"} for subject in ("gateway", "handwritten", "constant")
    }
    measured = {subject: workloads["home@1"] for subject, workloads in found.items()}
    assert [figures.keys() for figures in measured.values()] == [FIGURES] * 3
    assert {subject: figures["rpcs"] for subject, figures in measured.items()} == {
        "gateway": 6,
        "handwritten": 6,
        "constant": 0,
    }
    assert [figures["errors"] for figures in measured.values()] == [0, 0, 0]
    assert all(figures["rps"] > 0 and figures["p50_ms"] > 0 for figures in measured.values())
