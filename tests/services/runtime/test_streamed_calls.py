"""A call that answers by a stream is guarded as any other, and what it asks of others ends with its caller's time."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc.aio
import pytest
from structlog.testing import capture_logs

from schema import errcode
from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.admin.v1.admin_pb2_grpc import (
    AdminServiceServicer,
    AdminServiceStub,
    add_AdminServiceServicer_to_server,
)
from schema.generated.banner.v1 import banner_pb2
from schema.generated.banner.v1 import banner_pb2_grpc as banner_rpc
from schema.generated.identity.v1 import identity_pb2
from services.runtime.backend import Backend, Resources
from services.runtime.database import metadata
from services.runtime.deadline import deadline_in, time_left
from services.runtime.errors import from_grpc
from services.runtime.server import Context
from tests.conftest import MakeResources, Serve
from tests.services.runtime.servicers import REQUEST, backend_that

STAFF = identity_pb2.Viewer(account_id=4, account_type=identity_pb2.ACCOUNT_TYPE_STAFF)
EXPORT = pb.ExportActivitiesRequest(actor=STAFF)
Write = Callable[[Context], Awaitable[None]]


@pytest.fixture
def stack() -> str:
    """One stack is enough: no store takes part."""
    return "embedded"


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(metadata())


@pytest.fixture
def stub_of(serve: Serve, resources: Resources) -> Callable[[Write], Awaitable[Any]]:
    """A backend whose stream is written by what the test hands in."""

    async def start(write: Write) -> Any:
        class Servicer(AdminServiceServicer):
            async def ExportActivities(self, request: Any, context: Context) -> None:  # type: ignore[override]
                await write(context)

        def attach(server: grpc.aio.Server, _resources: Resources) -> None:
            add_AdminServiceServicer_to_server(Servicer(), server)  # type: ignore[abstract]

        return AdminServiceStub(await serve(Backend("admin", "admin.v1.AdminService", metadata(), attach), resources))

    return start


async def read(stub: Any, request: pb.ExportActivitiesRequest) -> tuple[list[bytes], errcode.AtriumError | None]:
    """What came of the stream before its end, and what ended it."""
    pieces: list[bytes] = []
    try:
        async for piece in stub.ExportActivities(request):
            pieces.append(piece.csv)
    except grpc.aio.AioRpcError as error:
        return pieces, from_grpc(error, "admin")
    return pieces, None


async def two_pieces(context: Context) -> None:
    for csv in (b"a", b"b"):
        await context.write(pb.ExportActivitiesResponse(csv=csv))


async def test_a_stream_comes_piece_by_piece(stub_of: Callable[[Write], Awaitable[Any]]) -> None:
    assert await read(await stub_of(two_pieces), EXPORT) == ([b"a", b"b"], None)


async def test_a_stream_that_breaks_the_contract_is_not_begun(stub_of: Callable[[Write], Awaitable[Any]]) -> None:
    pieces, error = await read(await stub_of(two_pieces), pb.ExportActivitiesRequest())
    assert (pieces, type(error)) == ([], errcode.InvalidArgument)
    assert error is not None
    assert error.message.startswith("actor: ")


async def test_a_stream_that_fails_says_why_after_what_it_told(stub_of: Callable[[Write], Awaitable[Any]]) -> None:
    async def refused(context: Context) -> None:
        await two_pieces(context)
        raise errcode.PermissionDenied("admin.activities.read")

    pieces, error = await read(await stub_of(refused), EXPORT)
    assert (pieces, type(error)) == ([b"a", b"b"], errcode.PermissionDenied)


async def test_what_went_wrong_inside_a_stream_never_leaves(stub_of: Callable[[Write], Awaitable[Any]]) -> None:
    async def broken(_context: Context) -> None:
        raise RuntimeError("password=hunter2")

    with capture_logs() as logs:
        pieces, error = await read(await stub_of(broken), EXPORT)
    assert (pieces, type(error), error and error.message) == (
        [],
        errcode.Internal,
        "something went wrong on our side",
    )
    assert [(entry["log_level"], entry["code"]) for entry in logs if "code" in entry] == [("error", 5000000)]


async def test_what_a_call_asks_of_others_takes_no_longer_than_its_caller_waits(
    serve: Serve, resources: Resources
) -> None:
    left: list[float] = []

    async def note(_request: banner_pb2.BatchListBannersRequest) -> banner_pb2.BatchListBannersResponse:
        left.append(time_left(default=99))
        return banner_pb2.BatchListBannersResponse()

    stub = banner_rpc.BannerServiceStub(await serve(backend_that(note), resources))
    with deadline_in(100):
        await stub.BatchListBanners(REQUEST)
    await stub.BatchListBanners(REQUEST)
    assert 5.01 < left[0] <= 100.01
    assert 0 < left[1] <= 5.01
