"""The job contract, as a caller sees it over gRPC."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.message import Message

from schema import errcode
from schema.generated.event.v1 import event_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.generated.job.v1 import job_pb2 as pb
from schema.generated.job.v1.job_pb2_grpc import JobServiceStub
from services.job.biz.changes import ChangeKind
from services.job.biz.errands import ErrandState, Progress
from services.job.biz.happenings import Difference, Happening, Merged, Published
from services.job.data import SqlErrandStore, SqlLedger, SqlRecords
from services.job.service.messages import (
    change_to_message,
    happening_from_event,
    merge_to_message,
)
from services.job.wire import BACKEND
from services.runtime.backend import Resources
from tests.conftest import NOON, Serve
from tests.services.job.events import WHAT, event
from tests.services.job.examples import ADA, BO, change, erasure, merge

SAM = identity_pb2.Viewer(account_id=4, account_type=identity_pb2.ACCOUNT_TYPE_STAFF)
ADA_ASKS = identity_pb2.Viewer(account_id=ADA, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL)
FAILED = replace(
    merge(),
    state=ErrandState.FAILED,
    steps=(Progress("follows", total=5, moved=4, done=True),),
    attempts=3,
    problem="finish: not these two",
    started_at=NOON,
    finished_at=NOON + timedelta(seconds=1),
)


@pytest.fixture
async def service(resources: Resources, serve: Serve) -> Any:
    return JobServiceStub(await serve(BACKEND, resources))


@pytest.fixture
async def filled(resources: Resources) -> None:
    """Five changes of ADA, and three merges."""
    async with resources.database.transaction() as session:
        ledger = SqlLedger(session)
        await ledger.add_changes([change(number) for number in range(1, 6)])
        for errand in (FAILED, merge(11), replace(merge(12), requested_at=NOON + timedelta(hours=1)), erasure(13)):
            await ledger.put_errand(errand)


def changes(first: int = 10, after: str = "", actor: identity_pb2.Viewer = SAM) -> pb.ListChangesRequest:
    return pb.ListChangesRequest(actor=actor, account_id=ADA, first=first, after=after)


def merges(first: int = 10, after: str = "", states: tuple[pb.MergeState.ValueType, ...] = ()) -> pb.ListMergesRequest:
    return pb.ListMergesRequest(actor=SAM, first=first, after=after, states=states)


@pytest.mark.usefixtures("filled")
async def test_changes_come_newest_first_page_by_page(service: Any) -> None:
    first = await service.ListChanges(changes(2))
    rest = await service.ListChanges(changes(3, after=first.changes[-1].cursor))
    assert [each.differences[0].after for each in (*first.changes, *rest.changes)] == [
        f"word {number}" for number in (5, 4, 3, 2, 1)
    ]
    assert (first.has_next_page, rest.has_next_page) == (True, False)


@pytest.mark.usefixtures("filled")
async def test_an_account_that_nobody_heard_of_has_no_history(service: Any) -> None:
    reply = await service.ListChanges(pb.ListChangesRequest(actor=SAM, account_id=999, first=1))
    assert reply == pb.ListChangesResponse()


@pytest.mark.usefixtures("filled")
async def test_a_merge_tells_how_far_it_is(service: Any) -> None:
    reply = await service.GetMerge(pb.GetMergeRequest(actor=SAM, source_id=ADA))
    assert reply.merge == merge_to_message(FAILED)
    assert reply.merge.state == pb.MERGE_STATE_FAILED
    unknown = await service.GetMerge(pb.GetMergeRequest(actor=SAM, source_id=999))
    assert not unknown.HasField("merge")


@pytest.mark.usefixtures("filled")
async def test_merges_come_by_state_and_page_by_page(service: Any) -> None:
    first = await service.ListMerges(merges(2))
    rest = await service.ListMerges(merges(2, after=first.merges[-1].cursor))
    assert [each.source_id for each in (*first.merges, *rest.merges)] == [12, 11, ADA]
    assert (first.has_next_page, rest.has_next_page) == (True, False)
    failed = await service.ListMerges(merges(states=(pb.MERGE_STATE_FAILED, pb.MERGE_STATE_DONE)))
    assert [each.source_id for each in failed.merges] == [ADA]


@pytest.mark.usefixtures("filled")
async def test_a_failed_merge_is_queued_again_once(service: Any, resources: Resources) -> None:
    retry = pb.RetryMergeRequest(actor=SAM, source_id=ADA)
    queued = (await service.RetryMerge(retry)).merge
    assert (queued.state, queued.problem, queued.HasField("finished_at")) == (pb.MERGE_STATE_QUEUED, "", False)
    assert queued.steps[0].moved == 4
    with pytest.raises(errcode.MergeRefused, match="there is no failed merge of account 1"):
        await service.RetryMerge(retry)
    assert merge_to_message((await SqlRecords(resources.database).merge(ADA)) or merge()) == queued


@pytest.mark.usefixtures("filled")
async def test_whoever_is_not_staff_is_denied_and_nothing_changes(service: Any, resources: Resources) -> None:
    with pytest.raises(errcode.PermissionDenied):
        await service.ListChanges(changes(actor=ADA_ASKS))
    with pytest.raises(errcode.PermissionDenied):
        await service.GetMerge(pb.GetMergeRequest(actor=ADA_ASKS, source_id=ADA))
    with pytest.raises(errcode.PermissionDenied):
        await service.ListMerges(pb.ListMergesRequest(actor=ADA_ASKS, first=1))
    with pytest.raises(errcode.PermissionDenied):
        await service.RetryMerge(pb.RetryMergeRequest(actor=ADA_ASKS, source_id=ADA))
    assert await SqlRecords(resources.database).merge(ADA) == FAILED
    assert await SqlErrandStore(resources.database).next_due() == NOON


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (pb.ListChangesRequest(account_id=ADA, first=1), "actor"),
        (pb.ListChangesRequest(actor=SAM, account_id=0, first=1), "account_id"),
        (changes(0), "first"),
        (changes(201), "first"),
        (changes(1, after="x" * 101), "after"),
        (changes(1, after="nonsense"), "after: is no cursor of this list"),
    ],
)
async def test_bad_input_is_named(service: Any, request_: pb.ListChangesRequest, message: str) -> None:
    with pytest.raises(errcode.InvalidArgument, match=message):
        await service.ListChanges(request_)


async def test_a_state_that_nobody_knows_is_refused(service: Any) -> None:
    for state in (0, 9):
        with pytest.raises(errcode.InvalidArgument, match="states"):
            await service.ListMerges(merges(states=(state,)))  # type: ignore[arg-type]


def unset_fields(message: Message) -> Iterator[str]:
    """Fields of the message, and of those in it, that hold nothing."""
    held = {field.name for field, _ in message.ListFields()}
    yield from (field.name for field in message.DESCRIPTOR.fields if field.name not in held)
    for _, value in message.ListFields():
        for inner in value if hasattr(value, "add") else [value]:
            if isinstance(inner, Message):
                yield from unset_fields(inner)


def test_no_field_of_an_answer_stays_unset() -> None:
    whole = replace(change(1), differences=(Difference("bio", "old", "new"),), erased=True)
    assert set(unset_fields(change_to_message(whole, "cursor"))) <= {"nanos"}
    assert set(unset_fields(merge_to_message(FAILED))) <= {"nanos"}


def test_every_kind_and_state_is_one_of_the_contract() -> None:
    assert {f"CHANGE_KIND_{kind.name}": int(kind) for kind in ChangeKind} == {
        name: number for name, number in pb.ChangeKind.items() if number
    }
    assert {f"MERGE_STATE_{state.name}": int(state) for state in ErrandState} == {
        name: number for name, number in pb.MergeState.items() if number
    }


def test_what_jobs_read_of_each_kind_of_event() -> None:
    assert set(WHAT) == {field.name for field in event_pb2.Event.DESCRIPTOR.oneofs_by_name["what"].fields}
    read = {kind: repr(happening_from_event(event(kind)).what) for kind in WHAT}
    assert read == {
        "account_opened": "Opened(handle='ada')",
        "account_changed": "Changed(differences=(Difference(field='bio', before='', after='x'),))",
        "account_status_changed": "StatusChanged(before='ACTIVE', after='CLOSING')",
        "account_merge_started": "MergeStarted(target_id=2)",
        "account_merged": "Merged(target_id=2)",
        "followed": "FollowsChanged()",
        "unfollowed": "FollowsChanged()",
        "activity_published": "Published()",
        "permission_granted": "PermissionSet(permission='x.y', allow=True)",
        "permission_revoked": "PermissionTakenBack(permission='x.y')",
    }


def test_a_happening_is_all_of_its_event() -> None:
    assert happening_from_event(event("account_merged", 7)) == Happening(
        event_id=change(7).event_id,
        account_id=ADA,
        occurred_at=NOON,
        actor_id=4,
        reason="because",
        what=Merged(BO),
    )
    assert happening_from_event(event("activity_published")).what == Published()


def test_a_value_that_is_not_told_is_none_and_an_empty_one_is_empty() -> None:
    message = event_pb2.FieldDifference(field="birthday")
    told = event_pb2.Event(account_changed=event_pb2.AccountChanged(differences=[message]))
    what = happening_from_event(told).what
    assert repr(what) == "Changed(differences=(Difference(field='birthday', before=None, after=None),))"


def test_an_event_of_a_kind_that_is_newer_than_this_program_is_nothing_to_it() -> None:
    assert happening_from_event(event_pb2.Event(account_id=ADA)).what is None
