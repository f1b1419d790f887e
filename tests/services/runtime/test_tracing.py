"""With tracing on, one trace goes over every process and down to the store; with it off, nothing is there."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise

import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, format_trace_id
from sqlalchemy import select, text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from schema import errcode
from schema.generated.banner.v1 import banner_pb2 as pb
from schema.generated.banner.v1 import banner_pb2_grpc as rpc
from services.runtime.cache import open_cache
from services.runtime.database import metadata, open_database
from services.runtime.telemetry import (
    configure_tracing,
    continued,
    instrument_asgi,
    instrument_http,
    span,
    start_trace,
    trace_id,
    traceparent,
)
from services.runtime.telemetry.tracing import instrument_cache, instrument_engine
from tests.conftest import MakeResources, Serve
from tests.services.runtime.servicers import REQUEST, backend_that, nothing


@dataclass(frozen=True)
class To:
    otlp_endpoint: str | None


@pytest.fixture
def stack() -> str:
    return "embedded"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Tracing into a list, on for the whole test."""
    kept = InMemorySpanExporter()
    with configure_tracing(To(None), exporter=kept):
        yield kept


def finished(spans: InMemorySpanExporter, count: int) -> list[ReadableSpan]:
    """The spans, once there are as many."""
    deadline = time.monotonic() + 60
    while len(spans.get_finished_spans()) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    return sorted(spans.get_finished_spans(), key=lambda each: each.start_time or 0)


async def test_one_trace_goes_from_the_loader_over_the_wire_to_the_statement(
    spans: InMemorySpanExporter, serve: Serve, make_resources: MakeResources
) -> None:
    resources = await make_resources(metadata())
    instrument_engine(resources.database.engine)
    seen: list[str] = []

    async def answer(_request: pb.BatchListBannersRequest) -> pb.BatchListBannersResponse:
        seen.append(trace_id())
        async with resources.database.read() as session:
            await session.execute(select(text("1 AS secret")))
        return pb.BatchListBannersResponse()

    stub = rpc.BannerServiceStub(await serve(backend_that(answer), resources))
    with span("batch banners", {"keys": 1}):
        own = trace_id()
        assert start_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") == own
        await stub.BatchListBanners(REQUEST)
    found = finished(spans, 4)
    assert [(one.name.split(" ")[0], one.kind) for one in found] == [
        ("batch", SpanKind.INTERNAL),
        ("/banner.v1.BannerService/BatchListBanners", SpanKind.CLIENT),
        ("/banner.v1.BannerService/BatchListBanners", SpanKind.SERVER),
        ("SELECT", SpanKind.CLIENT),
    ]
    for parent, child in pairwise(found):
        assert child.parent is not None
        assert parent.context is not None
        assert child.parent.span_id == parent.context.span_id
    assert {format_trace_id(one.context.trace_id) for one in found if one.context} == {own}
    assert seen == [own]


async def test_a_refused_call_still_ends_its_spans(
    spans: InMemorySpanExporter, serve: Serve, make_resources: MakeResources
) -> None:
    async def answer(_request: pb.BatchListBannersRequest) -> pb.BatchListBannersResponse:
        raise errcode.AccountNotFound(7)

    stub = rpc.BannerServiceStub(await serve(backend_that(answer), await make_resources(metadata())))
    with pytest.raises(errcode.AccountNotFound):
        await stub.BatchListBanners(REQUEST)
    codes = [dict(one.attributes or {})["rpc.grpc.status_code"] for one in finished(spans, 2)]
    assert codes == [5, 5]


async def test_asking_for_health_is_not_traced(
    spans: InMemorySpanExporter, serve: Serve, make_resources: MakeResources
) -> None:
    channel = await serve(backend_that(nothing), await make_resources(metadata()))
    await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    await rpc.BannerServiceStub(channel).BatchListBanners(REQUEST)
    assert {one.name for one in finished(spans, 2)} == {"/banner.v1.BannerService/BatchListBanners"}


async def test_commands_of_the_cache_are_traced_without_their_values(spans: InMemorySpanExporter) -> None:
    async with open_cache("memory://") as cache:
        instrument_cache(cache)
        await cache.set("session:hunter2", b"hunter2")
    [found] = finished(spans, 1)
    assert dict(found.attributes or {})["db.statement"] == "SET ? ?"


async def test_statements_are_traced_without_their_values(spans: InMemorySpanExporter) -> None:
    async with open_database("sqlite+aiosqlite://") as database:
        instrument_engine(database.engine)
        async with database.read() as session:
            await session.execute(text("SELECT :value"), {"value": "hunter2"})
    [found] = [one for one in finished(spans, 1) if one.name.startswith("SELECT")]
    assert "hunter2" not in found.to_json()


async def test_an_app_hands_its_trace_to_the_next(spans: InMemorySpanExporter) -> None:
    async def answer(_request: Request) -> PlainTextResponse:
        start_trace()
        return PlainTextResponse(trace_id())

    app = instrument_asgi(Starlette(routes=[Route("/", answer), Route("/livez", answer)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://atrium") as client:
        instrument_http(client)
        await client.get("/livez")
        with span("caller"):
            assert (await client.get("/")).text == trace_id()
    assert [one.name for one in finished(spans, 4)] == ["GET", "caller", "GET", "GET /"]


async def test_what_stands_in_an_address_is_not_traced(spans: InMemorySpanExporter) -> None:
    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.scope["query_string"])

    app = instrument_asgi(Starlette(routes=[Route("/", answer)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://house:hunter2@atrium") as client:
        instrument_http(client)
        assert (await client.get("/?query=hunter2")).text == "query=hunter2"
        odd = httpx.ASGITransport(_with_query(app, b"odd=\xff"))
        async with httpx.AsyncClient(transport=odd, base_url="http://atrium") as other:
            assert (await other.get("/")).content == b"odd=\xff"
    traced = [one.to_json() for one in finished(spans, 3)]
    assert ([one for one in traced if "hunter2" in one], sum('"http://atrium/"' in one for one in traced)) == ([], 3)


def _with_query(app: ASGIApp, query: bytes) -> ASGIApp:
    """The app, asked with bytes that no client of Python sends."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "query_string": query}, receive, send)

    return asked


def test_work_for_a_message_goes_on_with_the_trace_it_came_with(spans: InMemorySpanExporter) -> None:
    with span("other work"):
        with continued("consume job.test", f"00-{7:032x}-{8:016x}-01", {"event": "e"}):
            assert trace_id() == f"{7:032x}"
            with span("within"):
                pass
        with continued("consume job.test", ""):
            alone = trace_id()
    within, consumed, unasked, other = spans.get_finished_spans()
    assert [consumed.context.trace_id, within.context.trace_id] == [7, 7]
    assert [each.parent and each.parent.span_id for each in (consumed, within)] == [8, consumed.context.span_id]
    assert consumed.attributes == {"event": "e"}
    assert (format_trace_id(unasked.context.trace_id), unasked.parent) == (alone, None)
    assert other.context.trace_id not in (7, unasked.context.trace_id)


async def test_without_an_endpoint_nothing_is_traced_and_ids_still_travel(
    serve: Serve, make_resources: MakeResources
) -> None:
    app = Starlette()
    with configure_tracing(To(None)), span("nothing"):
        assert instrument_asgi(app) is app
        sent = start_trace()
        stub = rpc.BannerServiceStub(await serve(backend_that(nothing), await make_resources(metadata())))
        await stub.BatchListBanners(REQUEST)
        assert traceparent().split("-")[1] == sent


class Collector(HTTPServer):
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.requests: list[tuple[str, ExportTraceServiceRequest]] = []


class Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        assert isinstance(self.server, Collector)
        self.server.requests.append((self.path, ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_spans_reach_a_collector_before_the_process_ends(collector: Collector) -> None:
    with configure_tracing(To(f"http://127.0.0.1:{collector.server_port}"), service="banner"), span("work"):
        pass
    [(path, request)] = collector.requests
    assert path == "/v1/traces"
    [resource] = request.resource_spans
    names = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert names["service.name"] == "banner"
    assert [each.name for each in resource.scope_spans[0].spans] == ["work"]


def test_a_collector_that_is_down_does_not_hold_the_process_up() -> None:
    started = time.monotonic()
    with configure_tracing(To("http://127.0.0.1:9")), span("work"):
        pass
    assert time.monotonic() - started < 9  # Left to itself, the exporter tries for ten seconds.


def test_opentelemetry_is_not_loaded_while_tracing_is_off() -> None:
    code = (
        "import sys, services.runtime.telemetry, services.runtime.channels, services.runtime.server; "
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.instr'))])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
