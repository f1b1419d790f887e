"""Operations over one WebSocket, by the graphql-transport-ws protocol."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from gateway import errors
from gateway.body import Operation, Refusal, check_texts, operation_from
from gateway.budget import budget
from gateway.context import OperationContext, Seat
from gateway.push import messages
from gateway.push.connections import TooManyConnections
from gateway.push.listeners import SlowReader
from gateway.push.messages import Broken
from gateway.push.noted import Stream
from schema import errcode
from services.runtime.channels import CallTally, call_tally
from services.runtime.telemetry import start_trace

MakeContext = Callable[[Scope, str | None], OperationContext]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one socket may do."""

    init_seconds: float = 5.0
    """How long it may stay without introducing itself."""
    operations: int = 20
    """How many operations it may have at once."""
    operation_seconds: float = 5.0
    """How long an operation may take that is no subscription, unless its client waits less long."""
    send_seconds: float = 10.0
    """How long its client may leave a message unread."""


class Conversation:
    """One accepted connection."""

    def __init__(self, websocket: WebSocket, stream: Stream, make_context: MakeContext, bounds: Bounds) -> None:
        self._websocket = websocket
        self._stream = stream
        self._make_context = make_context
        self._bounds = bounds
        self._authorization = websocket.headers.get("authorization")
        self.seat: Seat | None = None
        """Its place among the connections of its client."""
        self._seconds = bounds.operation_seconds
        self._introduced = False
        self._running: dict[str, asyncio.Task[None]] = {}
        self.operations = 0
        """How many were begun."""
        self.dropped = False
        """Whether this side ended it because of the client."""

    async def hold(self) -> int:
        """Talks until either side ends it; every operation ends with it. The code with which it ended."""
        code = messages.GONE
        try:
            self._seconds = self._budget()
            async with asyncio.TaskGroup() as group:
                code = await self._listen(group)
                for task in self._running.values():
                    task.cancel()
        except* Broken as broken:
            first = _first(broken)
            code = await self.close(first.code, first.reason)
        except* WebSocketDisconnect:
            pass  # It went while something was sent.
        return code

    async def close(self, code: int, reason: str) -> int:
        """Ends the connection because of its client; the code."""
        self.dropped = True
        if self._websocket.client_state is WebSocketState.CONNECTED:
            try:
                await self._websocket.close(code, messages.fitting(reason))
            except WebSocketDisconnect:
                return messages.GONE
        return code

    def _budget(self) -> float:
        """How long an operation may take, by what the client says of itself."""
        try:
            return budget(self._websocket.headers, self._bounds.operation_seconds)
        except Refusal as refusal:
            raise Broken(messages.INVALID_MESSAGE, refusal.error.message) from refusal

    async def _listen(self, group: asyncio.TaskGroup) -> int:
        """Takes messages until the client leaves; its code."""
        async with asyncio.timeout(self._bounds.init_seconds) as patience:
            try:
                while True:
                    received = await self._websocket.receive()
                    if received["type"] == "websocket.disconnect":
                        return int(received.get("code") or messages.GONE)
                    await self._take(messages.decoded(received.get("text")), group)
                    if self._introduced:
                        patience.reschedule(None)
            except asyncio.CancelledError as error:
                if patience.expired():
                    raise Broken(messages.INIT_TIMEOUT, "introduce yourself in time") from error
                raise

    async def _take(self, message: dict[str, Any], group: asyncio.TaskGroup) -> None:
        match message["type"]:
            case "connection_init":
                await self._introduce(message.get("payload") or {})
            case "ping":
                await self._send(messages.encoded("pong"))
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(message, group)
            case "complete":
                if task := self._running.pop(messages.operation_id(message), None):
                    task.cancel()
            case _:
                raise Broken(messages.INVALID_MESSAGE, "there is no such type of message")

    async def _introduce(self, payload: dict[str, Any]) -> None:
        if self._introduced:
            raise Broken(messages.TOO_MANY_INITS, "too many introductions")
        self._introduced = True
        given = next((value for name, value in payload.items() if name.lower() == "authorization"), None)
        if isinstance(given, str):
            self._authorization = given
        await self._send(messages.encoded("connection_ack"))

    async def _subscribe(self, message: dict[str, Any], group: asyncio.TaskGroup) -> None:
        if not self._introduced:
            raise Broken(messages.UNAUTHORIZED, "introduce yourself first")
        number = messages.operation_id(message)
        if number in self._running:
            raise Broken(messages.ALREADY_SUBSCRIBED, f"there is a subscriber for {number} already")
        payload = message.get("payload") or {}
        try:
            check_texts(payload)
            operation = operation_from(payload)
        except Refusal as refusal:
            raise Broken(messages.INVALID_MESSAGE, refusal.error.message) from refusal
        if (wanted := len(self._running) + 1) > self._bounds.operations:
            return await self._refuse(number, wanted)
        self.operations += 1
        self._running[number] = group.create_task(self._run(number, operation))
        return None

    async def _refuse(self, number: str, wanted: int) -> None:
        start_trace(None)
        many = errcode.OperationTooLarge("operations of a socket", wanted, self._bounds.operations)
        _log.info("subscription refused", code=many.code)
        await self._send(messages.encoded("error", number, [errors.entry(many)]))

    async def _run(self, number: str, operation: Operation) -> None:
        start_trace(None)
        call_tally.set(CallTally())
        context = self._make_context(self._websocket.scope, self._authorization)
        context.seconds, context.seat = self._seconds, self.seat
        try:
            last = await self._tell(number, operation, context)
        finally:
            # The client may have completed it, and begun another with the same id.
            if self._running.get(number) is asyncio.current_task():
                del self._running[number]
        await self._send(last)

    async def _tell(self, number: str, operation: Operation, context: OperationContext) -> str:
        """Tells the answers; the message that is to end the operation."""
        async with aclosing(self._stream(operation, context)) as answers:
            async for answer in answers:
                match answer.error:
                    case SlowReader():
                        raise Broken(messages.SLOW_READER, answer.error.message)
                    case TooManyConnections():
                        raise Broken(messages.TOO_MANY_CONNECTIONS, answer.error.message)
                if not answer.has_data and answer.error is not None:
                    return messages.encoded("error", number, answer.content["errors"])
                await self._send(messages.encoded("next", number, answer.content))
        return messages.encoded("complete", number)

    async def _send(self, text: str) -> None:
        try:
            async with asyncio.timeout(self._bounds.send_seconds):
                await self._websocket.send_text(text)
        except TimeoutError as error:
            raise Broken(messages.SLOW_READER, SlowReader().message) from error


def _first(group: BaseExceptionGroup[Any]) -> Broken:
    """The first error of a group of errors and groups."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
