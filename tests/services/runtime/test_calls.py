"""A call between processes: deadline, trace, count, and the same error on both sides of the wire."""

import asyncio
from collections.abc import Awaitable, Callable
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from structlog.testing import capture_logs

from schema import errcode
from schema.generated.banner.v1 import banner_pb2 as pb
from schema.generated.banner.v1 import banner_pb2_grpc as rpc
from services.runtime.backend import Resources
from services.runtime.channels import CallTally, call_tally, open_channel
from services.runtime.database import metadata
from services.runtime.deadline import deadline_in
from services.runtime.lane import in_lane, lane
from services.runtime.pulse import Pulse
from services.runtime.server import EdgeInterceptor, add_health_and_reflection, create_server
from services.runtime.shedding import LEAST, Limiter
from services.runtime.telemetry import Metrics, start_trace, trace_id
from tests.conftest import MakeResources, Serve
from tests.open_doors import Anybody, Stranger
from tests.services.runtime.servicers import REQUEST, Answer, Servicer, backend_that, nothing

ERRORS: list[errcode.AtriumError] = [kind.worded(f"words of {reason}") for reason, kind in errcode.CATALOGUE.items()]
Open = Callable[[Answer], Awaitable[grpc.aio.Channel]]


@pytest.fixture
def stack() -> str:
    """One stack is enough: no store takes part."""
    return "embedded"


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(metadata())


@pytest.fixture
def channel_to(serve: Serve, resources: Resources) -> Open:
    async def start(answer: Answer) -> grpc.aio.Channel:
        return await serve(backend_that(answer), resources)

    return start


def raising(problem: Exception) -> Answer:
    async def answer(_request: pb.BatchListBannersRequest) -> pb.BatchListBannersResponse:
        raise problem

    return answer


async def test_an_answer_comes_back(channel_to: Open) -> None:
    stub = rpc.BannerServiceStub(await channel_to(nothing))
    assert await stub.BatchListBanners(REQUEST) == pb.BatchListBannersResponse()


@pytest.mark.parametrize("error", ERRORS, ids=list(errcode.CATALOGUE))
async def test_an_error_crosses_the_wire_unchanged(error: errcode.AtriumError, channel_to: Open) -> None:
    stub = rpc.BannerServiceStub(await channel_to(raising(error)))
    with pytest.raises(errcode.AtriumError) as caught:
        await stub.BatchListBanners(REQUEST)
    assert type(caught.value) is type(error)
    assert (caught.value.code, caught.value.reason, caught.value.retryable, caught.value.message) == (
        error.code,
        error.reason,
        error.retryable,
        error.message,
    )


async def test_what_went_wrong_inside_never_leaves(channel_to: Open) -> None:
    stub = rpc.BannerServiceStub(await channel_to(raising(RuntimeError("password=hunter2"))))
    with capture_logs() as logs, pytest.raises(errcode.Internal) as caught:
        await stub.BatchListBanners(REQUEST)
    assert caught.value.message == "something went wrong on our side"
    cause = caught.value.__cause__
    assert isinstance(cause, grpc.aio.AioRpcError)
    assert "hunter2" not in f"{cause.debug_error_string()}{cause.trailing_metadata()}{cause.details()}"
    assert [(entry["log_level"], entry["code"]) for entry in logs] == [("error", 5000000)]


async def test_a_refusal_is_not_logged_as_an_error(channel_to: Open) -> None:
    stub = rpc.BannerServiceStub(await channel_to(raising(errcode.AccountNotFound(7))))
    with capture_logs() as logs, pytest.raises(errcode.AccountNotFound, match="there is no account 7"):
        await stub.BatchListBanners(REQUEST)
    assert [entry["log_level"] for entry in logs] == ["info"]


async def test_a_request_against_the_contract_is_refused_by_name_and_not_answered(channel_to: Open) -> None:
    asked: list[pb.BatchListBannersRequest] = []

    async def answer(request: pb.BatchListBannersRequest) -> pb.BatchListBannersResponse:
        asked.append(request)
        return pb.BatchListBannersResponse()

    stub = rpc.BannerServiceStub(await channel_to(answer))
    wrong = pb.BatchListBannersRequest(questions=[REQUEST.questions[0], pb.BatchListBannersRequest.Question()])
    with pytest.raises(errcode.InvalidArgument, match=r"^questions\[1\]\.viewer: .*required"):
        await stub.BatchListBanners(wrong)
    assert asked == []


async def test_bytes_that_are_no_message_are_refused_in_words_of_the_house(channel_to: Open) -> None:
    channel = await channel_to(nothing)
    call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
        "/banner.v1.BannerService/BatchListBanners"
    )
    with capture_logs() as logs, pytest.raises(errcode.InvalidArgument, match=r"^request: must be a message of this "):
        await call(b"\xff" * 50)
    assert [(entry["log_level"], entry["code"]) for entry in logs] == [("info", 4000100)]


async def test_nobody_there_is_a_backend_that_is_unavailable() -> None:
    async with open_channel("banner", "unix:/tmp/atrium-nobody-is-here", Metrics(), Stranger()) as channel:
        with pytest.raises(errcode.BackendUnavailable, match="the banner backend is unavailable"):
            await rpc.BannerServiceStub(channel).BatchListBanners(REQUEST)


async def test_a_call_takes_no_longer_than_the_deadline_leaves(channel_to: Open) -> None:
    ended = asyncio.Event()

    async def answer(_request: pb.BatchListBannersRequest) -> pb.BatchListBannersResponse:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    channel = await channel_to(answer)
    await channel.channel_ready()
    stub = rpc.BannerServiceStub(channel)
    with deadline_in(0.5), pytest.raises(errcode.DeadlineExceeded):
        await stub.BatchListBanners(REQUEST)
    await asyncio.wait_for(ended.wait(), 60)


async def test_nothing_is_sent_when_no_time_is_left(channel_to: Open) -> None:
    asked = CallTally()
    stub = rpc.BannerServiceStub(await channel_to(nothing))
    call_tally.set(asked)
    with deadline_in(0), pytest.raises(errcode.DeadlineExceeded):
        await stub.BatchListBanners(REQUEST)
    assert asked.count == 0


async def test_a_call_that_waited_too_long_for_its_turn_is_not_begun() -> None:
    begun: list[object] = []

    async def answer(request: pb.BatchListBannersRequest, _context: object) -> pb.BatchListBannersResponse:
        begun.append(request)
        return pb.BatchListBannersResponse()

    class Late:
        """What a handler is given when its caller has gone."""

        code: grpc.StatusCode | None = None

        def time_remaining(self) -> float:
            return 0.0

        def invocation_metadata(self) -> None:
            return None

        async def abort(self, code: grpc.StatusCode, *_words: object) -> None:
            self.code = code

    async def continuation(_details: object) -> Any:
        return grpc.unary_unary_rpc_method_handler(answer, pb.BatchListBannersRequest.FromString)

    details: Any = type("Details", (), {"method": "/banner.v1.BannerService/BatchListBanners"})
    edge = EdgeInterceptor(Metrics(), Anybody(), Limiter(Pulse()))
    guarded: Any = await edge.intercept_service(continuation, details)
    late = Late()
    await guarded.unary_unary(REQUEST.SerializeToString(), late)
    assert (late.code, begun) == (grpc.StatusCode.DEADLINE_EXCEEDED, [])


async def test_the_calls_of_a_request_are_counted_apart_from_those_of_another(channel_to: Open) -> None:
    stub = rpc.BannerServiceStub(await channel_to(nothing))

    async def request(calls: int) -> int:
        tally = CallTally()
        call_tally.set(tally)
        await asyncio.gather(*(stub.BatchListBanners(REQUEST) for _ in range(calls)))
        return tally.count

    first, second = await asyncio.gather(request(3), request(5))
    assert (first, second) == (3, 5)


async def test_one_trace_spans_both_sides(channel_to: Open) -> None:
    seen: list[str] = []

    async def answer(_request: pb.BatchListBannersRequest) -> pb.BatchListBannersResponse:
        seen.append(trace_id())
        return pb.BatchListBannersResponse()

    stub = rpc.BannerServiceStub(await channel_to(answer))
    sent = [start_trace(), start_trace()]
    await stub.BatchListBanners(REQUEST)
    assert seen == sent[1:]


async def test_a_call_is_answered_in_the_lane_of_its_caller(channel_to: Open) -> None:
    seen: list[str] = []

    async def answer(_request: pb.BatchListBannersRequest) -> pb.BatchListBannersResponse:
        seen.append(lane())
        return pb.BatchListBannersResponse()

    stub = rpc.BannerServiceStub(await channel_to(answer))
    with in_lane("blue"):
        await stub.BatchListBanners(REQUEST)
    await stub.BatchListBanners(REQUEST)
    assert seen == ["blue", ""]


async def test_calls_outside_of_a_trace_each_begin_one(channel_to: Open) -> None:
    seen: list[str] = []

    async def answer(_request: pb.BatchListBannersRequest) -> pb.BatchListBannersResponse:
        seen.append(trace_id())
        return pb.BatchListBannersResponse()

    stub = rpc.BannerServiceStub(await channel_to(answer))
    await stub.BatchListBanners(REQUEST)
    await stub.BatchListBanners(REQUEST)
    assert [len(one) for one in seen] == [32, 32]
    assert seen[0] != seen[1]


async def test_calls_are_measured_on_the_client_side() -> None:
    metrics = Metrics()
    async with open_channel("banner", "unix:/tmp/atrium-nobody-is-here", metrics, Stranger()) as channel:
        with pytest.raises(errcode.BackendUnavailable):
            await rpc.BannerServiceStub(channel).BatchListBanners(REQUEST)
    labels = {"backend": "banner", "method": "BatchListBanners", "code": "UNAVAILABLE"}
    assert metrics.registry.get_sample_value("atrium_rpc_client_seconds_count", labels) == 1


async def test_health_says_what_is_served_and_what_is_unknown(channel_to: Open) -> None:
    channel = await channel_to(nothing)
    health = health_pb2_grpc.HealthStub(channel)
    reply = await health.Check(health_pb2.HealthCheckRequest(service=""))
    assert reply.status == health_pb2.HealthCheckResponse.SERVING
    with capture_logs() as logs, pytest.raises(errcode.BackendUnavailable):
        await health.Check(health_pb2.HealthCheckRequest(service="nobody.v1.Nobody"))
    assert logs == []


async def test_an_overloaded_server_refuses_calls_unread_and_still_tells_its_health() -> None:
    pulse = Pulse()
    for _ in range(20):
        pulse.note(1.0)
    limiter = Limiter(pulse)
    answered: list[object] = []

    async def answer(request: pb.BatchListBannersRequest) -> pb.BatchListBannersResponse:
        answered.append(request)
        return pb.BatchListBannersResponse()

    with TemporaryDirectory(prefix="atrium-") as folder:
        metrics, address = Metrics(), f"unix:{folder}/banner"
        server = create_server(metrics, Anybody(), limiter)
        rpc.add_BannerServiceServicer_to_server(Servicer(answer), server)
        health = add_health_and_reflection(server, ["banner.v1.BannerService"])
        await health.serving("banner.v1.BannerService")
        server.add_insecure_port(address)
        await server.start()
        async with open_channel("banner", address, Metrics(), Stranger()) as channel:
            await channel.channel_ready()
            stub = rpc.BannerServiceStub(channel)
            entered = [limiter.enter() for _ in range(LEAST)]
            with pytest.raises(errcode.Overloaded) as caught:
                await stub.BatchListBanners(REQUEST)
            check = health_pb2.HealthCheckRequest(service="banner.v1.BannerService")
            assert (await health_pb2_grpc.HealthStub(channel).Check(check)).status == 1
            assert answered == []
            limiter.leave(entered[0] or 0.0, answered=True)
            await stub.BatchListBanners(REQUEST)
        await server.stop(None)
    assert answered == [REQUEST]
    assert retry_delay(caught.value.__cause__) == 1
    assert metrics.registry.get_sample_value("atrium_shed_total", {"what": "rpc"}) == 1


def retry_delay(error: Any) -> int:
    """After how many seconds the server asks to try again."""
    status, info = rpc_status.from_call(error), RetryInfo()
    assert status is not None
    assert status.details[-1].Unpack(info)
    return int(info.retry_delay.seconds)
