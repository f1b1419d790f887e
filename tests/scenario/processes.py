"""The whole account centre as real processes: one with nothing installed, or one for each part on real servers."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.backends import BACKENDS
from services.runtime.embedded import NOTE
from tests.conftest import empty_database, free_port, running_broker
from tests.gateway.process import PATIENCE, Running, finished, running

ACCOUNTS = "60"
COOLING_OFF_SECONDS = 2
"""So short that a test can live to see the end."""
EXPECTED = {"event parked"}
"""What processes may complain of: it is done to them on purpose."""


@dataclass(frozen=True)
class Centre:
    """Where everything is that runs."""

    url: str
    """Of the gateway."""
    addresses: Mapping[str, str]
    """Of the backends, by name."""
    settings: Mapping[str, str]
    """What commands beside the processes are given."""
    reported: Callable[[str], Any]
    """The report of the day with this date."""

    def command(self, *words: str) -> str:
        """What `python -m services …` printed, which must succeed."""
        done = finished(["services", *words], self.settings)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    def store(self, backend: str) -> str:
        """URL of the database of a backend."""
        pattern = self.settings.get("DATABASE", "sqlite+aiosqlite:///{data}/{backend}.db")
        return pattern.replace("{data}", self.settings["DATA"]).replace("{backend}", backend)


@contextmanager
def open_centre(stack: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Centre]:
    """A centre with demo data whose every part serves; it must end in good order."""
    common = {
        "DATA": str(folder / "data"),
        "PORT": str(free_port()),
        "COOLING_OFF_DAYS": f"{COOLING_OFF_SECONDS / 86400:.8f}",
    }
    opened = _embedded(folder, common) if stack == "embedded" else _separate(request, folder, common)
    with opened as centre:
        for name, address in centre.addresses.items():
            _wait_until_serving(name, address)
        yield centre


@contextmanager
def _embedded(folder: Path, settings: Mapping[str, str]) -> Iterator[Centre]:
    url, data = f"http://127.0.0.1:{settings['PORT']}", Path(settings["DATA"])
    with ending_well(("gateway", "run", "--embedded"), {**settings, "DEMO_ACCOUNTS": ACCOUNTS}, folder / "all") as all_:
        all_.wait_for(f"{url}/readyz")
        addresses = json.loads((data / NOTE).read_text())
        yield Centre(url, addresses, settings, lambda day: json.loads((data / f"reports/day/{day}.json").read_text()))


@contextmanager
def _separate(request: pytest.FixtureRequest, folder: Path, common: Mapping[str, str]) -> Iterator[Centre]:
    with ExitStack() as closing:
        endpoint = closing.enter_context(report_endpoint())
        settings = {
            **common,
            "DATABASE": closing.enter_context(empty_database(request.getfixturevalue("postgres"))),
            "CACHE": request.getfixturevalue("redis_server"),
            "BUS": closing.enter_context(running_broker()),
            "REPORT_URL": endpoint.url,
        }
        addresses = {name: f"127.0.0.1:{free_port()}" for name in BACKENDS}
        settings |= {f"ADDRESSES__{name.upper()}": address for name, address in addresses.items()}
        # The processes start meanwhile, and wait for their stores.
        parts = [("gateway", "run"), *(("services", "serve", name) for name in BACKENDS)]
        gateway, *_ = [
            closing.enter_context(ending_well(words, settings, folder / f"{words[-1]}.txt")) for words in parts
        ]
        for command in (("migrate",), ("demo", "--accounts", ACCOUNTS)):
            done = finished(("services", *command), settings)
            assert done.returncode == 0, done.stderr
        url = f"http://127.0.0.1:{settings['PORT']}"
        gateway.wait_for(f"{url}/readyz")
        yield Centre(url, addresses, settings, endpoint.reported)


@contextmanager
def ending_well(words: Sequence[str], settings: Mapping[str, str], output: Path) -> Iterator[Running]:
    """A process that must end with 0 when it is told to, and has nothing else to complain of."""
    with running(words, settings, output) as process:
        yield process
        code, _ = process.stop()
        assert code == 0, process.output
    assert {line["event"] for line in process.log() if line["level"] == "error"} <= EXPECTED
    assert "Traceback" not in process.output


def _wait_until_serving(name: str, address: str) -> None:
    ask = health_pb2.HealthCheckRequest(service=BACKENDS[name].service)
    with grpc.insecure_channel(address) as channel:
        for reply in health_pb2_grpc.HealthStub(channel).Watch(ask, timeout=PATIENCE, wait_for_ready=True):
            if reply.status == health_pb2.HealthCheckResponse.SERVING:
                return


class Endpoint:
    """Takes reports, each at the second attempt."""

    def __init__(self, url: str, reports: Sequence[Mapping[str, Any]]) -> None:
        self.url = url
        self._reports = reports

    def reported(self, day: str) -> Any:
        """The last report of the day."""
        return [report for report in self._reports if report["starts_at"] == f"{day}T00:00:00Z"][-1]


@contextmanager
def report_endpoint() -> Iterator[Endpoint]:
    """A server that reports are posted to."""
    taken: list[Mapping[str, Any]] = []
    refused: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            key = self.headers["idempotency-key"]
            known = key in refused
            refused.add(key)
            if known:
                taken.append(json.loads(content))
            self.send_response(200 if known else 503)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Endpoint(f"http://127.0.0.1:{server.server_port}/reports", taken)
        finally:
            server.shutdown()
            thread.join()
