import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench import processes

AFFINITY = "getattr(os, 'sched_getaffinity', lambda _: set())(0)"
BURN = "import time\nwhile time.process_time() < 0.3: pass\nprint('burnt', flush=True)\ninput()"


def test_processor_time_is_counted_with_that_of_children() -> None:
    parent = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout
        assert running.stdout.readline() == b"burnt\n"
        assert 0.25 < processes.cpu_seconds(running.pid) < 5
        running.communicate(b"\n")


def test_the_time_that_ps_prints_is_read_as_seconds() -> None:
    assert processes.seconds_of("1:02:03.50") == 3723.5
    assert processes.seconds_of("0:00.25") == 0.25


def test_a_process_runs_on_the_cores_it_is_given_and_ends_with_the_block(tmp_path: Path) -> None:
    cores = processes.share_cores()
    log = tmp_path / "said.log"
    before = eval(AFFINITY)
    command = [sys.executable, "-c", f"import os, time; print({AFFINITY}, flush=True); time.sleep(60)"]
    with processes.process(command, cores.subject, log, dict(os.environ)) as running:
        processes.wait_until(lambda: log.read_text().endswith("\n"), "the process", running, log)
    assert log.read_text() == f"{set(cores.subject)}\n"
    assert running.poll() is not None
    assert eval(AFFINITY) == before


def test_a_process_that_ends_before_it_is_ready_is_told_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "said.log"
    command = [sys.executable, "-c", "print('no such thing')"]
    with (
        processes.process(command, frozenset(), log, dict(os.environ)) as running,
        pytest.raises(SystemExit, match="the backend did not get ready; its log ends with:\nno such thing"),
    ):
        processes.wait_until(lambda: False, "the backend", running, log)


def test_cores_say_where_processes_run() -> None:
    assert str(processes.Cores(frozenset({0}), frozenset({1, 2}))) == "subject on core 0, backends and load on 1, 2"
    assert processes.Cores(frozenset({0}), frozenset({1, 2})).all == {0, 1, 2}
    assert str(processes.Cores(frozenset({0}), frozenset({0}))) == "not pinned: there is one core"
    assert str(processes.Cores(frozenset(), frozenset())) == "not pinned: this system cannot"


def test_an_interruption_while_something_starts_comes_after_it_has_started() -> None:
    reached = []

    def start() -> None:
        with processes.interrupted_later():
            signal.raise_signal(signal.SIGINT)
            reached.append("the end")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert reached == ["the end"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_process_that_fails_has_nothing_to_tell() -> None:
    cores = processes.share_cores().all
    assert processes.told_by([sys.executable, "-c", "print(input())"], cores, 60, "[1]") == [1]
    with pytest.raises(SystemExit, match="-c raise SystemExit\\(3\\) failed"):
        processes.told_by([sys.executable, "-c", "raise SystemExit(3)"], cores, 60)
