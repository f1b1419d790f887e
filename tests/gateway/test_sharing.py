"""Requests that ask the same backends at the same time share calls, and nothing else."""

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.gateway.conftest import House
from tests.gateway.test_home import HOME, SIX

REQUESTS = 9
"""So few that no backend is taken for silent when each has calls alone, however slow the machine."""
VIEWERS = ("ada", "bo", "sam")
"""Who sees banners."""


async def ask_at_once(house: House) -> list[Any]:
    """The homes of several viewers, no two requests being equal."""
    asked = [house.data(HOME, VIEWERS[number % 3], first=number + 1) for number in range(REQUESTS)]
    return [answer["viewer"] for answer in await asyncio.gather(*asked)]


async def test_many_requests_at_once_cost_hardly_more_calls_than_one(house: House) -> None:
    for number, viewer in enumerate(await ask_at_once(house)):
        assert viewer["account"]["handle"] == VIEWERS[number % 3]
        assert len(viewer["home"]["feed"]["edges"]) == number + 1
    assert sum(house.rpcs().values()) <= 3 * sum(SIX.values())


async def test_each_viewer_is_answered_as_if_alone(house_with: Callable[..., Any]) -> None:
    async with house_with() as house:
        together = await ask_at_once(house)
    async with house_with(share_calls=False) as house:
        assert [without_banners(one) for one in await ask_at_once(house)] == [without_banners(one) for one in together]
        assert house.rpcs() == {name: calls * REQUESTS for name, calls in SIX.items()}


def without_banners(viewer: Any) -> Any:
    """Which banners are shown is drawn by lot."""
    viewer["home"].pop("banners")
    return viewer


@pytest.fixture
def logs() -> Any:
    with capture_logs() as captured:
        yield captured


async def test_requests_tell_how_many_of_their_calls_they_shared(
    house: House, logs: list[MutableMapping[str, Any]]
) -> None:
    await house.data(HOME, "ada")
    await ask_at_once(house)
    first, *others = [(line["rpcs"], line["shared"]) for line in logs if line["event"] == "request"]
    assert first == (6, 0)
    assert {rpcs for rpcs, _ in others} == {6}
    assert all(shared > 0 for _, shared in others)


async def test_the_shares_of_all_requests_add_up_to_the_calls(house: House) -> None:
    await house.data(HOME, "ada")
    await ask_at_once(house)
    sample = house.metrics.registry.get_sample_value
    assert sample("atrium_request_rpcs_count") == REQUESTS + 1
    assert sample("atrium_request_rpcs_sum") == pytest.approx(sum(house.rpcs().values()))
