"""The identifier contract over gRPC, and the lease that is kept beside it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import grpc.aio
import pytest
from sqlalchemy import func, insert, select, update

from schema.errcode import BackendUnavailable, InvalidArgument, Overloaded
from schema.generated.identifier.v1 import identifier_pb2, identifier_pb2_grpc
from services.identifier.biz import Identifiers, Lease
from services.identifier.data import LEASE
from services.identifier.service import LeaseKeeper
from services.identifier.wire import BACKEND
from services.runtime.allocation import fetch_over, open_ids
from services.runtime.backend import Resources
from services.runtime.channels import open_channel
from services.runtime.errors import from_grpc
from services.runtime.ids import WORKERS, AllocatedIds, TimeOrderedIds
from services.runtime.lifecycle import Readiness
from services.runtime.migrate import migrate
from services.runtime.serving import open_resources, serve_backends
from services.runtime.settings import Addresses, Settings
from services.runtime.telemetry import Metrics
from tests.open_doors import OpenDoor, Stranger
from tests.services.identifier.fakes import DictLeaseStore, Row, Stopwatch, worker_of

Stub: TypeAlias = "identifier_pb2_grpc.IdentifierServiceAsyncStub"


@pytest.fixture
def address() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="atrium-") as folder:
        yield f"unix:{folder}/identifier"


@pytest.fixture
async def resources(stack: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Resources]:
    url = f"sqlite+aiosqlite:///{tmp_path}/test.db"
    settings = Settings(database=url if stack == "embedded" else request.getfixturevalue("empty_postgres"))
    async with open_resources(BACKEND, settings) as opened:
        await migrate(BACKEND, opened.database)
        yield opened


@asynccontextmanager
async def serving(resources: Resources, address: str) -> AsyncIterator[Readiness]:
    """The backend as a process runs it."""
    readiness = Readiness()
    async with (
        serve_backends({BACKEND: address}, {BACKEND: resources}, readiness, Metrics(), OpenDoor()) as servers,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(servers.serve())
        yield readiness
        await servers.stop(0)


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Stub]:
    async with open_channel("identifier", address, Metrics(), Stranger()) as channel, asyncio.timeout(60):
        await channel.channel_ready()
        yield identifier_pb2_grpc.IdentifierServiceStub(channel)


async def ready(readiness: Readiness) -> None:
    async with asyncio.timeout(60):
        while await readiness.failing():
            continue


async def allocate(stub: Stub, count: int) -> list[int]:
    return list((await stub.AllocateIds(identifier_pb2.AllocateIdsRequest(count=count))).ids)


async def held(resources: Resources) -> int:
    query = select(func.count()).select_from(LEASE).where(LEASE.c.holder != "")
    async with resources.database.read() as session:
        return await session.scalar(query) or 0


async def test_blocks_grow_and_never_overlap_not_even_after_a_restart(resources: Resources, address: str) -> None:
    made: list[int] = []
    for _ in range(2):
        async with serving(resources, address) as readiness, connected(address) as stub:
            await ready(readiness)
            assert await held(resources) == 1
            for count in (1, 10_000, 3):
                ids = await allocate(stub, count)
                assert len(ids) == count
                made += ids
        assert await held(resources) == 0
    assert len(set(made)) == 2 * 10_004
    assert made[:10_004] == sorted(made[:10_004])
    assert made[10_004:] == sorted(made[10_004:])


@pytest.mark.parametrize("count", [-1, 0, 10_001])
async def test_a_block_has_from_one_to_ten_thousand_ids(resources: Resources, address: str, count: int) -> None:
    async with serving(resources, address) as readiness, connected(address) as stub:
        await ready(readiness)
        with pytest.raises(InvalidArgument, match=r"^count: "):
            await allocate(stub, count)


async def test_with_every_number_taken_it_says_so_and_is_not_ready_until_one_is_free(
    resources: Resources, address: str
) -> None:
    taken = [{"worker": number, "holder": "x", "expires_at": 2**53, "last_tick": 0} for number in range(WORKERS)]
    async with resources.database.transaction() as session:
        await session.execute(insert(LEASE), taken)
    async with serving(resources, address) as readiness:
        while "identifier store" in (failing := await readiness.failing()):
            continue
        assert failing == ["identifier worker number", "identifier health"]
        async with grpc.aio.insecure_channel(address) as channel:
            with pytest.raises(grpc.aio.AioRpcError, match="every worker number is taken") as caught:
                await allocate(identifier_pb2_grpc.IdentifierServiceStub(channel), 1)
        assert isinstance(from_grpc(caught.value, "identifier"), Overloaded)
        async with resources.database.transaction() as session:
            await session.execute(update(LEASE).where(LEASE.c.worker == 77).values(expires_at=0))
        async with connected(address) as stub:
            assert [worker_of(id_) for id_ in await allocate(stub, 2)] == [77, 77]


async def test_a_process_has_its_ids_from_here(resources: Resources, address: str) -> None:
    settings = Settings(addresses=Addresses(identifier=address))
    async with serving(resources, address) as readiness, open_ids(settings, Metrics(), Stranger()) as ids:
        assert isinstance(ids, AllocatedIds)
        await ready(readiness)
        made = await asyncio.gather(*(ids.next_id() for _ in range(3000)))
        assert len(set(made)) == 3000


async def test_without_the_identifier_there_are_no_ids(address: str) -> None:
    async with open_channel("identifier", address, Metrics(), Stranger()) as channel:
        ids = AllocatedIds(fetch_over(channel))
        with pytest.raises(BackendUnavailable, match=r"^the identifier backend is unavailable$"):
            await ids.next_id()


async def test_a_process_with_a_number_makes_its_ids_itself() -> None:
    async with open_ids(Settings(worker=5), Metrics(), Stranger()) as ids:
        assert isinstance(ids, TimeOrderedIds)
        assert worker_of(await ids.next_id()) == 5


class TellingLeaseStore(DictLeaseStore):
    """Tells when a number was given out."""

    def __init__(self) -> None:
        super().__init__()
        self.given = asyncio.Event()

    async def acquire(self, holder: str) -> Lease | None:
        lease = await super().acquire(holder)
        self.given.set()
        return lease


async def test_the_keeper_gets_over_failures_and_losses() -> None:
    store = TellingLeaseStore()
    store.fails = True
    identifiers = Identifiers(store, "one", Stopwatch())
    keeper = LeaseKeeper(identifiers, renewal_seconds=0.01, retry_seconds=0.01)
    async with asyncio.TaskGroup() as group, asyncio.timeout(60):
        group.create_task(keeper.serve())
        assert not await keeper.holds()
        await store.given.wait()
        assert identifiers.worker == 0
        store.given.clear()
        store.rows[0] = Row("two", store.now + 1, 0)
        await store.given.wait()
        assert identifiers.worker == 1
        await keeper.stop(0)
    assert not await keeper.holds()
    assert {number: row.holder for number, row in store.rows.items()} == {0: "two", 1: ""}
