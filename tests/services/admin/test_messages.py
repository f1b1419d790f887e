"""No field gets lost between the contracts of the other backends and the desk's own."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import grpc.aio
import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.identity.v1 import identity_pb2
from schema.generated.job.v1 import job_pb2
from schema.generated.permission.v1 import permission_pb2
from services.admin.biz import (
    AccountChange,
    AccountFilter,
    ActivityFilter,
    Attributes,
    Audit,
    AuditFilter,
    BusinessAttributes,
    CreatorAttributes,
    Details,
    FollowCounts,
    Gap,
    Grant,
    NewAccount,
    Part,
    StaffAttributes,
)
from services.admin.data import GrpcAccounts, GrpcActivities, GrpcJobs, GrpcPermissions
from services.admin.data import messages as theirs
from services.admin.service import messages as ours
from tests.conftest import NOON
from tests.services.admin.fakes import BO, CHANGE, MERGE, SAM, activity

STAFF = identity_pb2.ACCOUNT_TYPE_STAFF
SAM_ASKS = identity_pb2.Viewer(account_id=4, account_type=STAFF, assertion="proved")


def unset(message: Message) -> set[str]:
    """Names of the fields without a value, also in messages within; of a oneof, one set field is enough."""
    chosen = {field.name for field, _ in message.ListFields()}
    missing = {
        field.name
        for field in message.DESCRIPTOR.fields
        if field.name not in chosen and not (field.containing_oneof and message.WhichOneof(field.containing_oneof.name))
    }
    for field, value in message.ListFields():
        if field.message_type and not field.message_type.full_name.startswith("google."):
            for part in value if field.is_repeated else [value]:
                missing |= unset(part)
    return missing


def at_noon(message: Any, *fields: str) -> Any:
    for field in fields:
        getattr(message, field).FromDatetime(NOON)
    return message


def account(**own: Any) -> account_pb2.Account:
    made = account_pb2.Account(
        id=7, type=STAFF, status=account_pb2.ACCOUNT_STATUS_MERGED, version=3, handle="h", display_name="n",
        avatar_url="u", bio="b", **own,
    )  # fmt: skip
    return at_noon(made, "created_at")  # type: ignore[no-any-return]


STEPS = [job_pb2.MergeStep(name="n", total=1, moved=1, done=True)]
FULL: list[tuple[Message, Callable[[Any], Any], Callable[[Any], Message], set[str]]] = [
    (
        account(creator=account_pb2.CreatorAttributes(category="c", verified=True)),
        theirs.from_account,
        ours.account_to_message,
        set(),
    ),
    (
        account(business=account_pb2.BusinessAttributes(company_name="c", industry="i", verified=True)),
        theirs.from_account,
        ours.account_to_message,
        set(),
    ),
    (
        account(staff=account_pb2.StaffAttributes(department="d")),
        theirs.from_account,
        ours.account_to_message,
        set(),
    ),
    (
        at_noon(activity_pb2.Activity(id=1, author_id=2, kind=activity_pb2.ACTIVITY_KIND_POST, text="t"), "created_at"),
        theirs.from_activity,
        ours.activity_to_message,
        set(),
    ),
    (permission_pb2.Grant(permission="p", allow=True), theirs.from_grant, ours.grant_to_message, set()),
    (
        at_noon(
            job_pb2.Change(
                cursor="c", event_id="e", account_id=7, kind=job_pb2.CHANGE_KIND_STATUS, actor_id=4, reason="r",
                differences=[job_pb2.Difference(field="f", before="b", after="a")], erased=True,
            ),
            "occurred_at",
        ),
        theirs.from_change,
        ours.change_to_message,
        {"eventId"},
    ),
    (
        at_noon(
            job_pb2.Merge(
                source_id=7, target_id=8, state=job_pb2.MERGE_STATE_FAILED, steps=STEPS, actor_id=4, reason="r",
                problem="p", attempts=1, cursor="c",
            ),
            "requested_at", "started_at", "finished_at",
        ),
        theirs.from_merge,
        ours.merge_to_message,
        {"attempts", "cursor"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("message", "read", "write", "kept_back"), FULL)
def test_what_a_backend_tells_is_told_on(
    message: Message, read: Callable[[Any], Any], write: Callable[[Any], Message], kept_back: set[str]
) -> None:
    told = write(read(message))
    assert unset(told) == set()
    expected = {name: value for name, value in MessageToDict(message).items() if name not in kept_back}
    assert MessageToDict(told) == expected


def test_what_a_backend_leaves_out_stays_out() -> None:
    bare = account_pb2.Account(id=7)
    word = theirs.from_account(bare)
    assert (word.avatar_url, word.bio, word.attributes) == (None, None, None)
    assert MessageToDict(ours.account_to_message(word)) == {"id": "7", "createdAt": "1970-01-01T00:00:00Z"}
    assert theirs.from_merge(job_pb2.Merge(source_id=7)).finished_at is None
    difference = theirs.from_change(job_pb2.Change(differences=[job_pb2.Difference(field="f")])).differences[0]
    assert (difference.before, difference.after) == (None, None)


def test_no_field_of_the_details_stays_unset() -> None:
    details = Details(
        account=BO, birthday="1990-12-31", follow_counts=FollowCounts(1, 2), grants=[Grant("p", True)],
        activities=[activity(1)], changes=[CHANGE], merge=MERGE, gaps=[Gap(Part.MERGE, "job", 1)],
        withheld=[Part.ACTIVITIES],
    )  # fmt: skip
    message = ours.details_to_message(details)
    assert {field.name for field in message.DESCRIPTOR.fields} == {field.name for field, _ in message.ListFields()}
    assert (message.followers, message.following, message.gaps[0].code) == (1, 2, 1)
    assert unset(message.gaps[0]) == set()


def test_no_field_of_an_audit_stays_unset() -> None:
    message = ours.audit_to_message(Audit(1, NOON, 4, "a", 7, "r", "{}", "{}", "{}", 2_000_000))
    assert unset(message) == set()


# Requests.

OWN: list[tuple[dict[str, Any], Attributes]] = [
    ({"creator": pb.CreatorAttributes(category="c", verified=True)}, CreatorAttributes("c", True)),
    ({"business": pb.BusinessAttributes(company_name="c", industry="i")}, BusinessAttributes("c", "i", False)),
    ({"staff": pb.StaffAttributes(department="d")}, StaffAttributes("d")),
]


@pytest.mark.parametrize(("field", "own"), OWN)
def test_a_new_account_is_read_and_asked_for_whole(field: dict[str, Any], own: Attributes) -> None:
    request = pb.CreateAccountRequest(type=STAFF, handle="h", display_name="n", password="p", **field)
    new = ours.new_account_from_message(request)
    assert new == NewAccount(STAFF, "h", "n", own, "p")
    [(name, message)] = theirs.to_attributes(own).items()
    assert (name, MessageToDict(message)) == (next(iter(field)), MessageToDict(next(iter(field.values()))))


def test_requests_are_read_whole() -> None:
    viewer = identity_pb2.Viewer(account_id=7, account_type=identity_pb2.AccountType.ValueType(77), assertion="proved")
    assert asdict(ours.viewer_from_message(viewer)) == {"account_id": 7, "account_type": 77, "assertion": "proved"}
    search = pb.SearchAccountsRequest(
        ids=[1], handle_prefix="h", name_part="n", types=[STAFF], statuses=[pb.ACCOUNT_STATUS_CLOSED],
        first=2, after_id=3,
    )  # fmt: skip
    assert ours.account_filter_from_message(search) == AccountFilter(2, 3, (1,), "h", "n", (5,), (3,))
    change = pb.ChangeAccountRequest(
        display_name="n", handle="h", avatar_url="", bio="b", verified=False,
        category="", company_name="c", industry="", department="d", birthday="",
    )  # fmt: skip
    asked = AccountChange("n", "h", "", "b", False, "", "c", "", "d", "")
    assert ours.account_change_from_message(change) == asked
    assert ours.account_change_from_message(pb.ChangeAccountRequest()) == AccountChange()
    wanted = at_noon(pb.ActivityFilter(author_ids=[1], kinds=[pb.ACTIVITY_KIND_POST]), "since", "until")
    assert ours.activity_filter_from_message(wanted) == ActivityFilter((1,), (1,), NOON, NOON)
    assert ours.activity_filter_from_message(pb.ActivityFilter()) == ActivityFilter()
    audits = pb.ListAuditsRequest(by_id=1, account_id=2, action="a", first=3, before_id=4)
    assert ours.audit_filter_from_message(audits) == AuditFilter(3, 4, 1, 2, "a")


class Recorder:
    """A channel whose backend answers with nothing, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Message] = []

    def unary_unary(self, _method: str, **codecs: Any) -> Callable[[Message], Any]:
        async def call(request: Message) -> Any:
            self.asked.append(request)
            return codecs["response_deserializer"](b"")

        return call


WANTED = AccountFilter(2, 3, (1,), "h", "n", (5,), (3,))
ACTIVITIES = ActivityFilter((1,), (1,), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
NEW = NewAccount(STAFF, "h", "n", StaffAttributes("d"), "p")
EDIT = AccountChange("n", "h", "u", "b", True, "c", "o", "i", "d", "1990-12-31")
ASKED: dict[str, Callable[[grpc.aio.Channel], Any]] = {
    "SearchAccountsRequest": lambda to: GrpcAccounts(to).search(SAM, WANTED),
    "BatchGetPrivateAttributesRequest": lambda to: GrpcAccounts(to).birthday(SAM, 7),
    "CreateAccountRequest": lambda to: GrpcAccounts(to).create(SAM, NEW, "r"),
    "ChangeAccountRequest": lambda to: GrpcAccounts(to).change(SAM, 7, 3, EDIT, "r"),
    "CloseAccountRequest": lambda to: GrpcAccounts(to).close(SAM, 7, "r"),
    "ReopenAccountRequest": lambda to: GrpcAccounts(to).reopen(SAM, 7, "r"),
    "SuspendAccountRequest": lambda to: GrpcAccounts(to).suspend(SAM, 7, "r"),
    "CheckMergeRequest": lambda to: GrpcAccounts(to).check_merge(SAM, 7, 8),
    "StartMergeRequest": lambda to: GrpcAccounts(to).start_merge(SAM, 7, 8, "r"),
    "BatchCheckPermissionsRequest": lambda to: GrpcPermissions(to).allowed(SAM, ["p", "q"]),
    "BatchListGrantsRequest": lambda to: GrpcPermissions(to).grants(7),
    "GrantPermissionRequest": lambda to: GrpcPermissions(to).grant(SAM, 7, Grant("p", True), "r"),
    "RevokePermissionRequest": lambda to: GrpcPermissions(to).revoke(SAM, 7, "p", "r"),
    "SearchActivitiesRequest": lambda to: GrpcActivities(to).search(SAM, ACTIVITIES, 1, 2),
    "CountAccountDataRequest": lambda to: GrpcActivities(to).amounts(7),
    "ListChangesRequest": lambda to: GrpcJobs(to).changes(SAM, 7, 1, "c"),
    "GetMergeRequest": lambda to: GrpcJobs(to).merge(SAM, 7),
    "RetryMergeRequest": lambda to: GrpcJobs(to).retry_merge(SAM, 7),
}


class FakeChannel(Recorder):
    """Also prepares streams, which nobody here reads."""

    unary_stream = Recorder.unary_unary


@pytest.mark.parametrize("name", list(ASKED))
async def test_a_backend_is_asked_in_one_call_with_every_field_set(name: str) -> None:
    channel: Any = FakeChannel()
    await ASKED[name](channel)
    [request] = channel.asked
    assert request.DESCRIPTOR.name == name
    assert unset(request) == set()
    if "actor" in request.DESCRIPTOR.fields_by_name:
        assert request.actor == SAM_ASKS


def test_a_password_is_in_no_words_about_an_account() -> None:
    assert "'p'" not in repr(NEW)
    assert asdict(NEW)["password"] == "p"
