"""The whole bench, very short: real processes, whole answers, the promised shape. Its figures mean nothing."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bench.peers import why_not
from bench.processes import PROC, family, wait_until
from bench.rows import ROWS

FIGURES = {"rps", "p50_ms", "p99_ms", "cpu_ms", "rpcs", "errors"}
SHORT = ("--seconds", "0.3", "--rounds", "1", "--connections", "1", "--viewers", "3", "--subscribers", "30")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a run of everything wrote."""
    output = tmp_path_factory.mktemp("bench") / "latest.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", *SHORT, "--output", str(output)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(output.read_text())


def test_every_subject_answers_the_home_query_and_is_measured(found: Any) -> None:
    left_out = found["run"]["setup"].get("left_out", "")
    assert bool(left_out) == bool(why_not()), left_out
    measured = {
        name: found[name]["home@1"] for name, row in ROWS.items() if row.queries and not (left_out and row.needs_npm)
    }
    assert [name for name in found if name in ROWS and "home@1" in found[name]] == list(measured)
    assert all(figures.keys() == FIGURES for figures in measured.values())
    assert {figures["errors"] for figures in measured.values()} == {0}
    assert all(figures["rps"] > 0 and figures["p50_ms"] > 0 for figures in measured.values())


def test_rpcs_are_those_that_the_backends_answered(found: Any) -> None:
    measured = {name: found[name]["home@1"]["rpcs"] for name in ROWS if "home@1" in found.get(name, {})}
    assert measured.pop("constant") == 0
    assert 2 <= measured.pop("gateway-with-caches") < 6
    assert set(measured.values()) == {6}
    assert found["gateway-with-caches"]["kept@1"]["rpcs"] < 1


def test_two_workers_are_measured_by_what_caches_hold(found: Any) -> None:
    kept = found["two-workers"]["kept@1"]
    assert kept["rps"] > 0
    assert kept["cpu_ms"] > 0
    assert (kept["rpcs"] < 2, kept["errors"]) == (True, 0)


def test_subscribers_that_wait_are_counted(found: Any) -> None:
    idle = found["gateway"]["idle_subscribers"]
    assert list(idle) == ["subscribers", "kib_per_subscriber", "errors"]
    assert (idle["subscribers"], idle["errors"]) == (30, 0)


def test_executors_and_plans_are_measured_alone(found: Any) -> None:
    assert list(found["executor"]) == ["home", "list_1000x5", "ids_200"]
    assert all(each["ratio"] > 1 for each in found["executor"].values())
    assert found["plans"]["home"].keys() == {"compile_ms", "mib_per_1000", "us_per_item"}
    assert found["plans"]["home"]["mib_per_1000"] > 0


def test_the_profile_tells_of_all_of_the_time(found: Any) -> None:
    shares = found["profile"]["gateway"]
    assert sum(shares.values()) == pytest.approx(100, abs=0.1)
    assert list(shares)[-1] == "others"
    assert "python" in shares  # So short a run may find other places at rest.


def test_a_run_says_where_it_was(found: Any) -> None:
    assert found["run"]["setup"]["rounds"] == "1 round of 0.3 s for each; 3 viewers in turn."


def is_running(pid: int) -> bool:
    """Whether the process has not ended, even if nobody asked it how."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(not PROC.exists(), reason="only /proc tells of the processes below another")
def test_an_interrupted_run_says_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    log = tmp_path / "said.log"
    with log.open("w") as said:
        running = subprocess.Popen([sys.executable, "-m", "bench", "--only", "gateway"], stdout=said, stderr=said)
    wait_until(lambda: len(list(family(running.pid))) > 3, "the house", running, log)
    others = [pid for pid in family(running.pid) if pid != running.pid]
    running.send_signal(signal.SIGINT)
    assert running.wait(60) == 130
    assert log.read_text().strip() == ""
    until = time.monotonic() + 60
    while left := [pid for pid in others if is_running(pid)]:
        assert time.monotonic() < until, left
        time.sleep(0.05)
