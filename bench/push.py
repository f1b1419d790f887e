"""How much memory the gateway needs for a subscriber that waits."""

import json
import re
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.client import Subject, exchange
from bench.processes import python, resident_kib, running_on

WORKLOAD = "idle_subscribers"
WARM_UP = 50
"""Subscribers that come and go before: what the first ones make the gateway load is not theirs."""
SPARE_FILES = 500
"""Files that a process needs besides its sockets."""
PATIENCE_SECONDS = 180.0
WAITING = re.compile(rb"^atrium_subscriptions (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Idle:
    """What so many subscribers cost."""

    subscribers: int
    kib_per_subscriber: float
    """Growth of the gateway's resident memory, in KiB, for each."""
    errors: int
    """How many could not subscribe."""


def allow_files(wanted: int) -> int:
    """Lets this process and those it starts open files for so many sockets; for how many the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + SPARE_FILES
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(wanted, soft - SPARE_FILES)


def measure_idle(gateway: Subject, tokens: list[str], count: int) -> Idle:
    """The memory of so many subscribers that wait, after a few that do not count."""
    with subscribers(gateway, tokens, WARM_UP):
        pass
    wait_for(gateway, 0)
    before = resident_kib(gateway.pid)
    with subscribers(gateway, tokens, count) as there:
        wait_for(gateway, there)
        after = resident_kib(gateway.pid)
    return Idle(there, (after - before) / max(there, 1), count - there)


@contextmanager
def subscribers(gateway: Subject, tokens: list[str], count: int) -> Iterator[int]:
    """So many subscribers, from another process; how many could subscribe."""
    command = python("bench.idle", str(gateway.port), "--subscribers", str(count))
    with running_on(gateway.load_cores):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0)
    with process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("both are pipes")
        process.stdin.write(" ".join(tokens) + "\n")
        process.stdin.flush()
        try:
            yield int(json.loads(process.stdout.readline())["subscribers"])
        finally:
            process.kill()


def wait_for(gateway: Subject, count: int) -> None:
    """Returns once so many subscriptions wait in the gateway."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (waiting := waiting_in(gateway)) != count:
        if time.monotonic() > deadline:
            raise SystemExit(f"{waiting} of {count} subscriptions wait in the gateway")
        time.sleep(0.1)


def waiting_in(gateway: Subject) -> int:
    """How many subscriptions the gateway says it has."""
    _, body = exchange(gateway.port, "GET", "/metrics")
    found = WAITING.search(body)
    return int(float(found[1])) if found else 0
