"""A backend of a few lines, behind a channel that remembers what went through it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import grpc.aio

Answer = Callable[[Any], Any]


class FakeChannel:
    """Stands where a channel does: answers by RPC name and remembers each request."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = answers
        self.calls: list[tuple[str, Any]] = []
        self.before_answering: Callable[[str], Awaitable[None]] | None = None
        """Awaited with the RPC's name by each call."""

    def unary_unary(self, method: str, *_codecs: object, **_options: object) -> Callable[[Any], Awaitable[Any]]:
        name = method.rsplit("/", 1)[-1]

        async def call(request: Any) -> Any:
            self.calls.append((name, request))
            if self.before_answering:
                await self.before_answering(name)
            return self._answers[name](request)

        return call

    unary_stream = unary_unary
    """Stubs prepare their streams too; nobody here reads one."""


def channels(**answers: Answer) -> tuple[FakeChannel, dict[str, grpc.aio.Channel]]:
    """One channel that every backend is reached through, answering the RPCs that are named."""
    channel = FakeChannel(answers)
    backends = ("account", "permission", "banner", "activity", "admin")
    return channel, dict.fromkeys(backends, cast(grpc.aio.Channel, channel))
