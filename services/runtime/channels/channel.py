"""A channel to one backend, as stubs use it."""

from collections.abc import Callable
from typing import Any, Self

import grpc
import grpc.aio

from services.runtime.channels.breaker import Breaker
from services.runtime.channels.caller import proved
from services.runtime.channels.calls import Backend, Method
from services.runtime.channels.hedging import Hedging


class BackendChannel(grpc.aio.Channel):
    """A gRPC channel whose calls of one request prove their caller; those with one reply are guarded as well."""

    def __init__(
        self, inner: grpc.aio.Channel, backend: Backend, hedged: frozenset[str], prove: Callable[[str], str]
    ) -> None:
        """`hedged` are the names of the methods that may be sent to two servers; `prove` is given the path of one."""
        self._inner = inner
        self._prove = prove
        self._backend = backend
        self._hedged = hedged
        self._learned: dict[str, tuple[Breaker, Hedging | None]] = {}

    def unary_unary(self, method: str, *codecs: Any, **options: Any) -> Any:
        """The method with this path. What one stub learns of it, all of this channel know."""
        name = method.rpartition("/")[2]
        if method not in self._learned:
            self._learned[method] = Breaker(), Hedging() if name in self._hedged else None
        send = proved(self._inner.unary_unary(method, *codecs, **options), self._prove, method)
        return Method(self._backend, name, send, *self._learned[method])

    def unary_stream(self, method: str, *codecs: Any, **options: Any) -> Any:
        """As the inner channel has it."""
        return proved(self._inner.unary_stream(method, *codecs, **options), self._prove, method)

    def stream_unary(self, *arguments: Any, **options: Any) -> Any:
        """As the inner channel has it."""
        return self._inner.stream_unary(*arguments, **options)

    def stream_stream(self, *arguments: Any, **options: Any) -> Any:
        """As the inner channel has it."""
        return self._inner.stream_stream(*arguments, **options)

    async def close(self, grace: float | None = None) -> None:
        """Closes the connections; calls in flight may end for `grace` seconds."""
        await self._inner.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Whether there is a connection."""
        return self._inner.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Until that is another one."""
        await self._inner.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Until there is a connection."""
        await self._inner.channel_ready()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_problem: object) -> None:
        await self.close()
