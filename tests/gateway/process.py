"""Real processes of this program, started and stopped as a user does it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 180.0
"""How many seconds a start may take on a busy machine, demo data included."""
PATIENT = {"REQUEST_SECONDS": "60"}
"""So that nothing is left out of an answer because the machine is busy."""


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process with these settings, time for its requests, and no other of ours."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ATRIUM_")}
    return inherited | {f"ATRIUM_{name}": value for name, value in {**PATIENT, **settings}.items()}


def finished(arguments: Sequence[str], settings: Mapping[str, str] = {}, text: str = "") -> Any:
    """`python -m …`, run to its end: its exit code and what it printed."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=environment(settings),
        input=text,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


class Running:
    """A process that writes its output to a file."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: Path) -> None:
        self._process = process
        self._output = output

    @property
    def output(self) -> str:
        """All it printed so far, errors included."""
        return self._output.read_text()

    def log(self) -> list[dict[str, Any]]:
        """The lines of its JSON log."""
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]

    def wait_for(self, url: str, status: int = 200) -> None:
        """Returns once `url` answers with the status."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            if _answers(url, status):
                return
            time.sleep(0.05)
        pytest.fail(f"{url} did not answer {status}:\n{self.output[-4000:]}")

    def stop(self, number: int = signal.SIGINT) -> tuple[int, float]:
        """Sends the signal; the exit code, and after how many seconds it came."""
        started = time.monotonic()
        self._process.send_signal(number)
        return self._process.wait(PATIENCE), time.monotonic() - started

    def kill(self) -> None:
        """What nobody can prepare for."""
        self._process.kill()
        self._process.wait(PATIENCE)


@contextmanager
def running(arguments: Sequence[str], settings: Mapping[str, str], output: Path) -> Iterator[Running]:
    """`python -m …`, running; stopped at the end if it still does."""
    command = [sys.executable, "-m", *arguments]
    with (
        output.open("wb") as written,
        subprocess.Popen(command, cwd=ROOT, env=environment(settings), stdout=written, stderr=written) as process,
    ):
        try:
            yield Running(process, output)
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Lets the process clean up behind itself, without notice; one that does not is killed."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()


def _answers(url: str, status: int) -> bool:
    try:
        return httpx.get(url, timeout=60).status_code == status
    except httpx.TransportError:
        return False
