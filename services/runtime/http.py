"""How this program calls HTTP endpoints of others; the one place that knows the client library."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from services.runtime.telemetry import instrument_http

REQUEST_SECONDS = 10.0
"""How long each part of one attempt may take: to connect, to send, to answer."""
ATTEMPTS = 4
FIRST_PAUSE = 0.2
"""Seconds before the second attempt; doubled before each further one, up to a half shorter by chance."""
LONGEST_PAUSE = 10.0
"""The longest that an endpoint may have us wait by `Retry-After`."""


class Persistent(httpx.AsyncBaseTransport):
    """Tries again what an endpoint may answer in a moment. For requests that may be repeated without harm."""

    def __init__(self, inner: httpx.AsyncBaseTransport, first_pause: float, attempts: int) -> None:
        self._inner = inner
        self._attempts = attempts
        self._first_pause = first_pause

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The first answer that is neither 429 nor 502 to 504, or the last one; raises what the last attempt raised."""
        for attempt in range(self._attempts - 1):
            pause = self._first_pause * 2**attempt * random.uniform(0.5, 1)  # noqa: S311 - spreads, hides nothing.
            try:
                response = await self._inner.handle_async_request(request)
            except httpx.TransportError:
                await asyncio.sleep(pause)
                continue
            if response.status_code not in (429, 502, 503, 504):
                return response
            await response.aclose()
            await asyncio.sleep(max(pause, _asked_pause(response)))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._inner.aclose()


def _asked_pause(response: httpx.Response) -> float:
    seconds = response.headers.get("retry-after", "")
    return min(float(seconds), LONGEST_PAUSE) if seconds.isascii() and seconds.isdigit() else 0.0


@asynccontextmanager
async def open_http(
    transport: httpx.AsyncBaseTransport | None = None,
    first_pause: float = FIRST_PAUSE,
    attempts: int = ATTEMPTS,
    seconds: float = REQUEST_SECONDS,
) -> AsyncIterator[httpx.AsyncClient]:
    """A client that tries again; traced, like everything that leaves this process. `transport` replaces the network."""
    inner = Persistent(transport or httpx.AsyncHTTPTransport(), first_pause, attempts)
    async with httpx.AsyncClient(transport=inner, timeout=seconds) as client:
        instrument_http(client)
        yield client


async def fetched(client: httpx.AsyncClient, url: str, most: int) -> bytes:
    """What is at the URL, at most so many bytes; raises httpx.HTTPError, or ValueError when there are more."""
    async with client.stream("GET", url) as response:
        response.raise_for_status()
        body = b""
        async for part in response.aiter_bytes():
            body += part
            if len(body) > most:
                raise ValueError("the answer is too long")
    return body
