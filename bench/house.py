"""The house that is measured: backends on demo data, the gateway, and what it is measured beside."""

import os
import shutil
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.client import Subject, home, listens, serves, sign_in
from bench.processes import PATIENCE_SECONDS, Cores, process, python, tail, wait_until

BACKENDS = ("account", "permission", "banner", "activity")
SUBJECTS = ("gateway", "handwritten", "constant")


@dataclass(frozen=True, slots=True)
class House:
    """Everything runs."""

    subjects: dict[str, Subject]
    tokens: list[str]
    """Sessions of the viewers."""
    cache: str
    """What the backends cache in."""


class Builder:
    """Starts the processes in one folder of data, sockets and logs; they end with `closing`."""

    def __init__(self, folder: Path, cores: Cores, closing: ExitStack) -> None:
        self._folder = folder
        self._cores = cores
        self._closing = closing
        self.addresses = {name: f"unix:{folder}/{name}.sock" for name in BACKENDS}
        self._waits: list[Callable[[], None]] = []
        self._settings = {f"ATRIUM_ADDRESSES__{name.upper()}": address for name, address in self.addresses.items()}
        self._settings |= {"ATRIUM_DATA": str(folder), "ATRIUM_CACHE": "memory://"}

    def start_cache(self) -> str:
        """A real Redis where there is one; else each backend keeps its own in-process cache."""
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
            self._start_helper(name, python("services", "serve", name), partial(serves, self.addresses[name]))

    def start_gateway(self) -> Subject:
        """The gateway as it runs, but that it keeps no answers: like what it is measured beside, it asks each time."""
        port = free_port()
        kept = {"ATRIUM_CACHES__LOCAL": "false", "ATRIUM_CACHES__REMOTE": "false"}
        return self._start_subject("gateway", port, python("gateway", "run"), ATRIUM_PORT=str(port), **kept)

    def start_handwritten(self) -> Subject:
        """The hand-written aggregator on the same backends."""
        port = free_port()
        command = python("bench.subjects.handwritten", str(port), *self.addresses.values())
        return self._start_subject("handwritten", port, command)

    def start_constant(self, body: bytes) -> Subject:
        """The subject that answers these bytes."""
        port, file = free_port(), self._folder / "constant.json"
        file.write_bytes(body)
        return self._start_subject("constant", port, python("bench.subjects.constant", str(port), str(file)))

    def wait(self) -> None:
        """Waits until everything that was started is ready."""
        while self._waits:
            self._waits.pop()()

    def _start_helper(self, name: str, command: list[str], ready: Callable[[], bool]) -> None:
        self._start(name, command, ready, self._cores.rest)

    def _start_subject(self, name: str, port: int, command: list[str], **settings: str) -> Subject:
        pid = self._start(name, command, partial(listens, port), self._cores.subject, **settings)
        return Subject(name, port, pid, self._log(name))

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


def build(folder: Path, cores: Cores, closing: ExitStack, viewers: int, tell: Callable[[str], None]) -> House:
    """Starts everything, telling what it is about to do."""
    builder = Builder(folder, cores, closing)
    tell("making demo data")
    cache = builder.start_cache()
    builder.load_demo()
    tell("starting everything")
    builder.start_backends()
    gateway, handwritten = builder.start_gateway(), builder.start_handwritten()
    builder.wait()
    tell("signing in")
    tokens = sign_in(builder.addresses["account"], viewers)
    constant = builder.start_constant(home(gateway, tokens[0]))
    builder.wait()
    subjects = {subject.name: subject for subject in (gateway, handwritten, constant)}
    return House(subjects, tokens, cache)


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
