"""Calls to HTTP endpoints of others."""

import time

import httpx
import pytest

from services.runtime.http import LONGEST_PAUSE, open_http


def answering(*statuses: int, headers: dict[str, str] | None = None) -> tuple[list[str], httpx.MockTransport]:
    """What is asked, and an endpoint that answers with these statuses; 0 is a connection that breaks."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.content.decode())
        if status := statuses[len(asked) - 1]:
            return httpx.Response(status, headers=headers)
        raise httpx.ConnectError("gone")

    return asked, httpx.MockTransport(answer)


async def post(transport: httpx.MockTransport) -> int:
    async with open_http(transport, first_pause=0) as client:
        return (await client.post("http://example.test/", content=b"news")).status_code


@pytest.mark.parametrize("passing", [0, 429, 502, 503, 504])
async def test_what_may_pass_is_tried_again_with_the_same_content(passing: int) -> None:
    asked, transport = answering(passing, passing, 200)
    assert await post(transport) == 200
    assert asked == ["news"] * 3


@pytest.mark.parametrize("status", [200, 204, 302, 400, 404, 500])
async def test_any_other_answer_is_the_answer(status: int) -> None:
    asked, transport = answering(status)
    assert await post(transport) == status
    assert asked == ["news"]


async def test_the_fourth_answer_is_the_last() -> None:
    asked, transport = answering(503, 503, 503, 503)
    assert await post(transport) == 503
    assert len(asked) == 4


async def test_the_fourth_failure_is_the_last() -> None:
    asked, transport = answering(0, 0, 0, 0)
    with pytest.raises(httpx.ConnectError):
        await post(transport)
    assert len(asked) == 4


async def test_an_endpoint_may_say_how_long_to_wait() -> None:
    _, transport = answering(429, 200, headers={"retry-after": "1"})
    started = time.monotonic()
    assert await post(transport) == 200
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("words", ["-1", "Wed, 21 Oct 2026 07:28:00 GMT", "1e9", ""])
async def test_what_is_no_number_of_seconds_is_not_waited_for(words: str) -> None:
    _, transport = answering(429, 200, headers={"retry-after": words})
    started = time.monotonic()
    assert await post(transport) == 200
    assert time.monotonic() - started < LONGEST_PAUSE
