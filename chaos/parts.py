"""The processes of the house, each of which can be killed, frozen and begun again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from bench.processes import family, tail

PATIENCE_SECONDS = 90.0
"""How long a process may take to get ready: many start at once."""
STOP_SECONDS = 15.0
"""How long a process may take to end."""
LOOK_SECONDS = 0.02
"""How often to look whether it is ready."""


class Part:
    """One process; it runs from `start` on."""

    def __init__(
        self,
        name: str,
        command: list[str],
        ready: Callable[[], bool],
        log: Path,
        environment: Mapping[str, str],
        user: str | None = None,
    ) -> None:
        """`ready` tells whether it serves; what it says goes to the log. It runs as `user` where one is given."""
        self.name = name
        self._command = command
        self._ready = ready
        self.log = log
        self._environment = environment
        self._user = user
        self._running: subprocess.Popen[bytes] | None = None
        self._frozen = False

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The process of its present life."""
        if self._running is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._running

    def start(self) -> None:
        """Begins it; it may take a while to be ready."""
        with self.log.open("ab") as said:
            self._running = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                user=self._user,
            )

    def wait(self) -> None:
        """Returns once it serves; exits with the end of its log when it ended or takes too long."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{self.name} did not get ready; its log ends with:\n{tail(self.log)}")
            time.sleep(LOOK_SECONDS)

    def tell(self, line: str) -> None:
        """Writes a line to its standard input."""
        if self.process.stdin is None:
            raise RuntimeError(f"{self.name} has no input")
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def kill(self) -> None:
        """Ends it, and all that it started, as nobody can prepare for."""
        self._signal(signal.SIGKILL)
        self.process.wait()

    def freeze(self) -> None:
        """It stands still, with all that it started."""
        self._frozen = True
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)
        self._frozen = False

    def stop(self) -> None:
        """Asks it to end, and waits until it did."""
        self.process.terminate()
        self.process.wait(STOP_SECONDS)

    def end(self) -> None:
        """Whatever state it is in, it is gone afterwards."""
        if self._running is None:
            return
        if self._frozen:
            self.thaw()
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        if self.process.stdin:
            with suppress(OSError):
                self.process.stdin.close()

    def _signal(self, number: int) -> None:
        for pid in list(family(self.process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def pause_until(moment: float) -> None:
    """Returns at that moment of the monotonic clock."""
    time.sleep(max(0.0, moment - time.monotonic()))
