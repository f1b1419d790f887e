"""The gateway as an ASGI application: its routes, and what surrounds them, in order."""

from collections.abc import Sequence
from functools import partial

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from gateway import graphiql, health
from gateway.context import Clients, OperationContext
from gateway.documents import Documents
from gateway.graphiql import Persona
from gateway.health import Health
from gateway.middleware import AccessLog, LastResort, TraceHeaders
from gateway.operations import Executor, Known, compiled
from gateway.push.conversation import Bounds
from gateway.push.events import event_streams
from gateway.push.noted import Noted
from gateway.push.socket import SocketView
from gateway.settings import Settings
from gateway.view import GraphQLView
from schema.graphql.ports import Push
from schema.graphql.schema import create_schema
from services.runtime.telemetry import Metrics


def create_app(
    clients: Clients,
    push: Push,
    settings: Settings,
    metrics: Metrics,
    state: Health,
    personas: Sequence[Persona] = (),
) -> Starlette:
    """The application, serving from the backends behind `clients`; GraphiQL offers the `personas`."""
    schema = create_schema([Known], compiled(metrics))
    documents = Documents(schema._schema, settings.limits)
    executor = Executor(schema, documents, settings.request_seconds, production=settings.production)
    make_context = partial(OperationContext, clients, push)
    page = None if settings.production else partial(graphiql.page, personas)
    answers = Noted(executor.stream, metrics)
    events = event_streams(answers, state.stopped, metrics)
    view = GraphQLView(executor.run, events, make_context, page, settings.body_bytes, settings.request_seconds)
    sockets = SocketView(answers, make_context, Bounds(settings.init_seconds, settings.socket_operations), metrics)
    pages = [] if settings.production else graphiql.routes()
    app = Starlette(
        routes=[Route("/graphql", view), WebSocketRoute("/graphql", sockets), *pages, *_probes()],
        middleware=[Middleware(TraceHeaders), Middleware(AccessLog, metrics=metrics), Middleware(LastResort)],
    )
    app.state.health = state
    app.state.metrics = metrics
    return app


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
