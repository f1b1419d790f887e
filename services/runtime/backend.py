"""What a backend is to the process that runs it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import grpc.aio
from redis.asyncio import Redis
from sqlalchemy import MetaData

from services.runtime.clock import Clock
from services.runtime.database import Database
from services.runtime.ids import IdSource


@dataclass(frozen=True, slots=True)
class Resources:
    """What a process lends one backend; the process opened it and closes it."""

    database: Database
    cache: Redis
    ids: IdSource
    clock: Clock


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo data to make: the same size, seed and moment give the same rows."""

    accounts: int
    """How many accounts there are, ids 1 to this; the named ones come first."""
    report: Callable[[int], None]
    """Told how many rows were just written, for a progress bar."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend as `services.backends` lists it; its `wire.py` makes it."""

    name: str
    service: str
    """Full name of its gRPC service, for health and reflection: `account.v1.AccountService`."""
    metadata: MetaData
    """Its tables; its migrations lie in `services/<name>/migrations`."""
    attach: Callable[[grpc.aio.Server, Resources], None]
    """Builds the backend on the resources and adds its servicer to the server."""
    load_demo: Callable[[Resources, Demo], Awaitable[None]]
    """Fills empty tables with demo data, all or nothing."""
    count_demo: Callable[[Demo], int]
    """How many rows `load_demo` will report."""
