"""A request has one budget: what its client waits, capped by the setting."""

import pytest
from starlette.datastructures import Headers

from gateway.body import Refusal
from gateway.budget import HEADER, budget
from tests.gateway.conftest import House
from tests.gateway.test_home import HOME


def test_without_a_header_the_setting_says_how_long() -> None:
    assert budget(Headers(), 5.0) == 5.0


@pytest.mark.parametrize(("wanted", "seconds"), [("1000", 0.95), ("1", 0.00095), ("5200", 4.94), ("007", 0.00665)])
def test_a_client_gets_its_answer_before_it_gives_up(wanted: str, seconds: float) -> None:
    assert budget(Headers({HEADER: wanted}), 5.0) == pytest.approx(seconds)


@pytest.mark.parametrize("wanted", ["6000", "999999999"])
def test_a_client_cannot_wait_longer_than_the_setting_allows(wanted: str) -> None:
    assert budget(Headers({HEADER: wanted}), 5.0) == 5.0


@pytest.mark.parametrize("wanted", ["", "0", "000", "-1", "1.5", "1e3", "1 s", "٣", "²", "9999999999"])
def test_a_header_that_is_no_number_of_milliseconds_is_refused(wanted: str) -> None:
    with pytest.raises(Refusal, match="x-request-timeout-ms: must be a whole number of milliseconds") as caught:
        budget(Headers(raw=[(HEADER.encode(), wanted.encode())]), 5.0)
    assert caught.value.status == 400


async def test_a_malformed_header_is_answered_by_name_and_nothing_runs(house: House) -> None:
    response = await house.http.post("/graphql", json={"query": HOME}, headers={HEADER: "soon"})
    [error] = response.json()["errors"]
    assert (response.status_code, error["extensions"]["code"]) == (400, 4000100)
    assert house.rpcs() == {}


async def test_where_no_time_is_left_for_backends_what_can_do_without_is_skipped(house: House) -> None:
    response = await house.http.post("/graphql", json={"query": HOME}, headers={HEADER: "9"})
    home = response.json()["data"]["viewer"]["home"]
    assert (home["features"], home["banners"], home["feed"]) == (None, None, None)
    assert {entry["code"] for entry in response.json()["extensions"]["degraded"]} == {5040100}
    assert "errors" not in response.json()
    assert house.rpcs() == {}
