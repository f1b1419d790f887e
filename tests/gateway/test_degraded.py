"""One backend is down: its fields have a gap that is told, everything else is there."""

from typing import Any

import pytest

from tests.gateway.conftest import House
from tests.gateway.test_home import HOME

UNAVAILABLE = 5030100


def gap(path: str, backend: str, mode: str = "NULL") -> dict[str, Any]:
    steps = [int(step) if step.isdigit() else step for step in path.split(".")]
    return {"path": steps, "backend": backend, "mode": mode, "code": UNAVAILABLE, "ageMs": 0}


@pytest.mark.parametrize(
    ("backend", "field"), [("permission", "features"), ("banner", "banners"), ("activity", "feed")]
)
async def test_a_part_of_the_home_whose_backend_is_down_is_null_and_the_rest_intact(
    house: House, backend: str, field: str
) -> None:
    whole = (await house.data(HOME, "ada"))["viewer"]
    await house.backends.stop(backend)
    response = await house.post(HOME, "ada")
    answer = response.json()
    assert response.status_code == 200
    assert sorted(answer) == ["data", "extensions"]
    assert answer["extensions"] == {"degraded": [gap(f"viewer.home.{field}", backend)]}
    viewer = answer["data"]["viewer"]
    assert viewer["home"].pop(field) is None
    del whole["home"][field]
    # What was shown may have reached its daily cap since.
    whole["home"].pop("banners", None), viewer["home"].pop("banners", None)
    assert viewer == whole


async def test_without_the_account_backend_a_guest_still_has_a_home(house: House) -> None:
    await house.backends.stop("account")
    answer = await house.ask(HOME)
    edges = answer["data"]["viewer"]["home"]["feed"]["edges"]
    assert [edge["node"]["author"] for edge in edges] == [None] * 20
    assert answer["data"]["viewer"]["home"]["features"] != []
    expected = [gap(f"viewer.home.feed.edges.{n}.node.author", "account") for n in range(20)]
    assert answer["extensions"]["degraded"] == expected
    labels = {"field": "Activity.author", "backend": "account", "mode": "NULL"}
    assert house.metrics.registry.get_sample_value("atrium_degraded_total", labels) == 20
    assert "errors" not in answer


async def test_nobody_is_taken_for_a_guest_because_the_session_cannot_be_verified(house: House) -> None:
    await house.backends.stop("account")
    response = await house.post(HOME, "ada")
    [error] = response.json()["errors"]
    assert response.status_code == 200
    assert response.json()["data"] is None
    assert (error["message"], error["path"]) == ("the account backend is unavailable", ["viewer"])
    assert error["extensions"]["code"] == UNAVAILABLE
    assert error["extensions"]["reason"] == "BACKEND_UNAVAILABLE"
    assert error["extensions"]["retryable"] is True


async def test_a_permission_that_cannot_be_checked_is_not_there(house: House) -> None:
    query = '{ viewer { can(permission: "activity.publish") } }'
    assert await house.data(query, "ada") == {"viewer": {"can": True}}
    await house.backends.stop("permission")
    assert await house.ask(query, "ada") == {
        "data": {"viewer": {"can": False}},
        "extensions": {"degraded": [gap("viewer.can", "permission", "DEFAULT")]},
    }


async def test_follower_counts_are_null_without_the_activity_backend(house: House) -> None:
    await house.backends.stop("activity")
    answer = await house.ask('{ accounts(ids: ["acc_2", "acc_1"]) { handle followingCount followerCount } }')
    assert answer["data"]["accounts"] == [
        {"handle": "bo", "followingCount": None, "followerCount": None},
        {"handle": "ada", "followingCount": None, "followerCount": None},
    ]
    assert [entry["path"] for entry in answer["extensions"]["degraded"]] == [
        ["accounts", 0, "followerCount"],
        ["accounts", 0, "followingCount"],
        ["accounts", 1, "followerCount"],
        ["accounts", 1, "followingCount"],
    ]


async def test_a_change_whose_backend_is_down_is_an_error(house: House) -> None:
    await house.backends.stop("activity")
    answer = await house.ask('mutation { publishActivity(input: {kind: POST, text: "x"}) { id } }', "ada")
    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == [UNAVAILABLE]
