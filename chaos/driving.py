"""Load processes, as seen from whoever starts them."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench.processes import python
from chaos.load import GRACE_SECONDS, Outcome

START_SECONDS = 20.0


class Driving:
    """A process that makes load until it is told that this is enough."""

    def __init__(self, port: int, rate: float, requests: Sequence[str]) -> None:
        command = python("chaos.load", str(port), "--rate", str(rate))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ATRIUM_")}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
        )
        self._requests = json.dumps(list(requests)) + "\n"
        self.outcomes: list[Outcome] = []

    def begin(self) -> None:
        """Returns when requests go out; they do so at once when the process has been there for a while."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the load has no input or output")
        self.process.stdin.write(self._requests)
        self.process.stdin.flush()
        self.process.stdout.readline()

    def stop_sending(self) -> None:
        """Has it send no more; answers that are due may come."""
        if self.process.stdin is not None:
            self.process.stdin.close()
            self.process.stdin = None

    def finish(self) -> None:
        """Has it end, and takes what came of its requests."""
        self.stop_sending()
        said, _ = self.process.communicate(timeout=GRACE_SECONDS + START_SECONDS)
        self.outcomes = [Outcome(*found) for found in json.loads(said)]


@contextmanager
def load(port: int, rate: float, requests: Sequence[str]) -> Iterator[Driving]:
    """So many of these requests a second go out inside; their outcomes are there afterwards."""
    with prepared(port, rate, requests) as driving:
        driving.begin()
        yield driving


@contextmanager
def prepared(port: int, rate: float, requests: Sequence[str]) -> Iterator[Driving]:
    """The same from when the block has it begin, which it must."""
    driving = Driving(port, rate, requests)
    try:
        yield driving
        driving.finish()
    finally:
        driving.process.kill()
        driving.process.wait()
