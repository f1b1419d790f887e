"""Events in, histories and errands and pushes out: on both stacks, through the inbox."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from schema.generated.event.v1 import event_pb2
from services.job.biz.changes import ChangeKind
from services.job.biz.errands import ErrandState
from services.job.data import INBOX, SqlRecords
from services.job.service import Push
from services.job.wire import consumers
from services.runtime.backend import Resources
from services.runtime.bus import Message
from services.runtime.cache import open_cache
from services.runtime.changed import PREFIX, subjects_in
from services.runtime.consumer import Intake
from services.runtime.telemetry import Metrics
from tests.conftest import free_port
from tests.services.job.events import WHAT, event
from tests.services.job.examples import ADA, BO
from tests.services.runtime.events import consumed, count

TRACE = "00-000000000000000000000000000000aa-00000000000000bb-01"
LIFE = ("account_opened", "account_changed", "permission_granted", "account_merge_started", "account_merged")


def message(kind: str, number: int) -> Message:
    told = event(kind, number)
    told.occurred_at.seconds += number
    return Message(told.id, told.account_id, told.SerializeToString(), TRACE, "blue")


class Town:
    """The consumers of the job service, fed by hand."""

    def __init__(self, resources: Resources) -> None:
        self.metrics = Metrics()
        self._database = resources.database
        self._records = SqlRecords(resources.database)
        store = (INBOX, resources.database, resources.clock, self.metrics)
        self.history, self.push = (Intake(consumer, *store) for consumer in consumers(resources))

    async def kinds(self, account_id: int = ADA) -> list[ChangeKind]:
        return [placed.change.kind for placed in await self._records.changes(account_id, None, 100)]

    async def merge_state(self) -> tuple[ErrandState, str, str] | None:
        errand = await self._records.merge(ADA)
        return (errand.state, errand.traceparent.split("-")[1], errand.lane) if errand else None

    async def letters(self) -> int:
        return await count(self._database, INBOX.letters)


@pytest.fixture
def town(resources: Resources) -> Town:
    return Town(resources)


async def test_a_life_becomes_a_history_newest_first(town: Town) -> None:
    await town.history.take([message(kind, number) for number, kind in enumerate(LIFE)])
    assert await town.kinds() == [
        ChangeKind.MERGED,
        ChangeKind.MERGE_STARTED,
        ChangeKind.PERMISSION_GRANTED,
        ChangeKind.ATTRIBUTES,
        ChangeKind.OPENED,
    ]
    assert await town.kinds(BO) == [ChangeKind.TOOK_OVER]
    assert await town.merge_state() == (ErrandState.QUEUED, "000000000000000000000000000000aa", "blue")


async def test_events_that_come_again_do_nothing(town: Town) -> None:
    life = [message(kind, number) for number, kind in enumerate(LIFE)]
    for messages in (life, life, life[1:3], life[::-1]):
        await town.history.take(messages)
    assert len(await town.kinds()) == 5
    assert consumed(town.metrics) == {"applied": 5, "repeated": 12}


async def test_events_that_come_in_another_order_become_the_same_history(town: Town) -> None:
    for number, kind in reversed(list(enumerate(LIFE))):
        await town.history.take([message(kind, number)])
    kinds = await town.kinds()
    assert (kinds[0], kinds[-1], len(kinds)) == (ChangeKind.MERGED, ChangeKind.OPENED, 5)


@pytest.mark.parametrize("kind", ["followed", "unfollowed", "activity_published"])
async def test_what_changes_no_account_is_passed_by(kind: str, town: Town) -> None:
    await town.history.take([message(kind, 1)])
    assert (await town.kinds(), await town.letters(), consumed(town.metrics)) == ([], 0, {})


async def test_an_unknown_kind_is_parked_and_holds_nothing_up(town: Town) -> None:
    unknown = event("account_opened", 1)
    unknown.ClearField("account_opened")
    await town.history.take([Message(unknown.id, ADA, unknown.SerializeToString()), message("account_changed", 2)])
    assert await town.kinds() == [ChangeKind.ATTRIBUTES]
    assert await town.letters() == 1


async def test_an_end_before_its_account_leaves_no_value_behind(town: Town, resources: Resources) -> None:
    end = event("account_status_changed", 5)
    end.account_status_changed.CopyFrom(event_pb2.AccountStatusChanged(version=9, before="CLOSING", after="CLOSED"))
    await town.history.take([Message(end.id, ADA, end.SerializeToString()), message("account_changed", 1)])
    changes = [placed.change for placed in await SqlRecords(resources.database).changes(ADA, None, 9)]
    assert [(change.kind, change.erased) for change in changes] == [
        (ChangeKind.ATTRIBUTES, True),
        (ChangeKind.STATUS, False),
    ]
    assert [(each.field, each.before, each.after) for each in changes[0].differences] == [("bio", None, None)]


async def heard(
    cache: Redis, channels: Sequence[str], town: Town, messages: Sequence[Message]
) -> list[tuple[str, event_pb2.Event]]:
    """What a subscriber of the channels hears when these are taken; the end is a word of its own."""
    told = []
    async with cache.pubsub() as pubsub:
        await pubsub.subscribe(*channels, "end")
        await town.push.take(messages)
        await cache.publish("end", b"")
        async with asyncio.timeout(60):
            async for each in pubsub.listen():
                if each["channel"] == b"end" and each["type"] == "message":
                    break
                if each["type"] == "message":
                    told.append((each["channel"].decode(), event_pb2.Event.FromString(each["data"])))
    return told


async def test_subscribers_hear_the_events_of_their_accounts(town: Town, cache: Redis) -> None:
    kinds = list(WHAT)
    told = await heard(
        cache,
        ["atrium:push:account:1", "atrium:push:author:1", "atrium:push:account:2"],
        town,
        [message(kind, number) for number, kind in enumerate(kinds)],
    )
    assert told == [
        (f"atrium:push:{channel}:1", event_pb2.Event.FromString(message(kind, kinds.index(kind)).value))
        for channel, kind in [
            ("account", "account_changed"),
            ("account", "account_status_changed"),
            ("account", "account_merge_started"),
            ("account", "account_merged"),
            ("account", "followed"),
            ("account", "unfollowed"),
            ("author", "activity_published"),
        ]
    ]


async def test_what_comes_again_is_pushed_once(town: Town, cache: Redis) -> None:
    twice = [message("account_changed", 1), message("account_changed", 1)]
    assert len(await heard(cache, ["atrium:push:account:1"], town, twice)) == 1


async def test_a_cache_that_is_down_holds_nothing_up(resources: Resources) -> None:
    async with open_cache(f"redis://127.0.0.1:{free_port()}/0") as dead:
        consumer = Push(dead).consumer()
        metrics = Metrics()
        intake = Intake(consumer, INBOX, resources.database, resources.clock, metrics)
        await intake.take([message("account_changed", number) for number in range(20)])
    assert consumed(metrics) == {"applied": 20}
    assert await count(resources.database, INBOX.letters) == 0


async def test_gateways_hear_of_what_to_forget_before_subscribers_hear_of_it(town: Town, cache: Redis) -> None:
    kept = f"{PREFIX}/lane/account_by_id/{ADA}"
    await cache.set(kept, b"x")
    async with cache.pubsub() as pubsub, asyncio.timeout(60):
        await pubsub.psubscribe("atrium:push:*")
        await town.push.take([message(kind, number) for number, kind in enumerate(WHAT)])
        await cache.publish("atrium:push:end", b"end")
        told = [(each["channel"].decode().split(":")[2], each["data"]) async for each in until_the_end(pubsub)]
    channels = [channel for channel, _ in told]
    assert channels == ["changed", *["changed", "account"] * 4, "account", "account", "author", "changed", "changed"]
    changed = [subjects_in(data) for channel, data in told if channel == "changed"]
    assert changed == [[f"account/{ADA}", "handle/ada"], *([[f"account/{ADA}"]] * 6)]
    assert not await cache.exists(kept)


async def until_the_end(pubsub: PubSub) -> AsyncIterator[dict[str, Any]]:
    async for each in pubsub.listen():
        if each["data"] == b"end":
            return
        if each["type"] == "pmessage":
            yield each
