import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import grpc.aio
import protovalidate
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from structlog.testing import capture_logs

from schema import errcode
from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.admin.v1 import admin_pb2
from schema.generated.admin.v1.admin_pb2_grpc import AdminServiceStub
from schema.generated.banner.v1 import banner_pb2 as pb
from schema.generated.banner.v1.banner_pb2_grpc import BannerServiceStub
from schema.generated.identifier.v1 import identifier_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.generated.job.v1 import job_pb2
from schema.generated.permission.v1 import permission_pb2
from schema.generated.task.v1 import task_pb2
from schema.generated.upkeep.v1 import upkeep_pb2
from services.runtime.channels import PROOF, Caller, open_channel
from services.runtime.server import Context, create_server
from services.runtime.settings import Settings
from services.runtime.telemetry import Metrics
from services.runtime.trust import NAMES, Trust, TrustedCaller
from services.runtime.trust.admission import VIEWER, callers_of, viewers_in
from tests.open_doors import Stranger
from tests.services.runtime.servicers import reflected
from tests.services.runtime.trust.serving import Banners, asking_for, call, served

CONTRACTS = (
    account_pb2,
    activity_pb2,
    admin_pb2,
    pb,
    identifier_pb2,
    job_pb2,
    permission_pb2,
    task_pb2,
    upkeep_pb2,
)
METHODS: list[MethodDescriptor] = [
    method
    for contract in CONTRACTS
    for service in contract.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
WITHOUT_VIEWER = {
    "BatchGetAccounts",
    "BatchGetAccountsByHandle",
    "BatchGetAudiences",
    "BatchGetFollowCounts",
    "BatchListFollowees",
    "BatchListTeams",
    "BatchSuggestAccounts",
    "BatchVerifySessions",
    "SignIn",
    "SignOut",
}
"""What the gateway and the platform may ask for nobody: public attributes, and what takes a password or a token."""
PERSONAL = identity_pb2.ACCOUNT_TYPE_PERSONAL


@pytest.fixture
def banners() -> Banners:
    return Banners()


@pytest.fixture
async def address(trust: Trust, banners: Banners) -> AsyncIterator[str]:
    async with served(trust, banners) as address:
        yield address


async def refusal(address: str, caller: Caller, backend: str = "banner") -> tuple[grpc.StatusCode, str]:
    """What gRPC says to the caller; the gateway takes it for a backend that is not there."""
    with pytest.raises(errcode.BackendUnavailable) as caught:
        await call(address, caller, identity_pb2.Viewer(account_type=identity_pb2.ACCOUNT_TYPE_GUEST), backend=backend)
    assert isinstance(caught.value.__cause__, grpc.aio.AioRpcError)
    return caught.value.__cause__.code(), caught.value.__cause__.details() or ""


async def test_whom_the_contract_names_gets_in(address: str, trust: Trust, banners: Banners) -> None:
    await call(address, trust.caller("gateway"), trust.issuer.viewer(7, PERSONAL))
    assert [question.viewer.account_id for request in banners.asked for question in request.questions] == [7]


async def test_a_stranger_does_not_get_in(address: str, banners: Banners) -> None:
    with capture_logs() as logs:
        answered = await refusal(address, Stranger())
    assert answered == (grpc.StatusCode.UNAUTHENTICATED, "the caller is not known here")
    assert banners.asked == []
    assert [(entry["event"], entry["method"]) for entry in logs] == [
        ("caller not known", "/banner.v1.BannerService/BatchListBanners")
    ]


async def test_keys_of_another_house_open_nothing(
    address: str, banners: Banners, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Trust(Settings(data=tmp_path_factory.mktemp("other")))
    assert (await refusal(address, other.caller("gateway")))[0] is grpc.StatusCode.UNAUTHENTICATED
    assert banners.asked == []


@dataclass
class Replaying:
    """Proves itself by what another call was proved by."""

    trusted: TrustedCaller
    seen: str

    def connect(self, *wanted: Any) -> grpc.aio.Channel:
        return self.trusted.connect(*wanted)

    def proof(self, backend: str, method: str) -> str:
        return self.seen


async def test_a_proof_for_one_method_is_of_no_use_for_another(address: str, trust: Trust, banners: Banners) -> None:
    gateway = trust.caller("gateway")
    seen = gateway.proof("banner", "/banner.v1.BannerService/AnotherMethod")
    with capture_logs() as logs:
        answered = await refusal(address, Replaying(gateway, seen))
    assert answered[0] is grpc.StatusCode.UNAUTHENTICATED
    assert [entry["reason"] for entry in logs] == ["the proof is meant for another method"]
    assert banners.asked == []


async def test_of_two_proofs_neither_counts(address: str, trust: Trust, banners: Banners) -> None:
    path = "/banner.v1.BannerService/BatchListBanners"
    good = (PROOF, trust.caller("gateway").proof("banner", path))
    async with grpc.aio.insecure_channel(address) as channel:
        ask = BannerServiceStub(channel).BatchListBanners
        guest = asking_for(identity_pb2.Viewer(account_type=identity_pb2.ACCOUNT_TYPE_GUEST))
        await ask(guest, metadata=(good,))
        for metadata in ((good, good), (good, (PROOF, "-")), ((PROOF, ""), good)):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ask(guest, metadata=metadata)
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert len(banners.asked) == 1


async def test_a_proof_for_one_backend_is_of_no_use_at_another(address: str, trust: Trust, banners: Banners) -> None:
    assert (await refusal(address, trust.caller("gateway"), "account"))[0] is grpc.StatusCode.UNAUTHENTICATED
    assert banners.asked == []


@pytest.mark.parametrize("name", sorted({*NAMES} - {"gateway"}))
async def test_whom_the_contract_does_not_name_stays_outside(
    name: str, address: str, trust: Trust, banners: Banners
) -> None:
    assert await refusal(address, trust.caller(name)) == (
        grpc.StatusCode.PERMISSION_DENIED,
        f"{name} may not call this",
    )
    assert banners.asked == []


async def test_one_viewer_of_many_who_is_not_proved_stops_the_call(
    address: str, trust: Trust, banners: Banners
) -> None:
    proved = [trust.issuer.viewer(number, PERSONAL) for number in range(1, 10)]
    for forged in (
        identity_pb2.Viewer(account_id=10, account_type=PERSONAL),
        identity_pb2.Viewer(account_id=10, account_type=PERSONAL, assertion=proved[0].assertion),
        identity_pb2.Viewer(account_id=1, account_type=identity_pb2.ACCOUNT_TYPE_STAFF, assertion=proved[0].assertion),
    ):
        with pytest.raises(errcode.Unauthenticated, match=r"^viewer: "):
            await call(address, trust.caller("gateway"), *proved, forged)
    assert banners.asked == []


async def test_everybody_may_ask_whether_it_is_well_and_what_it_serves(address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        reply = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert reply.status == health_pb2.HealthCheckResponse.SERVING
        assert "banner.v1.BannerService" in await reflected(channel)


async def test_a_call_that_is_answered_by_a_stream_goes_through_the_same_door(trust: Trust, banners: Banners) -> None:
    request = admin_pb2.ExportActivitiesRequest(actor=trust.issuer.viewer(4, identity_pb2.ACCOUNT_TYPE_STAFF))
    async with served(trust, banners, backends=["admin"]) as address:
        async with open_channel("admin", address, Metrics(), trust.caller("platform")) as channel:
            pieces = [piece.csv async for piece in AdminServiceStub(channel).ExportActivities(request)]
        async with open_channel("admin", address, Metrics(), Stranger()) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await anext(aiter(AdminServiceStub(channel).ExportActivities(request)))
    assert pieces == [b"a,b\r\n"]
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_nothing_that_takes_a_stream_goes_by_the_door(trust: Trust) -> None:
    begun: list[str] = []

    async def swallow(_requests: AsyncIterator[bytes], _context: Context) -> bytes:
        begun.append("swallow")
        return b""

    async def echo(_requests: AsyncIterator[bytes], _context: Context) -> AsyncIterator[bytes]:
        begun.append("echo")
        yield b""

    handlers: dict[str, Any] = {"Swallow": grpc.stream_unary_rpc_method_handler(swallow)}
    handlers["Echo"] = grpc.stream_stream_rpc_method_handler(echo)
    with TemporaryDirectory(prefix="atrium-") as folder:
        server = create_server(Metrics(), trust.admission(["banner"]))
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("banner.v1.BannerService", handlers)])
        trust.listen(server, f"unix:{folder}/s")
        await server.start()
        async with grpc.aio.insecure_channel(f"unix:{folder}/s") as channel:
            calls: list[Any] = [channel.stream_unary("/banner.v1.BannerService/Swallow")(iter([]))]
            calls += [channel.stream_stream("/banner.v1.BannerService/Echo")(iter([]))]
            async with asyncio.timeout(10):
                codes = [await call.code() for call in calls]
        await server.stop(None)
    assert grpc.StatusCode.OK not in codes
    assert begun == []


# What the contracts say.


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_each_method_says_who_may_call_it(method: MethodDescriptor) -> None:
    callers = callers_of(f"/{method.containing_service.full_name}/{method.name}")
    assert callers
    assert callers <= {*NAMES}


def test_a_method_that_says_nothing_may_be_called_by_nobody() -> None:
    assert callers_of("/grpc.health.v1.Health/Check") == frozenset()


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_whoever_speaks_for_others_must_prove_for_whom(method: MethodDescriptor) -> None:
    speaks_for_others = callers_of(f"/{method.containing_service.full_name}/{method.name}") & {"gateway"}
    if speaks_for_others and method.name not in WITHOUT_VIEWER:
        [message] = [one for one in [with_a_viewer(method.input_type)] if one is not None]
        assert [viewer.account_id for viewer in viewers_in(message)] == [7]


def test_no_viewer_is_left_out() -> None:
    holding = {(part, field.name) for method in METHODS for part, field in viewers_of(method.input_type)}
    assert len(holding) > 30
    for described, name in holding:
        with pytest.raises(protovalidate.ValidationError) as caught:
            protovalidate.validate(GetMessageClass(described)())
        missed = [one.proto for one in caught.value.violations if one.proto.rule_id == "required"]
        assert name in {one.field.elements[-1].field_name for one in missed if one.field}, described.full_name


def viewers_of(
    described: Descriptor, above: tuple[Descriptor, ...] = ()
) -> Iterator[tuple[Descriptor, FieldDescriptor]]:
    """Every message in one of this type that holds a viewer of its own, with the field."""
    for field in described.fields:
        if field.message_type is VIEWER and not field.is_repeated:
            yield described, field
        elif field.message_type is not None and field.message_type not in above:
            yield from viewers_of(field.message_type, (*above, described))


def with_a_viewer(described: Descriptor, above: tuple[Descriptor, ...] = ()) -> Message | None:
    """A message of this type that holds one viewer somewhere; None when it cannot."""
    message: Message = GetMessageClass(described)()
    if described is VIEWER:
        message.account_id = 7  # type: ignore[attr-defined]
        return message
    for field in described.fields:
        if field.message_type is None or field.message_type in above:
            continue
        if (inner := with_a_viewer(field.message_type, (*above, described))) is not None:
            part = getattr(message, field.name)
            (part.add() if field.is_repeated else part).CopyFrom(inner)
            return message
    return None
