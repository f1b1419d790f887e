"""Changes of several things at a time, in store and caches, on both stacks."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert

from schema.errcode import HandleTaken
from schema.generated.event.v1 import event_pb2
from services.account.biz import (
    Account,
    AccountStatus,
    Changed,
    Difference,
    Happening,
    Merged,
    MergeStarted,
    Opened,
    Session,
    StatusChanged,
)
from services.account.data import (
    METADATA,
    CachedAccountRepo,
    CachedSessionRepo,
    SqlChangeRepo,
    credential_table,
    difference_to_message,
    team_table,
    what_to_message,
)
from services.account.wire import create_caches
from services.runtime.backend import Resources
from tests.conftest import NOON, MakeResources
from tests.services.account.examples import ADA, BO, CORP, SAM, other
from tests.services.account.stores import (
    accounts_in,
    everything,
    keep,
    keep_sessions,
    outbox_of,
    rows_of,
    told,
)

ACTIVE, CLOSING, CLOSED, MERGED, SUSPENDED = AccountStatus
OPEN = [Session(f"open {number}", ADA.id, NOON, NOON + timedelta(days=number)) for number in (1, 2, 3)]
OVER = Session("over", ADA.id, NOON - timedelta(days=9), NOON)
OF_BO = Session("of bo", BO.id, NOON, NOON + timedelta(days=9))
EDITED = Happening(Changed(()), actor_id=SAM.id, reason="why")


class Process:
    """The stores as one process has them, with caches of its own in front."""

    def __init__(self, resources: Resources) -> None:
        caches = create_caches(resources)
        self.accounts = CachedAccountRepo(accounts_in(resources), caches.accounts)
        self.sessions = CachedSessionRepo(resources.database, caches.sessions)
        self.changes = SqlChangeRepo(resources.database, caches, outbox_of(resources))

    async def account(self, account_id: int) -> Account:
        return (await self.accounts.by_ids([account_id]))[account_id]

    async def open_sessions(self) -> dict[str, int]:
        """Whose each known session is."""
        wanted = [one.token_hash for one in (*OPEN, OVER, OF_BO)]
        return {key: one.account_id for key, one in (await self.sessions.by_hashes(wanted)).items()}


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    made = await make_resources(METADATA)
    await keep(made, ADA, BO, CORP, SAM)
    await keep_sessions(made, *OPEN, OVER, OF_BO)
    async with made.database.transaction() as session:
        hashes = [{"account_id": key, "password_hash": f"hash {key}"} for key in (ADA.id, BO.id)]
        await session.execute(insert(credential_table), hashes)
    return made


async def test_a_change_is_seen_by_every_process_once_it_is_done(resources: Resources) -> None:
    one, another = Process(resources), Process(resources)
    assert await another.account(ADA.id) == ADA
    async with one.changes.changing(ADA.id) as change:
        assert change.accounts == {ADA.id: ADA}
        saved = await change.save(replace(ADA, status=SUSPENDED), EDITED)
        assert saved == replace(ADA, status=SUSPENDED, version=4)
        assert await another.account(ADA.id) == ADA
    for process in (one, another):
        assert await process.account(ADA.id) == saved


async def test_sessions_that_were_ended_are_gone_for_every_process(resources: Resources) -> None:
    one, another = Process(resources), Process(resources)
    assert len(await another.open_sessions()) == 5
    async with one.changes.changing(ADA.id) as change:
        await change.end_sessions(ADA.id)
    for process in (one, another):
        assert await process.open_sessions() == {"of bo": BO.id}


async def test_a_change_that_fails_has_changed_nothing_and_told_nobody(resources: Resources) -> None:
    process, before = Process(resources), await everything(resources)
    await process.open_sessions()

    async def fail_at_the_end() -> None:
        async with process.changes.changing(ADA.id, BO.id) as change:
            await change.save(replace(ADA, bio=None), EDITED)
            await change.end_sessions(ADA.id)
            await change.forget_password(ADA.id)
            await change.leave_teams(ADA.id)
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await fail_at_the_end()
    assert await everything(resources) == before
    assert await process.account(ADA.id) == ADA
    assert len(await process.open_sessions()) == 5


async def test_a_handle_that_another_has_undoes_the_change(resources: Resources) -> None:
    process, before = Process(resources), await everything(resources)

    async def take_a_handle() -> None:
        async with process.changes.changing(ADA.id, BO.id) as change:
            await change.save(replace(BO, bio=None), EDITED)
            await change.save(replace(ADA, handle="CORP"), EDITED)

    with pytest.raises(HandleTaken, match=r"^handle: CORP is taken$"):
        await take_a_handle()
    assert await everything(resources) == before


async def test_changes_of_one_account_wait_for_each_other(resources: Resources) -> None:
    process = Process(resources)

    async def count_up() -> None:
        async with process.changes.changing(ADA.id) as change:
            account = change.accounts[ADA.id]
            await change.save(replace(account, bio=f"{account.bio}+"), EDITED)

    await asyncio.gather(*(count_up() for _ in range(8)))
    assert await process.account(ADA.id) == replace(ADA, bio="Reads." + 8 * "+", version=11)
    assert [event.account_changed.version for event in await told(resources)] == list(range(4, 12))


async def test_changes_that_hold_the_same_accounts_in_any_order_get_along(resources: Resources) -> None:
    process = Process(resources)

    async def change_both(*ids: int) -> None:
        async with process.changes.changing(*ids) as change:
            for account_id in ids:
                await change.save(change.accounts[account_id], EDITED)

    await asyncio.gather(*(change_both(*pair) for pair in 5 * [(ADA.id, BO.id), (BO.id, ADA.id)]))
    assert [(await process.account(key)).version for key in (ADA.id, BO.id)] == [13, 13]


async def test_accounts_that_are_not_there_are_not_held(resources: Resources) -> None:
    async with Process(resources).changes.changing(99, ADA.id) as change:
        assert list(change.accounts) == [ADA.id]


async def test_events_come_with_who_and_why_in_the_order_of_accounts(resources: Resources) -> None:
    async with Process(resources).changes.changing(BO.id, ADA.id) as change:
        await change.save(replace(BO, status=CLOSED), Happening(StatusChanged(CLOSING), reason="it was time"))
        await change.save(replace(ADA, bio="New"), EDITED)
    first, second = await told(resources)
    assert (first.account_id, first.actor_id, first.reason, first.source) == (ADA.id, SAM.id, "why", "account")
    assert first.account_changed == event_pb2.AccountChanged(version=4)
    assert (second.account_id, second.actor_id, second.reason) == (BO.id, 0, "it was time")
    assert second.account_status_changed == event_pb2.AccountStatusChanged(version=4, before="CLOSING", after="CLOSED")
    assert second.occurred_at.ToDatetime(NOON.tzinfo) == NOON


async def test_what_merges_is_found_and_held(resources: Resources) -> None:
    joined = [other(20 + number, status=MERGED, merged_into=BO.id) for number in (1, 0)]
    joining = [other(30 + number, status=SUSPENDED, merging_into=BO.id) for number in (1, 0)]
    await keep(resources, *joined, *joining)
    assert await accounts_in(resources).merging_into(BO.id) == [30, 31]
    async with Process(resources).changes.changing(BO.id) as change:
        assert await change.merging_into(BO.id) == [30, 31]
        assert await change.merging_into(ADA.id) == []
        assert await change.merged_into(BO.id) == joined[::-1]
        assert list(change.accounts) == [BO.id, 20, 21]
        await change.save(replace(joined[0], merged_into=CORP.id), EDITED)
    assert (await Process(resources).account(21)).merged_into == CORP.id


async def test_a_password_that_was_forgotten_lets_nobody_in(resources: Resources) -> None:
    async with Process(resources).changes.changing(ADA.id) as change:
        await change.forget_password(ADA.id)
    assert [tuple(row) for row in await rows_of(resources, credential_table)] == [(BO.id, "hash 2")]


async def teams(resources: Resources) -> list[tuple[int, int]]:
    return [(row.business_id, row.member_id) for row in await rows_of(resources, team_table)]


async def join(resources: Resources, *places: tuple[int, int]) -> None:
    rows = [{"business_id": business, "member_id": member, "joined_at": NOON} for business, member in places]
    async with resources.database.transaction() as session:
        await session.execute(insert(team_table), rows)


async def test_whoever_leaves_all_teams_takes_nobody_along(resources: Resources) -> None:
    await join(resources, (3, 1), (3, 2), (1, 4), (4, 2))
    async with Process(resources).changes.changing(ADA.id) as change:
        await change.leave_teams(ADA.id)
    assert await teams(resources) == [(3, 2), (4, 2)]


async def test_the_target_of_a_merge_gets_the_places_that_it_has_not_yet(resources: Resources) -> None:
    await keep(resources, other(5), other(6))
    # 1 is in the teams of 3, 4 and 2 itself, and has a team of 4, 5 and 2 itself; 2 has some of that already.
    await join(resources, (3, 1), (4, 1), (2, 1), (1, 4), (1, 5), (1, 2), (3, 2), (2, 5), (3, 6))
    async with Process(resources).changes.changing(ADA.id, BO.id) as change:
        await change.move_teams(ADA.id, BO.id)
    assert await teams(resources) == [(2, 4), (2, 5), (3, 2), (3, 6), (4, 2)]


async def test_closures_that_are_due_come_in_the_order_of_their_ends(resources: Resources) -> None:
    closing = [
        other(10 + place, status=CLOSING, closes_at=NOON + timedelta(days=days))
        for place, days in enumerate([0, -2, 1, -2, -9])
    ]
    strangers = [other(20, status=ACTIVE, closes_at=NOON), other(21, status=SUSPENDED, merging_into=14)]
    await keep(resources, *closing, *strangers)
    changes = Process(resources).changes
    assert await changes.due(NOON, 10) == [11, 13, 10]
    assert await changes.due(NOON, 2) == [11, 13]


# Sessions.


async def test_open_sessions_move_and_verify_as_the_targets_in_every_process(resources: Resources) -> None:
    one, another = Process(resources), Process(resources)
    before = await another.open_sessions()
    assert await one.sessions.count_open(ADA.id, NOON) == 3
    assert [await one.sessions.move_open(ADA.id, BO.id, NOON) for _ in range(2)] == [3, 0]
    moved = before | {session.token_hash: BO.id for session in OPEN}
    for process in (one, another):
        assert await process.open_sessions() == moved
        assert await process.sessions.count_open(BO.id, NOON) == 4


async def test_expired_sessions_are_purged_so_many_at_a_time(resources: Resources) -> None:
    process = Process(resources)
    await process.open_sessions()
    later = NOON + timedelta(days=2, seconds=1)
    assert await process.sessions.any_expired(later)
    assert [await process.sessions.purge(later, 2) for _ in range(3)] == [2, 1, 0]
    assert not await process.sessions.any_expired(later)
    assert await process.open_sessions() == {"open 3": ADA.id, "of bo": BO.id}


async def test_a_purge_of_many_takes_several_transactions(resources: Resources) -> None:
    many = [Session(f"many {number}", ADA.id, NOON, NOON - timedelta(seconds=1)) for number in range(2300)]
    await keep_sessions(resources, *many)
    process = Process(resources)
    assert [await process.sessions.purge(NOON, 2100), await process.sessions.purge(NOON, 2100)] == [2100, 200]
    assert len(await process.open_sessions()) == 5


# Mapping: no field may stay unset.


@pytest.mark.parametrize(
    ("happening", "expected"),
    [
        (Happening(Opened()), event_pb2.AccountOpened(version=3, handle="Ada_L")),
        (
            Happening(StatusChanged(CLOSING)),
            event_pb2.AccountStatusChanged(version=3, before="CLOSING", after="ACTIVE"),
        ),
        (Happening(MergeStarted(9)), event_pb2.AccountMergeStarted(target_id=9)),
        (Happening(Merged(9)), event_pb2.AccountMerged(target_id=9, version=3)),
        (
            Happening(Changed((Difference("bio", "a", "b"),))),
            event_pb2.AccountChanged(
                version=3, differences=[event_pb2.FieldDifference(field="bio", before="a", after="b")]
            ),
        ),
    ],
)
def test_no_field_of_an_event_stays_unset(happening: Happening, expected: event_pb2.AccountOpened) -> None:
    message = what_to_message(ADA, happening)
    assert message == expected
    assert len(message.ListFields()) == len(message.DESCRIPTOR.fields)


def test_a_value_that_is_not_there_is_not_told_as_empty() -> None:
    message = difference_to_message(Difference("bio", None, ""))
    assert not message.HasField("before")
    assert message.HasField("after")
