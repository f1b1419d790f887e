"""A connection over HTTP that does not wait for ever: not for what is sent too slowly, nor for who does not read."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ONCE = (b"host", b"authorization", b"content-type", b"content-encoding")
"""Headers that a request may have once only: of two, whoever stands before us may believe the other one."""


@dataclass(frozen=True, slots=True)
class Patience:
    """What a client may demand of a connection."""

    head_seconds: float = 10.0
    """How long a request may take to tell its headers, and a new connection to begin one."""
    body_seconds: float = 30.0
    """How long the rest of a request may take, also where nobody reads it."""
    unread_seconds: float = 30.0
    """How long a client may read nothing of an answer that waits for it."""
    head_bytes: int = 32_768
    """The most bytes that address and headers of a request may have."""
    headers: int = 100
    """The most headers that a request may have."""


class Connection(HttpToolsProtocol):
    """uvicorn's, which by itself keeps slow clients for ever and takes headers of any size."""

    patience = Patience()

    def __init__(self, *positional: Any, **named: Any) -> None:
        super().__init__(*positional, **named)
        self._in_head = self._in_body = self._too_large = False
        self._head_bytes = 0
        self._request_timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first request."""
        super().connection_made(transport)
        self._wait(self.patience.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits for nothing any more."""
        self._wait(None)
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads on; a request that arrives whole needs no timer."""
        began_in_head, began_in_body = self._in_head, self._in_body
        self._head_bytes = self._head_bytes + len(data) if began_in_head else len(data)
        super().data_received(data)
        if self._in_head:
            self._continue_head(new=not began_in_head)
        elif not self._in_body:
            self._wait(None)
        elif not began_in_body:
            self._wait(self.patience.body_seconds)

    def _continue_head(self, *, new: bool) -> None:
        if self._head_bytes > self.patience.head_bytes and not new:
            self._too_large = True
            self.send_400_response("")
        elif new and self._request_timer is None:
            self._wait(self.patience.head_seconds)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Refuses headers that are too many, too large or ambiguous; looks at each only where that can be."""
        self._in_head, self._in_body = False, True
        many = len(self.headers) > self.patience.headers
        if many or (self._head_bytes > self.patience.head_bytes and self._told_bytes() > self.patience.head_bytes):
            self._too_large = True
            raise ValueError("headers")  # To the parser, which stops at it.
        names = [name for name, _ in self.headers]
        if len({*names}) < len(names) and any(names.count(name) > 1 for name in ONCE):
            raise ValueError("ambiguous headers")
        super().on_headers_complete()

    def _told_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def on_message_complete(self) -> None:
        """A request is complete."""
        self._in_body = False
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Leaves the connection to the other protocol."""
        self._wait(None)
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no request, and closes the connection."""
        if self._too_large:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            super().send_400_response(msg)

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered: it must go on reading."""
        super().pause_writing()
        self._watch_reading()

    def _watch_reading(self, unread: int | None = None) -> None:
        """Drops the connection when nothing was read since there were so many bytes unread."""
        left = self.transport.get_write_buffer_size()
        if unread is not None and left >= unread:
            self.transport.abort()
        else:
            self._unread_timer = self.loop.call_later(self.patience.unread_seconds, self._watch_reading, left)

    def resume_writing(self) -> None:
        """The client reads on."""
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None
        super().resume_writing()

    def _wait(self, seconds: float | None) -> None:
        """Gives the client so long for what it has to send next; for ever when it owes nothing."""
        if self._request_timer is not None:
            self._request_timer.cancel()
            self._request_timer = None
        if seconds is not None:
            self._request_timer = self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        """Closes the connection, with an answer where no other may be under way."""
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering or self._in_body:
            self.transport.abort()
        elif self._in_head:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        if not self.transport.is_closing():
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode())
            self.transport.close()
