"""The gateway as an ASGI application: its routes, and what surrounds them, in order."""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Scope

from gateway import graphiql, health
from gateway.context import Clients, OperationContext
from gateway.documents import Documents, Registry, manifest
from gateway.graphiql import Persona
from gateway.health import Health
from gateway.joint import Joint
from gateway.lanes import Lanes, names
from gateway.middleware import ENDPOINT, Edge, Shortcut
from gateway.operations import Executor, Known, Ran, compiled
from gateway.push.connections import Connections
from gateway.push.conversation import Bounds
from gateway.push.events import event_streams
from gateway.push.noted import Noted
from gateway.push.socket import SocketView
from gateway.rates import RateLimits, Tell
from gateway.rates.address import client_address
from gateway.settings import Settings
from gateway.shedding import Brownout, Shedding
from gateway.view import GraphQLView, Intake, MakeContext, Page
from schema.graphql.ports import Push
from schema.graphql.schema import create_schema
from services.runtime.deadline import deadline_in
from services.runtime.telemetry import Metrics


@dataclass(frozen=True, slots=True)
class Among:
    """What a request has to do with others."""

    tell: Tell | None = None
    """Called when other gateways are to hear what a client used of its limits."""
    joint: Joint[Ran] | None = None
    """Where equal queries meet."""


BY_ITSELF = Among()


def create_app(
    clients: Clients,
    push: Push,
    settings: Settings,
    metrics: Metrics,
    state: Health,
    personas: Sequence[Persona] = (),
    among: Among = BY_ITSELF,
) -> Starlette:
    """The application, serving from the backends behind `clients`; GraphiQL offers the `personas`."""
    schema = create_schema([Known], compiled(metrics))
    documents = Documents(schema._schema, settings.limits)
    rates, proxies = RateLimits(settings.rates, among.tell, production=settings.production), settings.proxies
    texts = manifest.load(settings.documents) if settings.documents else {}
    registry = Registry(texts, only=settings.only_trusted, automatic=settings.apq)
    executor = Executor(
        schema, registry, documents, rates, settings.request_seconds, among.joint, production=settings.production
    )

    brownout = Brownout(state.limiter, metrics)

    def address_of(scope: Scope) -> str:
        return client_address(scope, proxies)

    def make_context(scope: Scope, authorization: str | None) -> OperationContext:
        return OperationContext(clients, push, authorization, address_of(scope), brownout.spares)

    answers = Noted(executor.stream, metrics)
    connections = Connections(*settings.most_connections)
    events = event_streams(answers, state.stopped, connections, metrics)
    intake = Intake(settings.body_bytes, settings.request_seconds, open_get=not settings.production)
    page = page_for(executor, make_context, personas, settings.request_seconds)
    view = GraphQLView(executor.run, events, make_context, page, intake)
    bounds = Bounds(settings.init_seconds, settings.socket_operations, settings.request_seconds)
    sockets = SocketView(answers, make_context, bounds, metrics, lambda scope: connections.take(address_of(scope)))
    endpoint = [Route(ENDPOINT, view), WebSocketRoute(ENDPOINT, sockets), Route("/", _to_endpoint)]
    app = Starlette(
        routes=[*endpoint, *graphiql.routes(), *_probes()],
        middleware=[
            Middleware(Shedding, limiter=state.limiter, metrics=metrics),
            Middleware(Edge, metrics=metrics),
            *([Middleware(Lanes, known=names(settings.lanes))] if settings.lanes else []),
            Middleware(Shortcut, endpoint=view),
        ],
    )
    app.state.health = state
    app.state.registry = registry
    app.state.metrics = metrics
    return app


def page_for(executor: Executor, make_context: MakeContext, personas: Sequence[Persona], seconds: float) -> Page:
    """What gives GraphiQL to whoever may learn about the schema."""

    async def page(request: Request) -> Response | None:
        with deadline_in(seconds):
            explores = await executor.explores(make_context(request.scope, request.headers.get("authorization")))
        return graphiql.page(personas) if explores else None

    return page


async def _to_endpoint(_request: Request) -> Response:
    return RedirectResponse(ENDPOINT)


def _probes() -> list[BaseRoute]:
    return [
        Route("/livez", health.live),
        Route("/readyz", health.ready),
        Route("/metrics", _metrics),
    ]


async def _metrics(request: Request) -> Response:
    """The numbers of this process in the text format of Prometheus."""
    metrics: Metrics = request.app.state.metrics
    return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)
