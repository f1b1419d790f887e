"""What belongs together works together: the same flows in one process, and in many on PostgreSQL, Redis and Kafka."""

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from schema.generated.account.v1.account_pb2 import SignInRequest
from schema.generated.account.v1.account_pb2_grpc import AccountServiceStub
from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.admin.v1.admin_pb2_grpc import AdminServiceStub
from schema.generated.event.v1 import event_pb2 as pb_event
from schema.generated.identity.v1 import identity_pb2
from services.account.data import outbox_table
from services.runtime.channels import open_channel
from services.runtime.clock import utc_now
from services.runtime.database import open_database
from services.runtime.outbox import event_id
from services.runtime.settings import Settings
from services.runtime.telemetry import Metrics
from services.runtime.trust import Trust, TrustedCaller
from tests.conftest import STACKS
from tests.gateway.push.client import connected
from tests.scenario.processes import Centre, open_centre
from tests.scenario.visitor import (
    ACCOUNT,
    CHECK_MERGE,
    CLOSE,
    FEED_ADDED,
    FOLLOW,
    ME,
    MERGE,
    PASSWORD,
    PUBLISH,
    RENAME,
    SIGN_IN,
    UNFOLLOW,
    Visitor,
)
from tests.scenario.waiting import eventually


@pytest.fixture(scope="module", params=STACKS)
def centre(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    with open_centre(request.param, request, tmp_path_factory.mktemp("centre")) as opened:
        yield opened


@pytest.fixture
async def visitor(centre: Centre) -> AsyncIterator[Visitor]:
    async with httpx.AsyncClient(base_url=centre.url, timeout=60) as http:
        yield Visitor(http)


@pytest.fixture
async def staff(visitor: Visitor) -> str:
    """A token of somebody who runs the account centre."""
    return await visitor.sign_in("sam", "atrium-demo")


@pytest.fixture
def platform(centre: Centre) -> TrustedCaller:
    """The company's platform."""
    return Trust(Settings(data=Path(centre.settings["DATA"]))).caller("platform")


@pytest.fixture
async def desk(centre: Centre, platform: TrustedCaller) -> AsyncIterator[Any]:
    """What the company's platform calls."""
    async with open_channel("admin", centre.addresses["admin"], Metrics(), platform) as channel:
        yield AdminServiceStub(channel)


@pytest.fixture
async def sam(centre: Centre, platform: TrustedCaller) -> identity_pb2.Viewer:
    """Somebody who runs the account centre, signed in by the platform."""
    async with open_channel("account", centre.addresses["account"], Metrics(), platform) as channel:
        signed_in = await AccountServiceStub(channel).SignIn(SignInRequest(handle="sam", password="atrium-demo"))
    return signed_in.viewer


async def test_what_staff_changes_everybody_sees_soon_and_the_history_tells(
    visitor: Visitor, staff: str, desk: Any, sam: identity_pb2.Viewer
) -> None:
    wren = await visitor.open_account(staff, "wren")
    assert (await visitor.data(ACCOUNT, id=wren))["account"]["displayName"] == "wren"
    number = int(wren.removeprefix("acc_"))
    change = pb.ChangeAccountRequest(actor=sam, account_id=number, version=1, reason="a typo", display_name="Wren")
    changed = await desk.ChangeAccount(change)
    assert changed.account.version == 2

    async def shown() -> Any:
        return (await visitor.data(ACCOUNT, id=wren))["account"]["displayName"]

    await eventually(shown, "Wren")

    async def told() -> Any:
        return [(one["kind"], one["reason"], one["differences"]) for one in await visitor.history(staff, wren)]

    renamed = [{"field": "display_name", "before": "wren", "after": "Wren"}]
    opened = [{"field": "handle", "before": None, "after": "wren"}]
    await eventually(told, [("ATTRIBUTES", "a typo", renamed), ("OPENED", "asked", opened)])
    granted = pb.GrantPermissionRequest(
        actor=sam, account_id=number, permission="studio.use", allow=True, reason="a tester"
    )
    assert (await desk.GrantPermission(granted)).changed
    allowed = [{"field": "permission:studio.use", "before": None, "after": "allow"}]
    permitted = ("PERMISSION_GRANTED", "a tester", allowed)
    await eventually(told, [permitted, ("ATTRIBUTES", "a typo", renamed), ("OPENED", "asked", opened)])


async def test_what_somebody_publishes_reaches_those_who_follow(centre: Centre, visitor: Visitor, staff: str) -> None:
    finch = await visitor.open_account(staff, "finch", "CREATOR", creator={"category": "birds"})
    await visitor.open_account(staff, "robin")
    as_finch, as_robin = await visitor.sign_in("finch"), await visitor.sign_in("robin")
    assert (await visitor.data(FOLLOW, as_robin, id=finch))["follow"] == {"followerCount": 1}
    async with connected(centre.url.removeprefix("http://")) as subscriber:
        await subscriber.introduce(as_robin)
        await subscriber.subscribe("1", FEED_ADDED)
        await eventually(visitor.subscriptions, 1)
        for text in ("a twig", "a nest"):
            await visitor.data(PUBLISH, as_finch, text=text)
            told = await subscriber.data()
            assert told == {"feedActivityAdded": {"text": text, "author": {"handle": "finch"}}}
    assert await visitor.feed(as_robin) == [("finch", "a nest"), ("finch", "a twig")]
    assert (await visitor.data(UNFOLLOW, as_robin, id=finch))["unfollow"] == {"followerCount": 0}
    assert ("finch", "a nest") not in await visitor.feed(as_robin)


async def test_two_accounts_become_one(visitor: Visitor, staff: str) -> None:
    spare, owl = await visitor.open_account(staff, "owl_too"), await visitor.open_account(staff, "owl")
    as_spare = await visitor.sign_in("owl_too")
    await visitor.data(FOLLOW, as_spare, id="acc_2")
    await visitor.data(PUBLISH, as_spare, text="hoo")
    pair = {"source": spare, "target": owl}
    expected = {"sessions": 1, "following": 1, "followers": 0, "activities": 1, "grants": 0}
    check = (await visitor.data(CHECK_MERGE, staff, **pair))["admin"]["checkMerge"]
    assert check == {"refusal": None, "moves": [{"what": name, "count": count} for name, count in expected.items()]}
    assert await visitor.code(MERGE, staff, source=owl, target=owl) == 4000100
    assert (await visitor.data(MERGE, staff, **pair))["adminMergeAccounts"] == {"status": "SUSPENDED"}

    async def state() -> Any:
        return (await visitor.merge(staff, spare)).get("state")

    await eventually(state, "DONE")
    moved = [(step["name"], step["moved"]) for step in (await visitor.merge(staff, spare))["steps"]]
    steps = {"follows": 1, "activities": 1, "grants": 0, "sessions": 1, "finish": 0, "verify": 0}
    assert moved == list(steps.items())

    async def taken_over() -> Any:
        account = (await visitor.data(ACCOUNT, id=spare))["account"]
        return account["handle"], account["followingCount"], await visitor.ask(ME, as_spare)

    await eventually(taken_over, ("owl", 1, {"data": {"viewer": {"account": {"handle": "owl"}}}}))
    assert await visitor.code(MERGE, staff, **pair) == 4090400
    assert await visitor.code(MERGE, staff, source=owl, target=spare) == 4090400

    async def kinds() -> Any:
        return [[one["kind"] for one in await visitor.history(staff, account)] for account in (spare, owl)]

    await eventually(kinds, [["MERGED", "MERGE_STARTED", "OPENED"], ["TOOK_OVER", "OPENED"]])


async def test_a_day_is_rolled_up_as_it_was(centre: Centre, desk: Any, sam: identity_pb2.Viewer) -> None:
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    told = await asyncio.to_thread(centre.command, "task", "run", "rollup-daily", "--for", f"{day:%Y-%m-%d}")
    which = pb.ActivityFilter()
    which.since.FromDatetime(day)
    which.until.FromDatetime(day + timedelta(days=1))
    pieces = desk.ExportActivities(pb.ExportActivitiesRequest(actor=sam, filter=which))
    exported = list(csv.DictReader(io.StringIO("".join([piece.csv.decode() async for piece in pieces]))))
    assert len(exported) >= 20
    assert f"activities: {len(exported)}" in told
    report = centre.reported(f"{day:%Y-%m-%d}")
    assert report["kinds"] == Counter(activity["kind"] for activity in exported)
    assert report["accounts"] == len({activity["author_id"] for activity in exported})


async def test_a_closed_account_is_forgotten_but_not_that_it_was(centre: Centre, visitor: Visitor, staff: str) -> None:
    wryneck = await visitor.open_account(staff, "wryneck")
    token = await visitor.sign_in("wryneck")
    await visitor.data(FOLLOW, token, id="acc_2")
    await visitor.data(PUBLISH, token, text="farewell")
    assert (await visitor.data(CLOSE, token))["closeAccount"] == {"status": "CLOSING"}
    assert await visitor.code(CLOSE, token) == 4090300
    found = "query ($id: ID!) { admin { account(id: $id) { account { status } following recentActivities { text } } } }"

    async def status_after_the_task() -> Any:
        await asyncio.to_thread(centre.command, "task", "run", "end-closures")
        return (await visitor.data(found, staff, id=wryneck))["admin"]["account"]["account"]["status"]

    await eventually(status_after_the_task, "CLOSED")

    async def refused() -> Any:
        answers = [await visitor.ask(ACCOUNT, id=wryneck), await visitor.ask("{ viewer { type } }", token)]
        return [error["extensions"]["code"] for answer in answers for error in answer.get("errors", ())]

    await eventually(refused, [4040100, 4010100])
    assert await visitor.code(SIGN_IN, handle="wryneck", password=PASSWORD) == 4010300
    reopen = 'mutation ($id: ID!) { adminReopenAccount(accountId: $id, reason: "too late") { id } }'
    assert await visitor.code(reopen, staff, id=wryneck) == 4090300

    async def left() -> Any:
        account = (await visitor.data(found, staff, id=wryneck))["admin"]["account"]
        history = [(one["kind"], one["erased"]) for one in await visitor.history(staff, wryneck)]
        return account["following"], account["recentActivities"], history

    await eventually(left, (0, [], [("STATUS", False), ("STATUS", True), ("OPENED", True)]))
    assert await visitor.open_account(staff, "wryneck") > wryneck


async def test_what_is_no_event_is_set_aside_and_keeps_nobody_from_the_next(
    centre: Centre, visitor: Visitor, staff: str
) -> None:
    crow = await visitor.open_account(staff, "crow")
    newer = pb_event.Event(id=event_id(utc_now()), account_id=int(crow.removeprefix("acc_")), source="account")
    newer.occurred_at.GetCurrentTime()
    await tell(centre, newer.account_id, b"\xca\xfe", newer.SerializeToString())
    await visitor.data(RENAME, await visitor.sign_in("crow"), version=1, name="Crow")

    async def told() -> Any:
        return [one["kind"] for one in await visitor.history(staff, crow)]

    await eventually(told, ["ATTRIBUTES", "OPENED"])
    listed = await asyncio.to_thread(centre.command, "letters", "list", "job")
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in listed.splitlines() if "parked" in line]
    reasons = ["malformed: the bytes are no event", "unknown kind: this program knows no such event"]
    assert [row[-1] for row in rows if row[3] == "job.history"] == reasons


async def tell(centre: Centre, account_id: int, *payloads: bytes) -> None:
    """Has the account backend tell this of an account, as no version of it would yet."""
    rows = [
        {"event_id": event_id(utc_now()), "account_id": account_id, "payload": payload, "created_at": utc_now()}
        for payload in payloads
    ]
    async with open_database(centre.store("account")) as database, database.transaction() as session:
        await session.execute(outbox_table.insert(), [row | {"traceparent": "", "lane": ""} for row in rows])
