"""What a request left out, or failed for, goes with it: under overload collections would take the time of answers."""

import gc
from collections.abc import Callable

import pytest

from gateway.context import OperationContext
from services.runtime.shedding import LEAST
from tests.gateway.conftest import House
from tests.gateway.test_home import HOME
from tests.gateway.test_shedding import overload as overload  # The fixture.


async def kept(house: House) -> int:
    """How many of three requests something still knows that only a collection could let go of."""
    first = await house.ask(HOME, "ada")
    assert "errors" in first or "extensions" in first
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            await house.ask(HOME, "ada")
        return sum(isinstance(each, OperationContext) for each in gc.get_objects())
    finally:
        gc.enable()


async def test_nothing_is_kept_of_what_is_left_out(house: House, overload: Callable[[int], None]) -> None:
    overload(LEAST * 8 // 10)
    assert await kept(house) == 0


@pytest.mark.parametrize("backends", [("banner", "activity"), ("account",)])
async def test_nothing_is_kept_of_gaps_and_failures(house: House, backends: tuple[str, ...]) -> None:
    for backend in backends:
        await house.backends.stop(backend)
    assert await kept(house) == 0
