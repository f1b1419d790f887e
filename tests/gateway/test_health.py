import pytest

from gateway.health import CONTRACTS, service_name, summary
from services.backends import BACKENDS
from services.runtime.pulse import STUCK_SECONDS
from tests.gateway.conftest import House

ALL_UP = {"account": "up", "permission": "up", "banner": "up", "activity": "up", "admin": "up"}


def test_the_gateway_asks_for_the_services_that_the_backends_serve() -> None:
    assert {name: service_name(name) for name in CONTRACTS} == {name: BACKENDS[name].service for name in CONTRACTS}


async def test_the_process_lives(house: House) -> None:
    response = await house.http.get("/livez")
    assert (response.status_code, response.text) == (200, "ok\n")


async def test_it_is_ready_when_every_backend_serves(house: House) -> None:
    await house.backends.healthy()
    response = await house.http.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "backends": ALL_UP})


@pytest.mark.parametrize("down", ["permission", "banner", "activity", "admin"])
async def test_a_backend_that_answers_can_do_without_leaves_it_ready_but_degraded(house: House, down: str) -> None:
    await house.backends.healthy()
    await house.backends.stop(down)
    response = await house.http.get("/readyz")
    assert (response.status_code, response.json()) == (
        200,
        {"status": "degraded", "backends": ALL_UP | {down: "down"}},
    )


async def test_without_the_account_backend_it_is_not_ready(house: House) -> None:
    await house.backends.healthy()
    await house.backends.stop("account")
    response = await house.http.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "down")


async def test_it_wants_no_requests_once_it_begins_to_stop(house: House) -> None:
    house.backends.readiness.go_down()
    response = await house.http.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "stopping")
    assert (await house.http.get("/livez")).status_code == 200


async def test_it_wants_no_requests_while_its_event_loop_stands_still(house: House) -> None:
    house.backends.readiness.pulse.note(STUCK_SECONDS)
    response = await house.http.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "overloaded")


def test_stopping_is_told_before_everything_else_and_overload_before_backends() -> None:
    serving = {"account": False, "banner": True}
    assert summary(serving, stopping=True, overloaded=True) == "stopping"
    assert summary(serving, stopping=False, overloaded=True) == "overloaded"
