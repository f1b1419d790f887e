"""An overloaded gateway leaves out banners, then the feed, and refuses requests only then."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from schema.errcode import Overloaded
from services.runtime.shedding import LEAST
from tests.gateway.conftest import House
from tests.gateway.test_home import HOME

PARTS = ("features", "banners", "feed")


@pytest.fixture
def overload(house: House) -> Callable[[int], None]:
    """Makes the gateway late, with so many requests at work."""

    def make(requests: int) -> None:
        health = house.app.state.health
        for _ in range(20):
            house.backends.readiness.pulse.note(1.0)
        for _ in range(requests):
            assert health.limiter.enter() is not None

    return make


def left_out(answer: dict[str, Any]) -> list[str]:
    """Which parts of the home were left out, each of which is told with the code of overload."""
    home = answer["data"]["viewer"]["home"]
    entries = answer.get("extensions", {}).get("degraded", [])
    assert {entry["code"] for entry in entries} <= {Overloaded.code}
    assert [entry["path"][-1] for entry in entries] == sorted(part for part in PARTS if home[part] is None)
    return [part for part in PARTS if home[part] is None]


@pytest.mark.parametrize(
    ("requests", "without"),
    [(0, []), (LEAST * 6 // 10 - 2, []), (LEAST * 6 // 10, ["banners"]), (LEAST * 8 // 10, ["banners", "feed"])],
)
async def test_what_matters_least_is_left_out_first(
    house: House, overload: Callable[[int], None], requests: int, without: list[str]
) -> None:
    overload(requests)
    answer = await house.ask(HOME, "ada")
    assert left_out(answer) == without
    assert answer["data"]["viewer"]["account"]["handle"] == "ada"
    assert house.rpcs()["banner.BatchListBanners"] == ("banners" not in without)
    assert house.rpcs()["activity.BatchListFeeds"] == ("feed" not in without)


async def test_as_many_as_can_be_answered_are_taken_on_and_the_others_refused_unread(
    house: House, overload: Callable[[int], None]
) -> None:
    overload(LEAST - 1)
    answer = await house.ask(HOME, "ada")
    assert left_out(answer) == ["banners", "feed"]
    before = house.rpcs()

    overload(1)
    response = await house.http.post("/graphql", content=b"no JSON", headers={"content-type": "text/plain"})
    [error] = response.json()["errors"]
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert (error["extensions"]["code"], error["extensions"]["retryAfter"]) == (Overloaded.code, 1)
    assert house.rpcs() == before
    assert house.metrics.registry.get_sample_value("atrium_shed_total", {"what": "request"}) == 1

    assert (await house.http.get("/livez")).status_code == 200
    house.app.state.health.limiter.leave(0.0, answered=True)
    assert (await house.post(HOME, "ada")).status_code == 200


async def test_a_body_that_takes_its_time_takes_no_turn_of_others(house: House) -> None:
    limiter, counted = house.app.state.health.limiter, list[int]()

    async def slowly() -> AsyncIterator[bytes]:
        for part in (b'{"query": ', b'"{ __typename }"', b"}"):
            counted.append(limiter.in_flight)
            yield part

    response = await house.http.post("/graphql", content=slowly(), headers={"content-type": "application/json"})
    assert response.json() == {"data": {"__typename": "Query"}}
    assert counted == [0, 0, 0]
    assert limiter.in_flight == 0


async def test_a_gateway_that_keeps_up_leaves_nothing_out(house: House, overload: Callable[[int], None]) -> None:
    for _ in range(2 * LEAST):
        assert house.app.state.health.limiter.enter() is not None
    assert left_out(await house.ask(HOME, "ada")) == []
