"""Identifiers as processes of their own: killed and started again, they never make an id twice."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from schema.generated.identifier.v1 import identifier_pb2, identifier_pb2_grpc
from services.runtime.channels import open_channel
from services.runtime.settings import Settings
from services.runtime.telemetry import Metrics
from services.runtime.trust import Trust
from tests.conftest import free_port
from tests.gateway.process import Running, finished, running
from tests.services.identifier.fakes import worker_of


@pytest.fixture
def stores(stack: str, request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    if stack == "embedded":
        return {"DATA": str(tmp_path / "data")}
    return {"DATA": str(tmp_path / "data"), "DATABASE": request.getfixturevalue("empty_postgres")}


@pytest.fixture
def sockets() -> Iterator[Path]:
    with TemporaryDirectory(prefix="atrium-") as folder:
        yield Path(folder)


@contextmanager
def identifiers(addresses: Sequence[str], stores: dict[str, str], folder: Path) -> Iterator[list[Running]]:
    """One at each address, ready: each holds a worker number."""
    with ExitStack() as closing:
        ports, processes = [free_port() for _ in addresses], []
        for address, port in zip(addresses, ports, strict=True):
            settings = stores | {"ADDRESSES__IDENTIFIER": address, "METRICS_PORT": str(port)}
            starting = running(("services", "serve", "identifier"), settings, folder / f"{port}.txt")
            processes.append(closing.enter_context(starting))
        for process, port in zip(processes, ports, strict=True):
            process.wait_for(f"http://127.0.0.1:{port}/readyz")
        yield processes


async def allocate(address: str, stores: dict[str, str], count: int = 10_000) -> list[int]:
    caller = Trust(Settings(data=Path(stores["DATA"]))).caller("account")
    async with open_channel("identifier", address, Metrics(), caller) as channel:
        stub: identifier_pb2_grpc.IdentifierServiceAsyncStub = identifier_pb2_grpc.IdentifierServiceStub(channel)
        return list((await stub.AllocateIds(identifier_pb2.AllocateIdsRequest(count=count))).ids)


async def test_one_killed_and_one_stopped_are_followed_by_others_that_repeat_nothing(
    stores: dict[str, str], sockets: Path, tmp_path: Path
) -> None:
    assert finished(("services", "migrate", "identifier"), stores).returncode == 0
    here, there = (f"unix:{sockets}/{name}" for name in ("here", "there"))
    made: list[list[int]] = []
    for _ in range(2):
        with identifiers((here, there), stores, tmp_path) as (one, other):
            made += [await allocate(address, stores) for address in (here, there, here)]
            one.kill()
            assert other.stop()[0] == 0
            assert "Traceback" not in one.output + other.output
    assert len({id_ for ids in made for id_ in ids}) == 60_000
    workers = [worker_of(ids[0]) for ids in made]
    assert workers[0] == workers[2] != workers[1]
    assert workers[3] == workers[5] != workers[4]
