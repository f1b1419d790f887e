"""Calls that end when a test lets them."""

import asyncio
from collections.abc import Callable, Generator
from typing import Any

import grpc
import grpc.aio

from schema import errcode
from services.runtime.errors import to_grpc


class FakeCall:
    """Fits what is used of `grpc.aio.UnaryUnaryCall`."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def __await__(self) -> Generator[Any, None, str]:
        return self._ended.__await__()

    def done(self) -> bool:
        return self._ended.done()

    def cancelled(self) -> bool:
        return self._ended.cancelled()

    def cancel(self) -> bool:
        return self._ended.cancel()

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self._ended.add_done_callback(callback)

    async def code(self) -> grpc.StatusCode:
        error = self._ended.exception()
        return error.code() if isinstance(error, grpc.aio.AioRpcError) else grpc.StatusCode.OK

    def answer(self, reply: str = "reply") -> None:
        self._ended.set_result(reply)

    def fail(self, code: grpc.StatusCode) -> None:
        nothing = grpc.aio.Metadata()
        self._ended.set_exception(grpc.aio.AioRpcError(code, nothing, nothing))

    def refuse(self, error: errcode.AtriumError) -> None:
        """Ends as a backend of the house refuses."""
        status = to_grpc(error)
        told = grpc.aio.Metadata(*(status.trailing_metadata or ()))
        self._ended.set_exception(grpc.aio.AioRpcError(status.code, grpc.aio.Metadata(), told, status.details))


class FakeBackend:
    """Remembers each call and begins it by `at_once`, when there is something to do at once."""

    def __init__(self, at_once: Callable[[FakeCall], None] | None = None) -> None:
        self.calls: list[FakeCall] = []
        self._at_once = at_once
        self._came = asyncio.Event()

    def __call__(self, _request: object, **options: Any) -> Any:
        call = FakeCall(options)
        self.calls.append(call)
        self._came.set()
        if self._at_once:
            self._at_once(call)
        return call

    async def until(self, count: int) -> None:
        """Returns once so many calls were begun."""
        async with asyncio.timeout(60):
            while len(self.calls) < count:
                self._came.clear()
                await self._came.wait()
