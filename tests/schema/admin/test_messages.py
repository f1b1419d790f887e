"""No field of a message of the desk gets lost on its way into the schema."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message

from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.admin.account import AdminAccountConnection, AdminGrant, public_account
from schema.graphql.admin.activity import AdminActivityConnection, activity_of
from schema.graphql.admin.audit import AdminAudit, AdminAuditConnection
from schema.graphql.admin.change import AdminChange, AdminChangeConnection, AdminDifference
from schema.graphql.admin.merge import AdminMerge, AdminMergeCheck, AdminMergeStep
from tests.schema.admin import desk
from tests.schema.fakes import SAM
from tests.schema.test_messages import named, shown, unset_fields, without_each_field

BUSINESS: dict[str, Any] = {
    "type": identity_pb2.ACCOUNT_TYPE_BUSINESS,
    "creator": None,
    "business": pb.BusinessAttributes(company_name="C", industry="i", verified=True),
}
STAFF: dict[str, Any] = {
    "type": identity_pb2.ACCOUNT_TYPE_STAFF,
    "creator": None,
    "staff": pb.StaffAttributes(department="d"),
}
# Who acted is asked for, and told where the account is gone.
ELSEWHERE = {"Activity.author_id", "Change.actor_id", "Merge.actor_id"}
FULL: list[tuple[Message, Callable[[Any], object]]] = [
    (desk.account(), public_account),
    (desk.account(**BUSINESS), public_account),
    (desk.account(**STAFF), public_account),
    (desk.activity(), lambda message: activity_of(message, SAM)),
    (desk.change(), lambda message: (message.cursor, AdminChange.from_message(message))),
    (pb.Difference(field="f", before="b", after="a"), AdminDifference.from_message),
    (desk.merge(), AdminMerge.from_message),
    (pb.MergeStep(name="n", total=1, moved=1, done=True), AdminMergeStep.from_message),
    (pb.Grant(permission="p", allow=True), AdminGrant.from_message),
    (pb.CheckMergeResponse(refusal="r", moves=[pb.Amount(what="w", count=1)]), AdminMergeCheck.from_message),
    (desk.audit(), lambda message: (message.id, AdminAudit.from_message(message))),
    (
        pb.SearchAccountsResponse(accounts=[desk.account()], has_next_page=True),
        lambda message: AdminAccountConnection.from_message(message, None, SAM),
    ),
    (
        pb.SearchActivitiesResponse(activities=[desk.activity()], has_next_page=True),
        lambda message: AdminActivityConnection.from_message(message, None, SAM),
    ),
    (
        pb.ListChangesResponse(changes=[desk.change()], has_next_page=True),
        lambda message: AdminChangeConnection.from_message(message, None),
    ),
    (
        pb.ListAuditsResponse(audits=[desk.audit()], has_next_page=True),
        lambda message: AdminAuditConnection.from_message(message, None),
    ),
]


@pytest.mark.parametrize(("message", "read"), FULL, ids=named)
def test_every_field_of_a_message_shows(message: Message, read: Callable[[Any], object]) -> None:
    whole = shown(read(message))
    assert {name for name, copy in without_each_field(message) if shown(read(copy)) == whole} <= ELSEWHERE


@pytest.mark.parametrize("message", [message for message, _ in FULL], ids=named)
def test_every_field_is_set_where_that_is_proved(message: Message) -> None:
    assert set(unset_fields(message)) == set()
