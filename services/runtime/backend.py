"""What a backend is to the process that runs it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import grpc.aio
from redis.asyncio import Redis
from sqlalchemy import MetaData, Table

from services.runtime.clock import Clock
from services.runtime.consumer import Consumer
from services.runtime.database import Database
from services.runtime.ids import IdSource
from services.runtime.inbox import Inbox
from services.runtime.lifecycle import Check, Server
from services.runtime.settings import Settings
from services.runtime.telemetry import Metrics
from services.runtime.trust import Trust


@dataclass(frozen=True, slots=True)
class Resources:
    """What a process lends one backend; the process opened it and closes it."""

    database: Database
    cache: Redis
    ids: IdSource
    clock: Clock
    trust: Trust
    """What it proves itself and others with."""
    settings: Settings = field(default_factory=Settings)
    """What the process was told from outside."""
    metrics: Metrics = field(default_factory=Metrics)
    """Where the process counts."""
    channels: Mapping[str, grpc.aio.Channel] = field(default_factory=dict)
    """To each backend that it asks, by its name; connects on first use."""


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo data to make: the same size, seed and moment give the same rows."""

    accounts: int
    """How many accounts there are, ids 1 to this; the named ones come first."""
    report: Callable[[int], None]
    """Told how many rows were just written, for a progress bar."""


@dataclass(frozen=True, slots=True)
class Attached:
    """What a backend has besides its servicer."""

    servers: Sequence[Server] = ()
    """Run as long as its gRPC server does, and stop after it: whatever a clock or a stream calls."""
    checks: Mapping[str, Check] = field(default_factory=dict)
    """What must pass, besides its store, for the process to be ready; by a name for people."""


def no_consumers(_resources: Resources) -> Sequence[Consumer]:
    """The consumers of a backend that listens to nothing."""
    return ()


async def no_demo(_resources: Resources, _demo: Demo) -> None:
    """The demo data of a backend that has none."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend as `services.backends` lists it; its `wire.py` makes it."""

    name: str
    service: str
    """Full name of its gRPC service, for health and reflection: `account.v1.AccountService`."""
    metadata: MetaData
    """Its tables; its migrations lie in `services/<name>/migrations`."""
    attach: Callable[[grpc.aio.Server, Resources], Attached | None]
    """Builds the backend on the resources, adds its servicer to the server, and answers what else it has."""
    load_demo: Callable[[Resources, Demo], Awaitable[None]] = no_demo
    """Fills empty tables with demo data, all or nothing."""
    count_demo: Callable[[Demo], int] = lambda _demo: 0
    """How many rows `load_demo` will report."""
    outbox: Table | None = None
    """Where it writes its events, if it tells any: made by `outbox.outbox_table` on its metadata."""
    inbox: Inbox | None = None
    """What it needs to listen to events: made by `inbox.inbox_tables` on its metadata."""
    asks: Sequence[str] = ()
    """The backends that it calls, by their names."""
    consumers: Callable[[Resources], Sequence[Consumer]] = no_consumers
    """What it does when it hears of events; needs an inbox."""
