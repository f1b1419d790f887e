"""Channels as processes open them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import grpc
import grpc.aio

from services.runtime.channels.caller import Caller
from services.runtime.channels.calls import Backend
from services.runtime.channels.channel import BackendChannel
from services.runtime.channels.policy import OPTIONS, reads, service_config, target
from services.runtime.telemetry import Metrics
from services.runtime.telemetry.tracing import client_interceptors

MOST_IN_FLIGHT = 500
"""How many calls to one backend may be in flight at once: what one process hardly needs while all is well."""


@asynccontextmanager
async def open_channel(
    backend: str,
    address: str,
    metrics: Metrics,
    caller: Caller,
    interceptors: Sequence[grpc.aio.ClientInterceptor] = (),
    most_in_flight: int = MOST_IN_FLIGHT,
) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to `backend` at `address` (`unix:/path`, `host:port`, or several); connects on first use."""
    options = [*OPTIONS, ("grpc.service_config", service_config(backend))]
    behind = [*client_interceptors(), *interceptors]
    inner = caller.connect(backend, target(address), options, behind)
    prove = partial(caller.proof, backend)
    hedged = reads(backend) if "," in address else frozenset[str]()
    calls = Backend(backend, most_in_flight, metrics, connects_in_vain=partial(connects_in_vain, inner))
    async with BackendChannel(inner, calls, hedged, prove) as channel:
        yield channel


def connects_in_vain(channel: grpc.aio.Channel) -> bool:
    """Whether no server could be connected to; gRPC says so until one is."""
    return channel.get_state() is grpc.ChannelConnectivity.TRANSIENT_FAILURE


@asynccontextmanager
async def open_channels(
    addresses: Mapping[str, str], metrics: Metrics, caller: Caller
) -> AsyncIterator[dict[str, grpc.aio.Channel]]:
    """A channel to each backend, by its name."""
    async with AsyncExitStack() as closing:
        yield {
            backend: await closing.enter_async_context(open_channel(backend, address, metrics, caller))
            for backend, address in addresses.items()
        }
