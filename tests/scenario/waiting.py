"""Waiting for what is told by events: it takes a moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

PATIENCE = 120


async def eventually(ask: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    """Returns once the answer is the one wanted."""
    found = None
    try:
        async with asyncio.timeout(PATIENCE):
            while (found := await ask()) != wanted:  # noqa: ASYNC110 - others decide when it is.
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"still {found!r} instead of {wanted!r}")
