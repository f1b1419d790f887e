"""A week in the life of an account, from being opened to what is left of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import HandClock
from tests.gateway.push.client import Subscriber, connected
from tests.scenario.centre import Centre, open_centre
from tests.scenario.visitor import (
    ACCOUNT,
    CHANGED,
    CHECK_MERGE,
    CLOSE,
    FEED_ADDED,
    FOLLOW,
    ME,
    MERGE,
    PASSWORD,
    PUBLISH,
    RENAME,
    REOPEN,
    SIGN_IN,
)
from tests.scenario.waiting import eventually


@pytest.fixture
async def centre(tmp_path: Path, clock: HandClock) -> AsyncIterator[Centre]:
    async with open_centre(tmp_path / "centre", clock) as opened:
        yield opened


@dataclass(frozen=True)
class People:
    """Ids and session tokens of those who take part."""

    staff: str
    wren: str
    spare: str
    finch: str
    as_wren: str
    as_spare: str
    as_finch: str


async def staff_opens_three_accounts(centre: Centre) -> People:
    visitor = centre.visitor
    staff = await visitor.sign_in("sam", "atrium-demo")
    return People(
        staff,
        wren=await visitor.open_account(staff, "wren"),
        spare=await visitor.open_account(staff, "wren_too"),
        finch=await visitor.open_account(staff, "finch", "CREATOR", creator={"category": "birds"}),
        as_wren=await visitor.sign_in("wren"),
        as_spare=await visitor.sign_in("wren_too"),
        as_finch=await visitor.sign_in("finch"),
    )


@asynccontextmanager
async def subscribed(centre: Centre, token: str, query: str) -> AsyncIterator[Subscriber]:
    """A subscription that waits."""

    async with connected(centre.address) as subscriber:
        await subscriber.introduce(token)
        await subscriber.subscribe("1", query)
        await eventually(centre.visitor.subscriptions, 1)
        yield subscriber
    await eventually(centre.visitor.subscriptions, 0)


async def wren_follows_finch_and_is_told_what_finch_publishes(centre: Centre, people: People) -> None:
    followed = await centre.visitor.data(FOLLOW, people.as_wren, id=people.finch)
    assert followed["follow"] == {"followerCount": 1}
    async with subscribed(centre, people.as_wren, FEED_ADDED) as subscriber:
        await centre.visitor.data(PUBLISH, people.as_finch, text="a nest")
        told = await subscriber.data()
    assert told == {"feedActivityAdded": {"text": "a nest", "author": {"handle": "finch"}}}
    assert await centre.visitor.feed(people.as_wren) == [("finch", "a nest")]


async def wren_takes_another_name_and_is_told_elsewhere(centre: Centre, people: People) -> None:
    async with subscribed(centre, people.as_wren, CHANGED) as subscriber:
        await centre.visitor.data(RENAME, people.as_wren, version=1, name="Wren of the hedge")
        told = await subscriber.data()
    assert told == {"accountChanged": {"displayName": "Wren of the hedge", "version": 2, "status": "ACTIVE"}}


async def the_day_before_is_rolled_up(centre: Centre, people: People) -> None:
    rolled_up = await centre.run("rollup-daily")
    report = json.loads(await asyncio.to_thread(Path(str(rolled_up["report"])).read_text))
    assert (report["starts_at"], report["ends_at"]) == ("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z")
    finch = int(people.finch.removeprefix("acc_"))
    rows = [row for row in report["rows"] if row["account_id"] == finch]
    assert rows == [{"account_id": finch, "kind": "POST", "count": 1}]
    assert await centre.run("rollup-daily") == rolled_up


async def the_second_account_becomes_part_of_the_first(centre: Centre, people: People) -> None:
    visitor, pair = centre.visitor, {"source": people.spare, "target": people.wren}
    await visitor.data(FOLLOW, people.as_spare, id="acc_2")
    check = (await visitor.data(CHECK_MERGE, people.staff, **pair))["admin"]["checkMerge"]
    moves = {move["what"]: move["count"] for move in check["moves"]}
    assert (check["refusal"], moves["following"], moves["sessions"]) == (None, 1, 1)
    await visitor.data(MERGE, people.staff, **pair)

    async def state() -> Any:
        return (await visitor.merge(people.staff, people.spare)).get("state")

    await eventually(state, "DONE")
    account = (await visitor.data(ACCOUNT, id=people.spare))["account"]
    assert (account["handle"], account["followingCount"]) == ("wren", 2)
    assert (await visitor.data(ME, people.as_spare))["viewer"] == {"account": {"handle": "wren"}}


async def wren_closes_the_account_and_comes_back(centre: Centre, people: People) -> None:
    visitor = centre.visitor
    assert (await visitor.data(CLOSE, people.as_wren))["closeAccount"] == {"status": "CLOSING"}
    assert await visitor.code(CLOSE, people.as_wren) == 4090300
    centre.clock.advance(days=6)
    await centre.run("end-closures")
    assert (await visitor.data(REOPEN, people.as_wren))["reopenAccount"] == {"status": "ACTIVE"}
    assert await visitor.code(REOPEN, people.as_wren) == 4090300


async def wren_closes_it_for_good(centre: Centre, people: People) -> None:
    assert (await centre.visitor.data(CLOSE, people.as_wren))["closeAccount"] == {"status": "CLOSING"}
    centre.clock.advance(days=6, hours=23)
    assert await centre.run("end-closures") == {"accounts": 0}
    assert (await centre.visitor.data(ACCOUNT, id=people.wren))["account"]["handle"] == "wren"
    centre.clock.advance(hours=2)
    assert await centre.run("end-closures") == {"accounts": 1}


async def nothing_is_left_but_that_it_was(centre: Centre, people: People) -> None:
    visitor = centre.visitor

    async def history() -> Any:
        return [(one["kind"], one["erased"]) for one in await visitor.history(people.staff, people.wren)]

    assert await visitor.code(ACCOUNT, id=people.wren) == 4040100
    assert await visitor.code(ACCOUNT, id=people.spare) == 4040100
    assert await visitor.code("{ viewer { type } }", people.as_wren) == 4010100
    assert await visitor.code("{ viewer { type } }", people.as_spare) == 4010100
    assert await visitor.code(SIGN_IN, handle="wren", password=PASSWORD) == 4010300
    lived = ["STATUS", "STATUS", "STATUS", "TOOK_OVER", "ATTRIBUTES", "OPENED"]
    await eventually(history, [("STATUS", False), *((kind, True) for kind in lived)])
    told = json.dumps(await visitor.history(people.staff, people.wren))
    assert ("hedge" in told, '"wren"' in told, "moving on" in told) == (False, False, False)

    async def followers() -> Any:
        return (await visitor.data(ACCOUNT, id=people.finch))["account"]["followerCount"]

    await eventually(followers, 0)


async def test_a_week_of_an_account(centre: Centre) -> None:
    people = await staff_opens_three_accounts(centre)
    await wren_follows_finch_and_is_told_what_finch_publishes(centre, people)
    centre.clock.advance(days=1)
    await wren_takes_another_name_and_is_told_elsewhere(centre, people)
    await the_day_before_is_rolled_up(centre, people)
    centre.clock.advance(days=1)
    await the_second_account_becomes_part_of_the_first(centre, people)
    centre.clock.advance(days=1)
    await wren_closes_the_account_and_comes_back(centre, people)
    centre.clock.advance(days=1)
    await wren_closes_it_for_good(centre, people)
    await nothing_is_left_but_that_it_was(centre, people)
