"""The admin contract over gRPC, with every backend that it asks, on both stacks."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from schema import errcode
from schema.generated.account.v1 import account_pb2
from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.identity.v1 import identity_pb2
from services.runtime.errors import from_grpc
from tests.conftest import MakeResources
from tests.services.admin.town import ADA, BO, CORP, GUEST, NO_GRANTS, PERSON, SAM, STAFF, Town, open_town, until

WHY = "asked by the owner"
DENIED = identity_pb2.Viewer(account_id=NO_GRANTS, account_type=identity_pb2.ACCOUNT_TYPE_STAFF)
POSTS = pb.ActivityFilter(author_ids=[ADA, BO], kinds=[pb.ACTIVITY_KIND_POST])


@pytest.fixture
async def town(make_resources: MakeResources) -> AsyncIterator[Town]:
    async with open_town(make_resources) as opened:
        yield opened


def calls(actor: identity_pb2.Viewer) -> dict[str, Any]:
    """A request of each call that changes something."""
    why: dict[str, Any] = {"actor": actor, "reason": WHY}
    own = pb.StaffAttributes(department="support")
    return {
        "CreateAccount": pb.CreateAccountRequest(
            **why,
            type=identity_pb2.ACCOUNT_TYPE_STAFF,
            handle="newbie",
            display_name="New",
            password="long-enough-secret",
            staff=own,
        ),
        "ChangeAccount": pb.ChangeAccountRequest(**why, account_id=BO, version=1, bio="New words"),
        "CloseAccount": pb.CloseAccountRequest(**why, account_id=BO),
        "ReopenAccount": pb.ReopenAccountRequest(**why, account_id=50),
        "SuspendAccount": pb.SuspendAccountRequest(**why, account_id=BO),
        "GrantPermission": pb.GrantPermissionRequest(**why, account_id=BO, permission="studio.use", allow=False),
        "RevokePermission": pb.RevokePermissionRequest(**why, account_id=BO, permission="invoices.view"),
        "MergeAccounts": pb.MergeAccountsRequest(**why, source_id=11, target_id=12),
        "RetryMerge": pb.RetryMergeRequest(**why, source_id=11),
    }


async def test_accounts_are_found_by_each_filter_and_paged(town: Town) -> None:
    async def found(**wanted: Any) -> list[int]:
        request = pb.SearchAccountsRequest(actor=STAFF, **{"first": 200, **wanted})
        return [account.id for account in (await town.desk.SearchAccounts(request)).accounts]

    assert await found(ids=[BO, 999]) == [BO]
    assert await found(handle_prefix="AD") == [ADA]
    assert await found(types=[identity_pb2.ACCOUNT_TYPE_STAFF]) == [SAM, NO_GRANTS]
    assert await found(statuses=[pb.ACCOUNT_STATUS_CLOSING]) == [50, 51, 52]
    assert await found(statuses=[pb.ACCOUNT_STATUS_CLOSING], first=2, after_id=50) == [51, 52]
    page = await town.desk.SearchAccounts(pb.SearchAccountsRequest(actor=STAFF, first=3))
    assert ([one.id for one in page.accounts], page.has_next_page) == ([1, 2, 3], True)


async def test_an_account_comes_with_all_that_hangs_on_it(town: Town) -> None:
    await town.desk.GrantPermission(calls(STAFF)["GrantPermission"])
    await until(lambda: _has_changes(town, BO))
    shown = await town.show(BO)
    assert (shown.account.handle, shown.account.creator.category != "") == ("bo", True)
    assert [(grant.permission, grant.allow) for grant in shown.grants] == [
        ("invoices.view", True),
        ("studio.use", False),
    ]
    assert (shown.followers > 0, shown.following > 0) == (True, True)
    assert {activity.author_id for activity in shown.recent_activities} == {BO}
    assert len(shown.recent_activities) == 10
    [change] = shown.recent_changes
    assert (change.kind, change.actor_id, change.reason) == (pb.CHANGE_KIND_PERMISSION_DENIED, SAM, WHY)
    assert (list(shown.gaps), list(shown.withheld), shown.HasField("merge")) == ([], [], False)
    assert (await town.show(ADA)).birthday == "1990-12-10"


async def _has_changes(town: Town, account_id: int) -> bool:
    request = pb.ListChangesRequest(actor=STAFF, account_id=account_id, first=1)
    return bool((await town.desk.ListChanges(request)).changes)


async def test_backends_that_are_down_are_named_and_the_rest_is_told(town: Town) -> None:
    for name in ("activity", "job"):
        await town.stop(name)
    shown = await town.show(BO)
    part = pb.GetAccountResponse
    assert {(gap.part, gap.backend, gap.code) for gap in shown.gaps} == {
        (part.PART_FOLLOW_COUNTS, "activity", 5030100),
        (part.PART_ACTIVITIES, "activity", 5030100),
        (part.PART_CHANGES, "job", 5030100),
        (part.PART_MERGE, "job", 5030100),
    }
    assert [grant.permission for grant in shown.grants] == ["invoices.view"]


async def test_an_account_is_opened_and_can_sign_in(town: Town) -> None:
    created = (await town.desk.CreateAccount(calls(STAFF)["CreateAccount"])).account
    assert (created.handle, created.version, created.staff.department) == ("newbie", 1, "support")
    request = account_pb2.SignInRequest(handle="newbie", password="long-enough-secret")
    assert (await town.account.SignIn(request)).account.id == created.id
    [audit] = await town.audits()
    assert (audit.account_id, audit.outcome) == (created.id, errcode.OK)
    assert "long-enough-secret" not in repr(audit)


async def test_a_change_is_in_the_history_and_in_the_audit(town: Town) -> None:
    before = (await town.show(BO)).account
    changed = (await town.desk.ChangeAccount(calls(STAFF)["ChangeAccount"])).account
    assert (changed.bio, changed.version) == ("New words", 2)
    await until(lambda: _has_changes(town, BO))
    [change] = (await town.desk.ListChanges(pb.ListChangesRequest(actor=STAFF, account_id=BO, first=5))).changes
    [difference] = change.differences
    assert (difference.field, difference.before, difference.after) == ("bio", before.bio, "New words")
    [audit] = [audit for audit in await town.audits() if audit.action == "ChangeAccount"]
    assert (audit.actor_id, audit.account_id, audit.reason, audit.outcome) == (SAM, BO, WHY, errcode.OK)
    assert (json.loads(audit.before)["bio"], json.loads(audit.after)["bio"]) == (before.bio, "New words")


async def test_a_lost_version_changes_nothing_and_is_in_the_audit(town: Town) -> None:
    before = await town.rows()
    request = pb.ChangeAccountRequest(actor=STAFF, reason=WHY, account_id=BO, version=7, bio="New words")
    with pytest.raises(errcode.VersionConflict):
        await town.desk.ChangeAccount(request)
    assert await town.rows() == before
    assert [audit.outcome for audit in await town.audits()] == [4090100]


async def test_a_life_takes_its_turns(town: Town) -> None:
    why: dict[str, Any] = {"actor": STAFF, "reason": WHY, "account_id": BO}
    closing = (await town.desk.CloseAccount(pb.CloseAccountRequest(**why))).account
    with pytest.raises(errcode.AccountState):
        await town.desk.CloseAccount(pb.CloseAccountRequest(**why))
    active = (await town.desk.ReopenAccount(pb.ReopenAccountRequest(**why))).account
    barred = (await town.desk.SuspendAccount(pb.SuspendAccountRequest(**why))).account
    assert [closing.status, active.status, barred.status] == [
        pb.ACCOUNT_STATUS_CLOSING, pb.ACCOUNT_STATUS_ACTIVE, pb.ACCOUNT_STATUS_SUSPENDED,
    ]  # fmt: skip
    with pytest.raises(errcode.AccountClosed):
        await town.account.SignIn(account_pb2.SignInRequest(handle="bo", password="atrium-demo"))
    standings = [(json.loads(audit.before)["status"], audit.outcome) for audit in await town.audits()]
    assert standings == [("ACTIVE", 2000000), ("CLOSING", 4090300), ("CLOSING", 2000000), ("ACTIVE", 2000000)]


@pytest.mark.parametrize("actor", [PERSON, GUEST], ids=["person", "guest"])
async def test_nobody_but_staff_changes_anything(town: Town, actor: identity_pb2.Viewer) -> None:
    before = await town.rows()
    for name, request in calls(actor).items():
        with pytest.raises(errcode.PermissionDenied):
            await getattr(town.desk, name)(request)
    assert await town.rows() == before
    tried = [(audit.action, audit.actor_id, audit.outcome) for audit in await town.audits()]
    assert tried == [(name, actor.account_id, 4030100) for name in calls(actor)]


async def test_staff_without_the_permission_grants_nothing(town: Town) -> None:
    before = await town.rows()
    for name in ("GrantPermission", "RevokePermission"):
        with pytest.raises(errcode.PermissionDenied, match=r"admin\.permissions\.grant"):
            await getattr(town.desk, name)(calls(DENIED)[name])
    assert await town.rows() == before
    await town.desk.SearchAccounts(pb.SearchAccountsRequest(actor=DENIED, first=1))
    assert [audit.outcome for audit in await town.audits()] == [4030100, 4030100, 2000000]


async def test_without_the_permission_backend_nothing_changes(town: Town) -> None:
    before = await town.rows()
    await town.stop("permission")
    for name, request in calls(STAFF).items():
        with pytest.raises(errcode.BackendUnavailable, match="permission"):
            await getattr(town.desk, name)(request)
    assert await town.rows() == before
    assert {audit.outcome for audit in await town.audits()} == {5030100}


async def test_what_breaks_the_contract_is_refused_at_the_door(town: Town) -> None:
    with pytest.raises(errcode.InvalidArgument, match="reason"):
        await town.desk.CloseAccount(pb.CloseAccountRequest(actor=STAFF, account_id=BO))
    with pytest.raises(errcode.InvalidArgument, match="reason: must not be blank"):
        await town.desk.CloseAccount(pb.CloseAccountRequest(actor=STAFF, account_id=BO, reason=" "))
    assert [audit.outcome for audit in await town.audits()] == [4000100]


async def test_permissions_are_granted_denied_and_taken_back(town: Town) -> None:
    denied = await town.desk.GrantPermission(calls(STAFF)["GrantPermission"])
    again = await town.desk.GrantPermission(calls(STAFF)["GrantPermission"])
    taken = await town.desk.RevokePermission(calls(STAFF)["RevokePermission"])
    assert [denied.changed, again.changed, taken.changed] == [True, False, True]
    assert [(grant.permission, grant.allow) for grant in taken.grants] == [("studio.use", False)]
    assert list((await town.show(BO)).grants) == list(taken.grants)


async def test_two_accounts_become_one(town: Town) -> None:
    check = await town.desk.CheckMerge(pb.CheckMergeRequest(actor=STAFF, source_id=11, target_id=12))
    moves = {amount.what: amount.count for amount in check.moves}
    assert check.refusal == ""
    assert moves.keys() == {"sessions", "following", "followers", "activities", "grants"}
    assert (moves["activities"] > 0, moves["grants"]) == (True, 1)
    before = await town.show(12)
    source = (await town.desk.MergeAccounts(calls(STAFF)["MergeAccounts"])).source
    assert source.status == pb.ACCOUNT_STATUS_SUSPENDED

    async def is_done() -> bool:
        reply = await town.desk.GetMerge(pb.GetMergeRequest(actor=STAFF, source_id=11))
        return bool(reply.merge.state == pb.MERGE_STATE_DONE)

    await until(is_done)
    shown = await town.show(11)
    assert (shown.account.status, shown.merge.target_id) == (pb.ACCOUNT_STATUS_MERGED, 12)
    assert {"studio.use"} == {grant.permission for grant in (await town.show(12)).grants} - {
        grant.permission for grant in before.grants
    }
    with pytest.raises(errcode.MergeRefused):
        await town.desk.MergeAccounts(pb.MergeAccountsRequest(actor=STAFF, reason=WHY, source_id=11, target_id=BO))
    with pytest.raises(errcode.MergeRefused):
        await town.desk.RetryMerge(pb.RetryMergeRequest(actor=STAFF, reason=WHY, source_id=11))


async def test_a_merge_that_would_be_refused_says_so_without_changing_anything(town: Town) -> None:
    before = await town.rows()
    check = await town.desk.CheckMerge(pb.CheckMergeRequest(actor=STAFF, source_id=BO, target_id=50))
    assert check.refusal != ""
    assert await town.rows() == before
    empty = await town.desk.GetMerge(pb.GetMergeRequest(actor=STAFF, source_id=CORP))
    assert not empty.HasField("merge")


async def test_activities_are_found_and_paged(town: Town) -> None:
    request = pb.SearchActivitiesRequest(actor=STAFF, filter=POSTS, first=3)
    first = await town.desk.SearchActivities(request)
    request.before_id = first.activities[-1].id
    second = await town.desk.SearchActivities(request)
    ids = [activity.id for page in (first, second) for activity in page.activities]
    assert ids == sorted(ids, reverse=True)
    assert (len(set(ids)), first.has_next_page) == (6, True)
    assert {(each.kind, each.author_id in (ADA, BO)) for each in first.activities} == {(pb.ACTIVITY_KIND_POST, True)}


async def test_an_export_holds_what_the_search_finds(town: Town) -> None:
    export = town.desk.ExportActivities(pb.ExportActivitiesRequest(actor=STAFF))
    pieces = [piece async for piece in export]
    rows = list(csv.reader(io.StringIO(b"".join(piece.csv for piece in pieces).decode(), newline=""), strict=True))
    request = pb.SearchActivitiesRequest(actor=STAFF, first=200)
    newest = (await town.desk.SearchActivities(request)).activities
    assert rows[0] == ["id", "author_id", "kind", "text", "created_at"]
    assert [row[0] for row in rows[1:201]] == [f"act_{activity.id}" for activity in newest]
    assert len(rows) - 1 == sum(piece.rows for piece in pieces) > 1000
    assert len(pieces) > 1
    assert json.loads((await town.audits())[0].after) == {"rows": len(rows) - 1}


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (pb.ExportActivitiesRequest(actor=PERSON), errcode.PermissionDenied),
        (pb.ExportActivitiesRequest(), errcode.InvalidArgument),
    ],
)
async def test_an_export_is_refused_as_any_call(
    town: Town, request_: pb.ExportActivitiesRequest, reason: type[errcode.AtriumError]
) -> None:
    pieces = []
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        pieces += [piece async for piece in town.desk.ExportActivities(request_)]
    assert type(from_grpc(refusal.value, "admin")) is reason
    assert pieces == []


async def test_of_an_export_that_nobody_reads_to_its_end_the_audit_knows(town: Town) -> None:
    export = town.desk.ExportActivities(pb.ExportActivitiesRequest(actor=STAFF))
    async for _ in export:
        export.cancel()
        break

    async def is_written() -> bool:
        return any(audit.after for audit in await town.audits())

    await until(is_written)
    [audit] = await town.audits()
    assert (audit.action, audit.outcome, json.loads(audit.after)["rows"] > 0) == ("ExportActivities", 0, True)


async def test_the_audit_can_be_read_and_filtered(town: Town) -> None:
    await town.desk.CloseAccount(pb.CloseAccountRequest(actor=STAFF, account_id=BO, reason=WHY))
    with pytest.raises(errcode.PermissionDenied):
        await town.desk.SearchAccounts(pb.SearchAccountsRequest(actor=PERSON, first=1))

    async def actions(**wanted: Any) -> list[str]:
        request = pb.ListAuditsRequest(actor=STAFF, **{"first": 50, **wanted})
        return [audit.action for audit in (await town.desk.ListAudits(request)).audits]

    assert await actions(first=2) == ["SearchAccounts", "CloseAccount"]
    assert await actions(by_id=ADA) == ["SearchAccounts"]
    assert await actions(account_id=BO) == ["CloseAccount"]
    assert await actions(action="CloseAccount") == ["CloseAccount"]
    reply = await town.desk.ListAudits(pb.ListAuditsRequest(actor=STAFF, first=1, account_id=BO))
    [audit] = reply.audits
    assert (json.loads(audit.before), audit.outcome) == ({"status": "ACTIVE", "version": 1}, 2000000)
    page = pb.ListAuditsRequest(actor=STAFF, first=1, before_id=audit.id + 1, by_id=SAM)
    assert [one.id for one in (await town.desk.ListAudits(page)).audits] == [audit.id]


async def test_an_account_that_is_closed_for_good_leaves_no_personal_data_in_the_audit(town: Town) -> None:
    await town.desk.ChangeAccount(calls(STAFF)["ChangeAccount"])
    await town.desk.CloseAccount(calls(STAFF)["CloseAccount"])
    town.resources[next(iter(town.resources))].clock.advance(days=8)  # type: ignore[attr-defined]
    assert BO in (await town.account.EndClosures(account_pb2.EndClosuresRequest(limit=100))).account_ids

    async def is_erased() -> bool:
        return not any(audit.before for audit in await town.audits() if audit.account_id == BO)

    await until(is_erased)
    left = [audit for audit in await town.audits() if audit.account_id == BO]
    assert {(audit.reason, audit.request, audit.before, audit.after) for audit in left} == {("", "{}", "", "")}
    assert [(audit.action, audit.actor_id, audit.outcome) for audit in left] == [
        ("ChangeAccount", SAM, errcode.OK),
        ("CloseAccount", SAM, errcode.OK),
    ]
