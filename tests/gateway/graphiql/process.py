"""The real gateway with all its backends, as its own process."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import free_port

ROOT = Path(__file__).parents[3]
PATIENCE = 60
"""How many seconds the first start may take, with making the demo data."""


@contextmanager
def running_gateway(folder: Path) -> Iterator[str]:
    """The address of an embedded gateway that keeps its data in the folder."""
    port = free_port()
    settings = {"ATRIUM_PORT": str(port), "ATRIUM_DATA": str(folder / "data")}
    command = [sys.executable, "-m", "gateway", "run", "--embedded"]
    log = folder / "gateway.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=output, stderr=output) as process,
    ):
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if _is_ready(address):
            return
        time.sleep(0.05)
    pytest.fail(f"the gateway did not get ready:\n{log.read_text()[-4000:]}")


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz").is_success
    except httpx.TransportError:
        return False
