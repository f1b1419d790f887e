"""The real gateway with all its backends, as its own process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import free_port
from tests.gateway.process import running


@contextmanager
def running_gateway(folder: Path) -> Iterator[str]:
    """The address of an embedded gateway that keeps its data in the folder."""
    port = free_port()
    settings = {"PORT": str(port), "DATA": str(folder / "data")}
    with running(["gateway", "run", "--embedded"], settings, folder / "gateway.log") as process:
        process.wait_for(f"http://127.0.0.1:{port}/readyz")
        yield f"http://127.0.0.1:{port}"
        process.stop()
