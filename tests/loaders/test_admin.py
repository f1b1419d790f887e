"""Each question to the desk is one call, made for whoever asks, and loses nothing on its way."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.protobuf.message import Message

from loaders.admin import AdminDesk
from schema.errcode import InvalidArgument
from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.admin.ports import AccountsKey, ActivitiesKey, AuditsKey, Change, Creation
from schema.graphql.ports import Identity
from tests.loaders.conftest import MakeClients
from tests.loaders.fakes import channels

SAM = Identity(4, identity_pb2.ACCOUNT_TYPE_STAFF)
STAFF = identity_pb2.ACCOUNT_TYPE_STAFF
DAY = datetime(2026, 3, 1, tzinfo=UTC)
OWN = pb.StaffAttributes(department="d")
CHANGE = Change("r", 7, 3, "n", "h", "u", "b", True, "c", "o", "i", "d", "1990-12-31")
Ask = Callable[[AdminDesk], Awaitable[Any]]
ASKED: list[tuple[str, Ask]] = [
    (
        "SearchAccounts",
        lambda desk: desk.search_accounts(
            SAM,
            AccountsKey(1, 2, (3,), "h", "n", (STAFF,), (pb.ACCOUNT_STATUS_CLOSED,)),  # type: ignore[arg-type]
        ),
    ),
    ("GetAccount", lambda desk: desk.account(SAM, 7)),
    ("ListChanges", lambda desk: desk.changes(SAM, 7, 1, "c")),
    (
        "SearchActivities",
        lambda desk: desk.search_activities(
            SAM,
            ActivitiesKey(1, 2, (3,), (pb.ACTIVITY_KIND_POST,), DAY, DAY),  # type: ignore[arg-type]
        ),
    ),
    ("CheckMerge", lambda desk: desk.check_merge(SAM, 7, 8)),
    ("GetMerge", lambda desk: desk.merge(SAM, 7)),
    ("ListAudits", lambda desk: desk.audits(SAM, AuditsKey(1, 2, 3, 4, "a"))),
    ("CreateAccount", lambda desk: desk.create_account(SAM, Creation("r", STAFF, "h", "n", "p", OWN))),
    ("ChangeAccount", lambda desk: desk.change_account(SAM, CHANGE)),
    ("CloseAccount", lambda desk: desk.close_account(SAM, 7, "r")),
    ("ReopenAccount", lambda desk: desk.reopen_account(SAM, 7, "r")),
    ("SuspendAccount", lambda desk: desk.suspend_account(SAM, 7, "r")),
    ("GrantPermission", lambda desk: desk.grant_permission(SAM, 7, "p", allow=True, reason="r")),
    ("RevokePermission", lambda desk: desk.revoke_permission(SAM, 7, "p", reason="r")),
    ("MergeAccounts", lambda desk: desk.merge_accounts(SAM, 7, 8, "r")),
    ("RetryMerge", lambda desk: desk.retry_merge(SAM, 7, "r")),
]


def unset(message: Message) -> set[str]:
    """Names of the fields without a value; one field of a oneof will do."""
    return {
        field.name for field in message.DESCRIPTOR.fields if not _given(message, field.containing_oneof, field.name)
    }


def _given(message: Message, choice: Any, name: str) -> bool:
    given = {field.name for field, _ in message.ListFields()}
    return name in given or (choice is not None and len(choice.fields) > 1 and bool(message.WhichOneof(choice.name)))


@pytest.mark.parametrize(("rpc", "ask"), ASKED, ids=[rpc for rpc, _ in ASKED])
async def test_a_question_is_one_call_with_every_field_set(clients: MakeClients, rpc: str, ask: Ask) -> None:
    reply = getattr(pb, f"{rpc}Response")
    channel, everywhere = channels(**{rpc: lambda _: reply()})
    await ask(clients(everywhere).admin())
    [(name, request)] = channel.calls
    assert name == rpc
    assert unset(request) == set()
    assert request.actor == identity_pb2.Viewer(account_id=4, account_type=STAFF)
    if rpc == "SearchActivities":
        assert unset(request.filter) == set()


async def test_every_call_of_the_contract_but_the_export_is_offered() -> None:
    methods = {method.name for method in pb.DESCRIPTOR.services_by_name["AdminService"].methods}
    assert methods - {rpc for rpc, _ in ASKED} == {"ExportActivities"}


@pytest.mark.parametrize(
    ("own", "field"),
    [(pb.CreatorAttributes(), "creator"), (pb.BusinessAttributes(), "business"), (OWN, "staff"), (None, None)],
)
async def test_what_only_one_type_has_goes_into_its_field(clients: MakeClients, own: Any, field: str | None) -> None:
    channel, everywhere = channels(CreateAccount=lambda _: pb.CreateAccountResponse(account=pb.Account(id=9)))
    creation = Creation("r", STAFF, "h", "n", "p", own)
    assert await clients(everywhere).admin().create_account(SAM, creation) == pb.Account(id=9)
    assert channel.calls[0][1].WhichOneof("attributes") == field


async def test_a_merge_that_nobody_began_is_none(clients: MakeClients) -> None:
    _, everywhere = channels(
        GetMerge=lambda request: pb.GetMergeResponse(merge=pb.Merge() if request.source_id == 8 else None)
    )
    desk = clients(everywhere).admin()
    assert (await desk.merge(SAM, 7), await desk.merge(SAM, 8)) == (None, pb.Merge())


async def test_a_moment_before_all_time_is_refused(clients: MakeClients) -> None:
    channel, everywhere = channels()
    before = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    with pytest.raises(InvalidArgument, match="since: must be a moment"):
        await clients(everywhere).admin().search_activities(SAM, ActivitiesKey(1, since=before))
    assert channel.calls == []
