"""Where a process spends its time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.profile import shares
from bench.sampling import place_of

BURNING = """
import os, signal, sys, time
os.kill(os.getpid(), signal.SIGUSR1)
until = time.process_time() + 0.2
while time.process_time() < until:
    pass
sys.exit(len(sys.argv) + 4)
"""


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("<compiled selection>", "plans"),
        (str(Path("gateway/execution/plan.py").absolute()), "gateway/execution"),
        (str(Path("gateway/view.py").absolute()), "gateway"),
        ("/venv/lib/python3.11/site-packages/grpc/aio/_call.py", "grpc"),
        ("/venv/lib/python3.11/site-packages/six.py", "six"),
        ("/usr/lib/python3.11/asyncio/events.py", "python"),
    ],
)
def test_a_file_belongs_to_a_room_a_package_or_python(file: str, place: str) -> None:
    assert place_of(file) == place


def test_small_shares_are_summed_up() -> None:
    assert shares({"loaders": 150, "grpc": 848, "six": 1, "json": 1}) == {"grpc": 84.8, "loaders": 15.0, "others": 0.2}


def test_a_module_runs_as_always_and_its_samples_are_left(tmp_path: Path) -> None:
    (tmp_path / "burning.py").write_text(BURNING)
    file = tmp_path / "samples.json"
    command = [sys.executable, "-m", "bench.sampling", str(file), "burning", "argument"]
    done = subprocess.run(command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (6, "")
    assert sum(json.loads(file.read_text()).values()) > 10
