"""OpenTelemetry traces: nothing of it is even imported until an OTLP endpoint is set.

`configure_tracing` turns it on for this process. What is opened meanwhile asks the functions below for its share:
interceptors of channels and servers, engines, caches, HTTP clients, the ASGI app. They do nothing when it is off.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import Context
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import grpc.aio

from services.runtime.telemetry.trace_ids import following_spans, in_trace

if TYPE_CHECKING:
    import httpx
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span
    from redis.asyncio import Redis
    from sqlalchemy.ext.asyncio import AsyncEngine
    from starlette.types import ASGIApp, Receive, Scope, Send

EXPORT_SECONDS = 2.0
"""How long one export may take, with all its retries."""
FLUSH_SECONDS = 0.8
"""How long the end of a process waits until the last spans are out."""
UNTRACED = "livez,readyz,metrics"
"""Pages that machines read every few seconds."""
_QUERY = "atrium.query_string"
"""Where the query of an address waits while a request passes the tracing."""
_active: "TracerProvider | None" = None


class TracingSettings(Protocol):
    """What tracing needs to know."""

    @property
    def otlp_endpoint(self) -> str | None:
        """Where traces go; None for nowhere."""
        ...


@contextmanager
def configure_tracing(
    settings: TracingSettings, service: str = "atrium", exporter: "SpanExporter | None" = None
) -> Iterator[None]:
    """Traces this process, under the name `service`, when there is an endpoint; the last spans leave at the end.

    An `exporter` takes the endpoint's place and is handed each span as it ends.
    """
    if exporter is None and settings.otlp_endpoint is None:
        yield
        return
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    global _active  # One process, one provider: what is opened later must find it.
    before = _active
    made = exporter or _otlp_exporter(str(settings.otlp_endpoint))
    _active = _provider(service, SimpleSpanProcessor(made) if exporter else BatchSpanProcessor(made))
    try:
        with following_spans():
            yield
    finally:
        _close(_active, made)
        _active = before


def _provider(service: str, processor: "SpanProcessor") -> "TracerProvider":
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider


def _otlp_exporter(endpoint: str) -> "SpanExporter":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    url = endpoint if urlsplit(endpoint).path.strip("/") else f"{endpoint.rstrip('/')}/v1/traces"
    return OTLPSpanExporter(endpoint=url, timeout=EXPORT_SECONDS)


def _close(provider: "TracerProvider", exporter: "SpanExporter") -> None:
    """Sends what is left; a collector that does not answer must not hold the process up."""
    flush = threading.Thread(target=provider.shutdown, daemon=True)
    flush.start()
    flush.join(FLUSH_SECONDS)
    if flush.is_alive():
        exporter.shutdown()


def span(
    name: str, attributes: Mapping[str, str | int] | None = None, links: Iterable[Context] = ()
) -> AbstractContextManager[object]:
    """A span around some work of the current request, such as one call; it links to the spans of other contexts."""
    if _active is None:
        return nullcontext()
    from opentelemetry.trace import Link, get_current_span

    linked = [Link(context.run(get_current_span).get_span_context()) for context in links]
    return _active.get_tracer("atrium").start_as_current_span(name, attributes=attributes, links=linked)


@contextmanager
def continued(name: str, parent: str, attributes: Mapping[str, str | int] | None = None) -> Iterator[None]:
    """Some work that belongs to the trace of a `traceparent` that came with a message; begins one where it is empty."""
    with _remote_parent(parent), span(name, attributes), in_trace(parent):
        yield


@contextmanager
def _remote_parent(parent: str) -> Iterator[None]:
    if _active is None:
        yield
        return
    from opentelemetry import context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    # Extracted into an empty context: work of one message is never a part of that of another.
    token = context.attach(TraceContextTextMapPropagator().extract({"traceparent": parent}, context.Context()))
    try:
        yield
    finally:
        context.detach(token)


def client_interceptors() -> list[grpc.aio.ClientInterceptor]:
    """What a channel needs to trace its calls; goes after the house's own."""
    if _active is None:
        return []
    from opentelemetry.instrumentation import grpc as instrumentation
    from opentelemetry.instrumentation.grpc import filters

    library: Any = instrumentation  # It has no types.
    work = filters.negate(filters.health_check())
    return list(library.aio_client_interceptors(tracer_provider=_active, filter_=work))


def server_interceptors() -> list[grpc.aio.ServerInterceptor]:
    """What a server needs to trace the calls it answers; goes before the house's own."""
    if _active is None:
        return []
    from opentelemetry.instrumentation import grpc as instrumentation
    from opentelemetry.instrumentation.grpc import filters

    library: Any = instrumentation
    return [library.aio_server_interceptor(tracer_provider=_active, filter_=filters.negate(filters.health_check()))]


def instrument_engine(engine: "AsyncEngine") -> None:
    """Traces each SQL statement, without its values."""
    if _active is None:
        return
    from opentelemetry.instrumentation.sqlalchemy import engine as instrumentation
    from opentelemetry.metrics import NoOpMeter

    library: Any = instrumentation
    usage = NoOpMeter("atrium").create_up_down_counter("connections")
    # The instrumentor's own entry patches SQLAlchemy for the whole process and refuses SQLAlchemy 2.1.
    library.EngineTracer(_active.get_tracer("sqlalchemy"), engine.sync_engine, usage)


def instrument_cache(cache: "Redis") -> None:
    """Traces each command, without its values."""
    if _active is None:
        return
    from opentelemetry.instrumentation.redis import RedisInstrumentor

    RedisInstrumentor.instrument_client(cache, tracer_provider=_active)


def instrument_http(client: "httpx.AsyncClient") -> None:
    """Traces each request that the client sends, by path alone."""
    if _active is None:
        return
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor, RequestInfo

    async def without_query(span: "Span", request: RequestInfo) -> None:
        # What an address ends with may be a key.
        if not isinstance(request.url, tuple):
            span.set_attribute("http.url", str(request.url.copy_with(userinfo=b"", query=None)))

    HTTPXClientInstrumentor.instrument_client(client, tracer_provider=_active, request_hook=without_query)


def instrument_asgi(app: "ASGIApp") -> "ASGIApp":
    """The app, each of its requests traced, by path alone; the app itself when tracing is off."""
    if _active is None:
        return app
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

    async def with_query(scope: "Scope", receive: "Receive", send: "Send") -> None:
        await app({**scope, "query_string": scope[_QUERY]}, receive, send)

    traced: Any = OpenTelemetryMiddleware(
        with_query, excluded_urls=UNTRACED, exclude_spans=["receive", "send"], tracer_provider=_active
    )

    async def without_query(scope: "Scope", receive: "Receive", send: "Send") -> None:
        # A span keeps the whole address, and clients write operations and their variables into it.
        await traced({**scope, "query_string": b"", _QUERY: scope.get("query_string", b"")}, receive, send)

    return without_query
