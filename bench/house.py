"""The house that is measured: backends on demo data, the gateway, and what it is measured beside."""

import os
import shutil
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.client import Subject, ask, listens, serves, sign_in
from bench.processes import PATIENCE_SECONDS, Cores, process, python, tail, wait_until
from bench.rows import CONSTANT, GATEWAY, ROWS, Place, Row

BACKENDS = ("account", "permission", "banner", "activity")


@dataclass(frozen=True, slots=True)
class House:
    """Everything runs."""

    subjects: dict[str, Subject]
    tokens: list[str]
    """Sessions of the viewers."""
    cache: str
    """What the backends cache in."""
    metrics: tuple[int, ...]
    """Where the backends answer how many RPCs they answered."""


class Builder:
    """Starts the processes in one folder of data, sockets and logs; they end with `closing`."""

    def __init__(self, folder: Path, cores: Cores, closing: ExitStack) -> None:
        self._folder = folder
        self._cores = cores
        self._closing = closing
        self.addresses = {name: f"unix:{folder}/{name}.sock" for name in BACKENDS}
        self.metrics = {name: free_port() for name in BACKENDS}
        self._waits: list[Callable[[], None]] = []
        self._settings = {f"ATRIUM_ADDRESSES__{name.upper()}": address for name, address in self.addresses.items()}
        self._settings |= {"ATRIUM_DATA": str(folder), "ATRIUM_CACHE": "memory://"}

    def start_cache(self) -> str:
        """A real Redis where there is one; else each process keeps its own in-process cache."""
        if shutil.which("redis-server") is None:
            return "in-process cache"
        port = free_port()
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        self._start_helper("redis-server", [*command, "--dir", str(self._folder)], partial(listens, port))
        self.wait()
        self._settings["ATRIUM_CACHE"] = f"redis://127.0.0.1:{port}/0"
        return "Redis"

    def load_demo(self) -> None:
        """Makes the stores and fills them with the demo data."""
        log = self._log("demo")
        for step in ("migrate", "demo"):
            with process(python("services", step), self._cores.rest, log, self._environment()) as running:
                if running.wait(PATIENCE_SECONDS):
                    raise SystemExit(f"the demo data could not be made; the log ends with:\n{tail(log)}")

    def start_backends(self) -> None:
        """One process for each backend."""
        for name in BACKENDS:
            ready, port = partial(serves, self.addresses[name]), str(self.metrics[name])
            self._start_helper(name, python("services", "serve", name), ready, ATRIUM_METRICS_PORT=port)

    def start_subject(self, name: str, row: Row, answer: Path) -> Subject:
        """What is measured under this name; `answer` is a file with what the gateway answers."""
        port = free_port()
        cores = self._cores.all if row.is_wide else self._cores.subject
        command = row.command(Place(port, tuple(self.addresses.values()), answer))
        settings = {"ATRIUM_PORT": str(port), **row.settings}
        pid = self._start(name, command, partial(listens, port), cores, **settings)
        return Subject(name, port, pid, self._log(name), self._cores.all if row.is_wide else self._cores.rest)

    def wait(self) -> None:
        """Waits until everything that was started is ready."""
        while self._waits:
            self._waits.pop()()

    def _start_helper(self, name: str, command: list[str], ready: Callable[[], bool], **settings: str) -> None:
        self._start(name, command, ready, self._cores.rest, **settings)

    def _start(
        self, name: str, command: list[str], ready: Callable[[], bool], cores: frozenset[int], **settings: str
    ) -> int:
        log = self._log(name)
        running = self._closing.enter_context(process(command, cores, log, self._environment() | settings))
        self._waits.append(partial(wait_until, ready, name, running, log))
        return running.pid

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _environment(self) -> dict[str, str]:
        """What this process was given, apart from settings of Atrium: the bench makes those."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ATRIUM_")}
        return inherited | self._settings


def build(
    folder: Path,
    cores: Cores,
    closing: ExitStack,
    rows: Mapping[str, Row],
    viewers: int,
    tell: Callable[[str], None],
) -> House:
    """Starts everything, telling what it is about to do; the gateway is always there, to compare answers with."""
    builder, answer = Builder(folder, cores, closing), folder / "answer.json"
    tell("making demo data")
    cache = builder.start_cache()
    builder.load_demo()
    tell("starting everything")
    builder.start_backends()
    wanted = {GATEWAY: ROWS[GATEWAY], **rows}
    constant = wanted.pop(CONSTANT, None)
    subjects = {name: builder.start_subject(name, row, answer) for name, row in wanted.items()}
    builder.wait()
    tell("signing in")
    tokens = sign_in(folder, builder.addresses["account"], viewers)
    if constant:
        answer.write_bytes(ask(subjects[GATEWAY], "home", tokens[0]))
        subjects[CONSTANT] = builder.start_subject(CONSTANT, constant, answer)
        builder.wait()
    return House(subjects, tokens, cache, tuple(builder.metrics.values()))


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
