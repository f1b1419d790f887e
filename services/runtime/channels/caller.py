"""Who calls: how a channel connects, and what proves each of its calls."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import grpc.aio

PROOF = "atrium-caller"
"""Where in the metadata of a call its caller is proved."""


class Caller(Protocol):
    """Who calls."""

    def connect(
        self, backend: str, target: str, options: Sequence[tuple[str, Any]], interceptors: Sequence[Any]
    ) -> grpc.aio.Channel:
        """A channel of gRPC's own to the backend."""
        ...

    def proof(self, backend: str, method: str) -> str:
        """What proves the caller to the backend, for calls of the method with this path."""
        ...


def proved(send: Callable[..., Any], prove: Callable[[str], str], method: str) -> Callable[..., Any]:
    """Sends to the method with this path as `send` does, with a proof of the caller."""

    def call(request: Any, *, metadata: Sequence[tuple[str, str | bytes]] = (), **options: Any) -> Any:
        return send(request, metadata=(*metadata, (PROOF, prove(method))), **options)

    return call
