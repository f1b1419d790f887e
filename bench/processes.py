"""Processes of the bench: started on chosen cores, and asked how much processor time they took."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 120.0
"""How long a process may take to get ready."""
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Cores:
    """Which cores do what; none where processes cannot be pinned."""

    subject: frozenset[int]
    rest: frozenset[int]

    @property
    def all(self) -> frozenset[int]:
        """Every core."""
        return self.subject | self.rest

    def __str__(self) -> str:
        if not self.subject:
            return "not pinned: this system cannot"
        if self.subject == self.rest:
            return "not pinned: there is one core"
        return f"subject on core {listed(self.subject)}, backends and load on {listed(self.rest)}"


def listed(cores: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(cores)))


def share_cores() -> Cores:
    """One core for the subject, the others for everything else."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores(frozenset(), frozenset())
    first, *others = sorted(os.sched_getaffinity(0))
    return Cores(frozenset({first}), frozenset(others or {first}))


@contextmanager
def running_on(cores: frozenset[int]) -> Iterator[None]:
    """Processes that start meanwhile run on these cores, with all their threads."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def process(
    command: list[str], cores: frozenset[int], log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs until the block ends, of a group of its own: Ctrl-C ends this one, which ends the others."""
    started = None
    try:
        with log.open("ab") as said, running_on(cores), interrupted_later():
            started = subprocess.Popen(command, env=environment, stdout=said, stderr=said, process_group=0)
        yield started
    finally:
        if started is not None:
            stop(started)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Returns when it has ended, of itself or by force."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def interrupted_later() -> Iterator[None]:
    """Ctrl-C counts at the end of the block: what it starts must not be forgotten half-way."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def wait_until(ready: Callable[[], bool], what: str, running: subprocess.Popen[bytes], log: Path) -> None:
    """Waits until it is ready; exits, with the end of the log, when it ended or takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        if running.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{what} did not get ready; its log ends with:\n{tail(log)}")
        time.sleep(0.05)


def tail(log: Path) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


def cpu_seconds(pid: int) -> float:
    """User and system time so far of the process and of those it started."""
    if not PROC.exists():
        return sum(map(seconds_of, ps_times(pid)))
    ticks = sum(ticks_of(one) for one in family(pid))
    return ticks / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> Iterator[int]:
    """The process and all below it."""
    yield pid
    for children in PROC.glob(f"{pid}/task/*/children"):
        for child in children.read_text().split():
            yield from family(int(child))


def resident_kib(pid: int) -> int:
    """KiB of memory that the process holds now."""
    done = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def ticks_of(pid: int) -> int:
    """Clock ticks that the process spent in user and in system mode."""
    after_name = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return int(after_name[11]) + int(after_name[12])


def ps_times(pid: int) -> list[str]:
    """The same from `ps`, for systems without /proc: of the process alone."""
    done = subprocess.run(["ps", "-o", "time=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return done.stdout.split()


def seconds_of(text: str) -> float:
    """`[hours:]minutes:seconds` as seconds."""
    total = 0.0
    for part in text.split(":"):
        total = total * 60 + float(part)
    return total


def told_by(command: list[str], cores: frozenset[int], seconds: float, said: str = "") -> Any:
    """The JSON that a process prints, which runs for at most so many seconds; exits when it fails."""
    with running_on(cores):
        done = subprocess.run(
            command, input=said, stdout=subprocess.PIPE, text=True, check=False, timeout=seconds, process_group=0
        )
    if done.returncode:
        raise SystemExit(f"{' '.join(command[1:3])} failed")
    return json.loads(done.stdout)


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module by this interpreter."""
    return [sys.executable, "-m", module, *arguments]
