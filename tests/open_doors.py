"""Doors that stand open and callers that prove nothing, for tests of what is behind the doors."""

from collections.abc import Collection, Sequence
from typing import Any

import grpc.aio
from google.protobuf.message import Message

from services.runtime.server import Context


class Anybody:
    """Fits `server.Admission`."""

    async def admit(self, method: str, context: Context) -> None:
        """Anybody gets in."""

    def check_viewers(self, request: Message) -> None:
        """Whoever they say they are."""


class OpenDoor:
    """Fits `serving.Door`."""

    def admission(self, backends: Collection[str]) -> Anybody:
        return Anybody()

    def listen(self, server: grpc.aio.Server, address: str) -> None:
        server.add_insecure_port(address)


class Stranger:
    """Fits `channels.Caller`."""

    def connect(
        self, backend: str, target: str, options: Sequence[tuple[str, Any]], interceptors: Sequence[Any]
    ) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(target, options, interceptors=interceptors)

    def proof(self, backend: str, method: str) -> str:
        return "-"
