"""A lane goes with a request, down to the events that come of it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.lanes import HEADER, Lanes, names
from gateway.settings import Settings
from services.runtime.lane import lane
from tests.gateway.conftest import House

FOLLOW = 'mutation { follow(accountId: "acc_%d") { id } }'


async def lane_of(known: str, *headers: tuple[bytes, bytes]) -> str:
    """The lane in which a connection with these headers is served."""
    seen = []

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(lane())

    async def nothing(*_: Any) -> Any:
        raise AssertionError("nobody waits for anything")

    await Lanes(app, names(known))({"type": "websocket", "headers": list(headers)}, nothing, nothing)
    assert lane() == ""
    return seen[0]


@pytest.mark.parametrize("wanted", ["blue", "green-2"])
async def test_a_request_is_in_the_lane_that_it_asks_for(wanted: str) -> None:
    assert await lane_of("blue, green-2", (b"accept", b"*/*"), (HEADER.encode(), wanted.encode())) == wanted


@pytest.mark.parametrize("wanted", [b"", b"red", b"Blue", b"blue, green", b"\xff" * 100])
async def test_a_lane_that_nobody_knows_is_the_usual_one(wanted: bytes) -> None:
    assert await lane_of("blue,green", (HEADER.encode(), wanted)) == ""


@pytest.mark.parametrize("setting", ["Blue", "blue,", "a b", "x" * 41, "blue;green"])
def test_a_setting_that_names_no_lanes_is_refused(setting: str) -> None:
    with pytest.raises(ValidationError, match="must be names of small letters, digits and hyphens, after commas"):
        Settings(lanes=setting)


def lanes_of_events(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "stores" / "activity.db")) as store:
        return [lane for (lane,) in store.execute("SELECT lane FROM activity_outbox ORDER BY sequence").fetchall()]


async def test_an_event_tells_in_which_lane_it_was_caused(house_with: Callable[..., Any], tmp_path: Path) -> None:
    house: House
    async with house_with(lanes="blue") as house:
        before = lanes_of_events(tmp_path)
        for account, wanted in ((100, "blue"), (101, "red"), (102, None)):
            headers = {"authorization": f"Bearer {house.tokens['ada']}"} | ({HEADER: wanted} if wanted else {})
            answer = await house.http.post("/graphql", json={"query": FOLLOW % account}, headers=headers)
            assert "errors" not in answer.json()
    assert lanes_of_events(tmp_path)[len(before) :] == ["blue", "", ""]
