"""Events are written exactly when their change is, in the order of changes."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from schema.generated.event.v1 import event_pb2 as pb
from services.runtime.database import Database
from services.runtime.lane import in_lane
from services.runtime.outbox import KINDS, Outbox, What, event_id, purge_outbox
from services.runtime.telemetry import in_trace
from tests.conftest import NOON, HandClock, MakeResources
from tests.services.runtime.events import METADATA, OUTBOX, count

FOLLOWED = pb.Followed(followee_id=9)


@pytest.fixture
async def database(make_resources: MakeResources) -> Database:
    return (await make_resources(METADATA)).database


@pytest.fixture
def outbox(clock: HandClock) -> Outbox:
    return Outbox(OUTBOX, "account", clock)


async def test_an_event_is_kept_with_all_it_needs_on_its_way(database: Database, outbox: Outbox) -> None:
    with in_lane("blue"), in_trace(f"00-{7:032x}-{8:016x}-01"):
        async with database.transaction() as session:
            await outbox.add(session, 7, FOLLOWED, actor_id=5, reason="on behalf")
    async with database.read() as session:
        [row] = (await session.execute(select(OUTBOX))).all()
    told = pb.Event.FromString(row.payload)
    expected = pb.Event(
        id=row.event_id, account_id=7, source="account", actor_id=5, reason="on behalf", followed=FOLLOWED
    )
    expected.occurred_at.FromDatetime(NOON)
    assert told == expected
    assert (row.sequence, row.account_id, row.lane) == (1, 7, "blue")
    assert row.traceparent.startswith(f"00-{7:032x}-")
    assert (row.created_at, row.sent_at) == (NOON, None)


async def test_every_kind_can_be_told(database: Database, outbox: Outbox) -> None:
    kinds = [field.name for field in pb.Event.DESCRIPTOR.oneofs_by_name["what"].fields]
    for kind in kinds:
        what: What = getattr(pb.Event(), kind)
        for inner in what.DESCRIPTOR.fields:
            if inner.name.endswith("_id"):
                setattr(what, inner.name, 1)
        async with database.transaction() as session:
            await outbox.add(session, 7, what)
    async with database.read() as session:
        payloads = await session.scalars(select(OUTBOX.c.payload).order_by(OUTBOX.c.sequence))
        assert [pb.Event.FromString(payload).WhichOneof("what") for payload in payloads] == kinds
    assert list(KINDS.values()) == kinds


async def test_an_event_of_a_change_that_fails_was_never_told(database: Database, outbox: Outbox) -> None:
    async def change() -> None:
        async with database.transaction() as session:
            await outbox.add(session, 7, FOLLOWED)
            raise RuntimeError("the change fails")

    with pytest.raises(RuntimeError, match="the change fails"):
        await change()
    assert await count(database, OUTBOX) == 0
    assert not database.news.is_set()


async def test_a_commit_is_news_only_when_it_told_something(database: Database, outbox: Outbox) -> None:
    async with database.transaction() as session:
        await session.execute(select(1))
    assert not database.news.is_set()
    async with database.transaction() as session:
        await outbox.add(session, 7, FOLLOWED)
        assert not database.news.is_set()
    assert database.news.is_set()


@pytest.mark.parametrize(
    ("what", "problem"),
    [
        (pb.Followed(followee_id=0), "no event: followed.followee_id: must be greater than 0"),
        (pb.PermissionGranted(permission="p" * 500_000), "an event has at most 500000 bytes"),
    ],
)
async def test_what_nobody_could_read_is_not_written(
    what: What, problem: str, database: Database, outbox: Outbox
) -> None:
    async with database.transaction() as session:
        with pytest.raises(ValueError, match=problem):
            await outbox.add(session, 7, what)
    assert await count(database, OUTBOX) == 0


async def test_who_tells_of_an_account_waits_for_who_told_before(
    database: Database, outbox: Outbox, clock: HandClock
) -> None:
    told, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with database.transaction() as session:
            await outbox.add(session, 7, FOLLOWED, reason="first")
            told.set()
            await go_on.wait()

    async def second() -> None:
        async with database.transaction() as session:
            await outbox.add(session, 7, FOLLOWED, reason="second")

    async with asyncio.TaskGroup() as group:
        group.create_task(first())
        await told.wait()
        later = group.create_task(second())
        assert await asyncio.wait([later], timeout=0.2) == (set(), {later})
        go_on.set()
    assert await reasons(database) == ["first", "second"]


async def test_many_things_told_at_once_keep_the_order_of_each_account(database: Database, outbox: Outbox) -> None:
    told = [(account, pb.Followed(followee_id=number)) for number in (1, 2, 3) for account in (9, 7)]
    async with database.transaction() as session:
        await outbox.add_all(session, told)
        await outbox.add_all(session, [])
    async with database.read() as session:
        payloads = await session.scalars(select(OUTBOX.c.payload).order_by(OUTBOX.c.sequence))
        events = [pb.Event.FromString(payload) for payload in payloads]
    assert [(event.account_id, event.followed.followee_id) for event in events] == [
        (account, number) for account in (7, 9) for number in (1, 2, 3)
    ]
    assert len({event.id for event in events}) == 6


async def reasons(database: Database) -> list[str]:
    async with database.read() as session:
        payloads = await session.scalars(select(OUTBOX.c.payload).order_by(OUTBOX.c.sequence))
        return [pb.Event.FromString(payload).reason for payload in payloads]


async def test_purging_leaves_what_is_unsent_or_recent_and_the_last_number(
    database: Database, outbox: Outbox, clock: HandClock
) -> None:
    async with database.transaction() as session:
        for reason in ("sent long ago", "unsent", "sent since", "last"):
            await outbox.add(session, 7, FOLLOWED, reason=reason)
        await sent(session, 1, 3, 4)
        await session.execute(update(OUTBOX).where(OUTBOX.c.sequence == 3).values(sent_at=NOON))
    assert await purge_outbox(database, OUTBOX, NOON) == 1
    assert await reasons(database) == ["unsent", "sent since", "last"]
    async with database.transaction() as session:
        await sent(session, 2, 3, 4)
    assert await purge_outbox(database, OUTBOX, NOON) == 2
    async with database.transaction() as session:
        await outbox.add(session, 7, FOLLOWED)
        assert list(await session.scalars(select(OUTBOX.c.sequence).order_by(OUTBOX.c.sequence))) == [4, 5]


async def sent(session: AsyncSession, *numbers: int) -> None:
    long_ago = NOON - timedelta(days=1)
    await session.execute(update(OUTBOX).where(OUTBOX.c.sequence.in_(numbers)).values(sent_at=long_ago))


def test_an_event_id_is_a_uuid_of_version_7_that_sorts_by_time() -> None:
    ids = [UUID(event_id(NOON + timedelta(milliseconds=step))) for step in range(3)]
    assert sorted(ids) == ids
    assert [made.version for made in ids] == [7, 7, 7]
    assert {made.variant for made in ids} == {"specified in RFC 4122"}
    assert ids[0].int >> 80 == int(NOON.timestamp() * 1000)
    assert event_id(NOON) != event_id(NOON)
