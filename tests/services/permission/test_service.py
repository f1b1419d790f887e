"""The permission contract, as a caller sees it over gRPC."""

import re
from dataclasses import asdict
from typing import Any, TypeAlias

import grpc.aio
import pytest
from google.protobuf.message import Message

from schema import errcode
from schema.generated.identity.v1 import identity_pb2
from schema.generated.identity.v1.identity_pb2 import Viewer as ViewerMessage
from schema.generated.permission.v1 import permission_pb2, permission_pb2_grpc
from services.permission.biz import AccountType, Effect, Feature, Grant, Question, Viewer
from services.permission.service import (
    answer_to_message,
    feature_to_message,
    features_to_message,
    grant_from_message,
    grant_to_message,
    grants_to_message,
    question_from_message,
    viewer_from_message,
    viewer_to_message,
)
from services.permission.wire import BACKEND
from services.runtime.backend import Demo
from tests.conftest import MakeResources, Serve

Stub: TypeAlias = "permission_pb2_grpc.PermissionServiceAsyncStub"
ADA = ViewerMessage(account_id=1, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL)
SAM = ViewerMessage(account_id=4, account_type=identity_pb2.ACCOUNT_TYPE_STAFF)
GUEST = ViewerMessage(account_type=identity_pb2.ACCOUNT_TYPE_GUEST)
NEWER = ViewerMessage(account_id=7, account_type=identity_pb2.AccountType.ValueType(77))
STUDIO = Feature("studio", "Studio", "https://atrium.example/studio", badge="BETA", permission="studio.use")
NEGATIVE = ViewerMessage(account_id=-1, account_type=identity_pb2.ACCOUNT_TYPE_CREATOR)
VIEWER = Viewer(account_id=1, account_type=AccountType.CREATOR)


@pytest.fixture
async def stub(make_resources: MakeResources, serve: Serve) -> Stub:
    resources = await make_resources(BACKEND.metadata)
    await BACKEND.load_demo(resources, Demo(accounts=240, report=lambda _rows: None))
    channel: grpc.aio.Channel = await serve(BACKEND, resources)
    return permission_pb2_grpc.PermissionServiceStub(channel)


def check(*questions: tuple[ViewerMessage, str]) -> permission_pb2.BatchCheckPermissionsRequest:
    question = permission_pb2.BatchCheckPermissionsRequest.Question
    return permission_pb2.BatchCheckPermissionsRequest(
        questions=[question(viewer=viewer, permission=permission) for viewer, permission in questions]
    )


PROOF = {"assertion"}
"""What a caller proves a viewer with; it is not given back."""


def unset_fields(message: Message) -> set[str]:
    return {field.name for field in message.DESCRIPTOR.fields} - {field.name for field, _ in message.ListFields()}


async def test_each_question_is_answered_in_order_with_its_viewer_and_permission(
    stub: Stub,
) -> None:
    asked = [
        (SAM, "admin.accounts.read"),
        (GUEST, "profile.edit"),
        (ADA, "wallet.view"),
        (ADA, "orders.view"),
        (NEWER, "orders.view"),
        (SAM, "admin.accounts.read"),
        (ADA, "no.such"),
    ]
    reply = await stub.BatchCheckPermissions(check(*asked))
    assert [(answer.viewer, answer.permission) for answer in reply.answers] == asked
    assert [answer.allowed for answer in reply.answers] == [True, False, False, True, False, True, False]


async def test_each_viewer_gets_a_menu_in_order(stub: Stub) -> None:
    request = permission_pb2.BatchListFeaturesRequest(viewers=[NEWER, GUEST, SAM, GUEST])
    reply = await stub.BatchListFeatures(request)
    assert [answer.viewer for answer in reply.answers] == [NEWER, GUEST, SAM, GUEST]
    newer, guest, sam, guest_again = ([feature.key for feature in answer.features] for answer in reply.answers)
    assert newer == ["discover", "offers", "help", "status"]
    assert guest == guest_again == ["discover", "offers", "help", "status", "open_account"]
    assert sam[-6:] == [
        "audit_log",
        "admin_accounts",
        "admin_activities",
        "admin_banners",
        "admin_permissions",
        "close_account",
    ]


async def test_a_feature_has_a_badge_or_none(stub: Stub) -> None:
    reply = await stub.BatchListFeatures(permission_pb2.BatchListFeaturesRequest(viewers=[GUEST]))
    badges = {feature.key: feature.badge for feature in reply.answers[0].features if feature.HasField("badge")}
    assert badges == {"offers": "NEW"}


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (check(), "questions"),
        (check((ADA, "")), "questions[0].permission"),
        (check((ADA, "x" * 101)), "questions[0].permission"),
        (check((ViewerMessage(account_id=1), "orders.view")), "questions[0].viewer.account_type"),
        (check((NEGATIVE, "orders.view")), "questions[0].viewer.account_id"),
        (check(*[(ADA, "orders.view")] * 1001), "questions"),
    ],
    ids=["none", "no name", "long name", "no type", "negative id", "too many"],
)
async def test_a_bad_question_names_its_field(
    stub: Stub, request_: permission_pb2.BatchCheckPermissionsRequest, field: str
) -> None:
    with pytest.raises(errcode.InvalidArgument, match=f"^{re.escape(field)}: "):
        await stub.BatchCheckPermissions(request_)


async def test_a_list_of_no_viewers_names_its_field(stub: Stub) -> None:
    with pytest.raises(errcode.InvalidArgument, match=r"^viewers: "):
        await stub.BatchListFeatures(permission_pb2.BatchListFeaturesRequest())


def test_account_types_are_numbered_as_in_the_contract() -> None:
    contract = {name: number for name, number in identity_pb2.AccountType.items() if number}
    assert {f"ACCOUNT_TYPE_{known.name}": known.value for known in AccountType} == contract


@pytest.mark.parametrize(
    "message",
    [
        viewer_to_message(VIEWER),
        feature_to_message(STUDIO),
        answer_to_message(Question(VIEWER, "studio.use"), True),
        features_to_message(VIEWER, [STUDIO]),
        grant_to_message(Grant("studio.use", Effect.ALLOW)),
        grants_to_message(1, [Grant("studio.use", Effect.DENY)]),
    ],
    ids=lambda message: message.DESCRIPTOR.full_name,
)
def test_a_message_leaves_no_field_unset(message: Message) -> None:
    assert unset_fields(message) - PROOF == set()


def test_a_question_takes_over_every_field() -> None:
    message = permission_pb2.BatchCheckPermissionsRequest.Question(viewer=NEWER, permission="orders.view")
    assert unset_fields(message) == set()
    assert asdict(question_from_message(message)) == {
        "viewer": {"account_id": 7, "account_type": 77},
        "permission": "orders.view",
    }
    assert viewer_to_message(viewer_from_message(NEWER)) == NEWER


def grant(
    account_id: int, permission: str, allow: bool = True, **changed: Any
) -> permission_pb2.GrantPermissionRequest:
    fields: dict[str, Any] = {"actor": SAM, "reason": "asked for"} | changed
    return permission_pb2.GrantPermissionRequest(account_id=account_id, permission=permission, allow=allow, **fields)


def revoke(account_id: int, permission: str, **changed: Any) -> permission_pb2.RevokePermissionRequest:
    fields: dict[str, Any] = {"actor": SAM, "reason": "no longer needed"} | changed
    return permission_pb2.RevokePermissionRequest(account_id=account_id, permission=permission, **fields)


async def grants_of(stub: Stub, *account_ids: int) -> dict[int, list[tuple[str, bool]]]:
    reply = await stub.BatchListGrants(permission_pb2.BatchListGrantsRequest(account_ids=account_ids))
    return {answer.account_id: [(grant.permission, grant.allow) for grant in answer.grants] for answer in reply.answers}


async def may(stub: Stub, viewer: ViewerMessage, permission: str) -> bool:
    return (await stub.BatchCheckPermissions(check((viewer, permission)))).answers[0].allowed


async def test_a_grant_counts_at_once_and_so_does_its_end(stub: Stub) -> None:
    assert not await may(stub, ADA, "studio.use")
    assert [(await stub.GrantPermission(grant(1, "studio.use"))).changed for _ in range(2)] == [True, False]
    assert await may(stub, ADA, "studio.use")
    assert (await stub.GrantPermission(grant(1, "studio.use", allow=False))).changed
    assert not await may(stub, ADA, "studio.use")
    assert await grants_of(stub, 1) == {1: [("studio.use", False), ("wallet.view", False)]}
    assert [(await stub.RevokePermission(revoke(1, "studio.use"))).changed for _ in range(2)] == [True, False]
    assert await grants_of(stub, 1) == {1: [("wallet.view", False)]}


async def test_grants_are_listed_for_those_who_have_any(stub: Stub) -> None:
    assert await grants_of(stub, 3, 99, 1, 3) == {1: [("wallet.view", False)], 3: [("studio.use", True)]}


async def test_grants_move_once(stub: Stub) -> None:
    request = permission_pb2.MoveGrantsRequest(source_id=1, target_id=99)
    assert [(await stub.MoveGrants(request)).moved for _ in range(2)] == [1, 0]
    assert await grants_of(stub, 1, 99) == {99: [("wallet.view", False)]}


@pytest.mark.parametrize("actor", [ADA, GUEST, NEWER, ViewerMessage(account_type=identity_pb2.ACCOUNT_TYPE_STAFF)])
async def test_only_staff_grants_and_revokes(stub: Stub, actor: ViewerMessage) -> None:
    denied = r"^this needs the permission admin\.permissions\.grant$"
    with pytest.raises(errcode.PermissionDenied, match=denied):
        await stub.GrantPermission(grant(1, "studio.use", actor=actor))
    with pytest.raises(errcode.PermissionDenied, match=denied):
        await stub.RevokePermission(revoke(1, "wallet.view", actor=actor))
    assert await grants_of(stub, 1) == {1: [("wallet.view", False)]}


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (grant(1, "no.such.permission"), "permission: is no permission that a role or a feature knows"),
        (grant(1, "studio use"), "permission: must be a dotted name, such as activity.publish"),
        (grant(1, "studio.\0"), "permission: must be a dotted name, such as activity.publish"),
        (grant(1, "studio.use", reason=" "), "reason: must not be empty"),
        (grant(1, "studio.use", reason=""), "reason: "),
        (grant(0, "studio.use"), "account_id: "),
    ],
    ids=["unknown", "no name", "NUL", "blank reason", "no reason", "no account"],
)
async def test_a_bad_grant_is_refused_and_changes_nothing(
    stub: Stub, request_: permission_pb2.GrantPermissionRequest, problem: str
) -> None:
    with pytest.raises(errcode.InvalidArgument, match=f"^{re.escape(problem)}"):
        await stub.GrantPermission(request_)
    assert await grants_of(stub, 1) == {1: [("wallet.view", False)]}


async def test_nothing_moves_to_where_it_is(stub: Stub) -> None:
    with pytest.raises(errcode.InvalidArgument, match=r"^target_id: must be another account than the source$"):
        await stub.MoveGrants(permission_pb2.MoveGrantsRequest(source_id=1, target_id=1))
    assert await grants_of(stub, 1) == {1: [("wallet.view", False)]}


def test_a_grant_takes_over_what_it_says() -> None:
    assert grant_from_message(grant(1, "studio.use")) == Grant("studio.use", Effect.ALLOW)
    assert grant_from_message(grant(1, "studio.use", allow=False)) == Grant("studio.use", Effect.DENY)
