"""Each event takes effect once, in order of its account; what cannot is set aside with its reason."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from schema.errcode import BackendUnavailable
from schema.generated.event.v1 import event_pb2 as pb
from services.runtime.backend import Resources
from services.runtime.bus import Message
from services.runtime.consumer import Consumer, Intake
from services.runtime.inbox import purge_inbox
from services.runtime.lane import lane
from services.runtime.letters import Letter, Letters, State
from services.runtime.telemetry import Metrics, trace_id
from tests.conftest import NOON, HandClock, MakeResources
from tests.services.runtime.events import APPLIED, INBOX, METADATA, Effects, applied, consumed, count, message


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    return await make_resources(METADATA)


@pytest.fixture
def effects() -> Effects:
    return Effects()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def consumer(effects: Effects) -> Consumer:
    return Consumer("job.test", effects)


def intake(consumer: Consumer, resources: Resources, metrics: Metrics) -> Intake:
    return Intake(consumer, INBOX, resources.database, resources.clock, metrics)


async def letters(resources: Resources, consumer: Consumer) -> list[Letter]:
    return await Letters([consumer], INBOX, resources.database, resources.clock).all()


async def test_events_take_effect_in_order(consumer: Consumer, resources: Resources, metrics: Metrics) -> None:
    await intake(consumer, resources, metrics).take([message(1, 1), message(2, 1), message(1, 2)])
    assert await applied(resources.database) == [(1, 1), (2, 1), (1, 2)]
    assert consumed(metrics) == {"applied": 3}


async def test_an_event_that_comes_again_has_no_further_effect(
    consumer: Consumer, resources: Resources, metrics: Metrics
) -> None:
    taking = intake(consumer, resources, metrics)
    await taking.take([message(1, 1), message(1, 2), message(1, 1)])
    await taking.take([message(1, 2), message(1, 3)])
    assert await applied(resources.database) == [(1, 1), (1, 2), (1, 3)]
    assert consumed(metrics) == {"applied": 3, "repeated": 2}


async def test_an_event_is_known_by_its_own_id(consumer: Consumer, resources: Resources, metrics: Metrics) -> None:
    taking = intake(consumer, resources, metrics)
    await taking.take([message(1, 1), replace(message(1, 1), event_id="another name")])
    assert await applied(resources.database) == [(1, 1)]


async def test_consumers_of_one_service_do_not_take_from_each_other(
    effects: Effects, resources: Resources, metrics: Metrics
) -> None:
    for name in ("job.one", "job.two"):
        await intake(Consumer(name, effects), resources, metrics).take([message(1, 1)])
    assert await applied(resources.database) == [(1, 1), (1, 1)]


async def test_kinds_that_a_consumer_is_not_about_leave_no_trace(
    effects: Effects, resources: Resources, metrics: Metrics
) -> None:
    consumer = Consumer("job.test", effects, kinds=frozenset({"followed"}))
    await intake(consumer, resources, metrics).take([message(1, 1)])
    assert await applied(resources.database) == []
    assert (await count(resources.database, INBOX.taken), consumed(metrics)) == (0, {})


async def test_trace_and_lane_are_those_of_whoever_caused_the_event(resources: Resources, metrics: Metrics) -> None:
    seen = []

    async def look(event: pb.Event, _session: object) -> None:
        seen.append((event.account_id, trace_id(), lane()))

    taking = intake(Consumer("job.test", look), resources, metrics)
    await taking.take([message(1, 1), message(2, 2), replace(message(3, 3), traceparent="", lane="")])
    assert seen[:2] == [(1, f"{1:032x}", "blue"), (2, f"{2:032x}", "blue")]
    assert seen[2][2] == ""
    assert seen[2][1] not in ("", f"{2:032x}")
    assert (trace_id(), lane()) == ("", "")


async def test_a_failure_sets_only_the_event_aside_and_holds_its_account(
    effects: Effects, consumer: Consumer, resources: Resources, metrics: Metrics
) -> None:
    effects.refuses[1, 2] = ValueError("I cannot stand it")
    batch = [message(1, 1), message(1, 2), message(2, 1), message(1, 3), message(2, 2)]
    await intake(consumer, resources, metrics).take(batch)
    assert await applied(resources.database) == [(1, 1), (2, 1), (2, 2)]
    first, second = await letters(resources, consumer)
    assert (first.message, first.state) == (message(1, 2), State.RETRYING)
    assert (first.reason, first.attempts, first.received_at) == ("ValueError: I cannot stand it", 1, NOON)
    assert (second.message, second.state) == (message(1, 3), State.HELD)
    assert second.reason == "held: an earlier event of the account is set aside"
    assert consumed(metrics) == {"applied": 3, "failed": 1, "held": 1}


async def test_what_comes_later_is_held_too_and_what_comes_again_is_not_doubled(
    effects: Effects, consumer: Consumer, resources: Resources, metrics: Metrics
) -> None:
    effects.refuses[1, 1] = ValueError()
    taking = intake(consumer, resources, metrics)
    await taking.take([message(1, 1)])
    effects.refuses.clear()
    await taking.take([message(1, 1), message(1, 2), message(2, 1)])
    await taking.take([message(1, 1), message(1, 2), message(2, 1)])
    assert [letter.message for letter in await letters(resources, consumer)] == [message(1, 1), message(1, 2)]
    assert await applied(resources.database) == [(2, 1)]


async def test_without_an_order_later_events_go_ahead(effects: Effects, resources: Resources, metrics: Metrics) -> None:
    consumer = Consumer("job.test", effects, ordered=False)
    effects.refuses[1, 1] = ValueError()
    await intake(consumer, resources, metrics).take([message(1, 1), message(1, 2)])
    assert await applied(resources.database) == [(1, 2)]
    assert [letter.message for letter in await letters(resources, consumer)] == [message(1, 1)]


def of_unknown_kind() -> bytes:
    event = pb.Event.FromString(message(1, 1).value)
    event.ClearField("activity_published")
    return event.SerializeToString() + b"\xfa\x3e\x00"  # Field 1007, an empty message.


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xff\xff", "malformed: the bytes are no event"),
        (b"", "invalid: id: must be 36 characters"),
        (message(1, 1, sequence=-5).value, "invalid: sequence: must be greater than 0"),
        (of_unknown_kind(), "unknown kind: this program knows no such event"),
    ],
)
async def test_what_is_no_event_is_parked_at_once_with_its_reason(
    value: bytes, reason: str, consumer: Consumer, resources: Resources, metrics: Metrics
) -> None:
    stranger = Message("stranger", 1, value, "trace", "lane")
    taking = intake(consumer, resources, metrics)
    await taking.take([stranger, message(1, 2), message(2, 1)])
    await taking.take([stranger])
    first, held = await letters(resources, consumer)
    assert (first.message, first.state, first.reason) == (stranger, State.PARKED, reason)
    assert (held.message, held.state) == (message(1, 2), State.HELD)
    assert await applied(resources.database) == [(2, 1)]
    assert consumed(metrics) == {"refused": 1, "held": 1, "applied": 1, "repeated": 1}


async def test_a_store_that_is_out_keeps_the_events_coming(
    consumer: Consumer, resources: Resources, metrics: Metrics
) -> None:
    taking = intake(consumer, resources, metrics)
    async with resources.database.engine.begin() as connection:
        await connection.run_sync(METADATA.drop_all)
    with pytest.raises(Exception, match="job_inbox"):
        await taking.take([message(1, 1), message(1, 2)])
    async with resources.database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    await taking.take([message(1, 1), message(1, 2)])
    assert await applied(resources.database) == [(1, 1), (1, 2)]


async def test_batches_are_as_large_as_the_consumer_wants(
    effects: Effects, resources: Resources, metrics: Metrics
) -> None:
    together: list[int] = []

    async def look(_event: pb.Event, session: object) -> None:
        together.append(id(session))

    consumer = Consumer("job.test", look, batch=2)
    await intake(consumer, resources, metrics).take([message(1, number) for number in range(1, 6)])
    first, second, third, fourth, _fifth = together
    assert (first == second, second == third, third == fourth) == (True, False, True)


async def test_a_handler_may_have_a_reason_of_any_length(
    effects: Effects, consumer: Consumer, resources: Resources, metrics: Metrics
) -> None:
    effects.refuses[1, 1] = ValueError("x" * 1000 + "\nsecond line")
    effects.refuses[2, 1] = BackendUnavailable("permission")
    effects.refuses[3, 1] = ValueError("zero \0 byte")
    await intake(consumer, resources, metrics).take([message(1, 1), message(2, 1), message(3, 1)])
    reasons = [letter.reason for letter in await letters(resources, consumer)]
    assert reasons == [
        f"ValueError: {'x' * 488}",
        "BackendUnavailable: the permission backend is unavailable",
        "ValueError: zero  byte",
    ]


async def test_purging_forgets_what_is_old_and_done(
    effects: Effects, consumer: Consumer, resources: Resources, clock: HandClock, metrics: Metrics
) -> None:
    effects.refuses[2, 1] = ValueError()
    taking = intake(consumer, resources, metrics)
    await taking.take([message(1, 1), message(2, 1)])
    clock.advance(days=1)
    await taking.take([message(3, 1)])
    assert await purge_inbox(resources.database, INBOX, NOON) == 0
    assert await purge_inbox(resources.database, INBOX, clock.now) == 1
    async with resources.database.read() as session:
        kept = await session.scalars(select(INBOX.taken.c.event_id).order_by(INBOX.taken.c.event_id))
        assert list(kept) == [message(2, 1).event_id, message(3, 1).event_id]
    assert await count(resources.database, APPLIED) == 2
