"""The account contract, as a caller sees it over gRPC."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.message import Message
from redis.asyncio import Redis
from sqlalchemy import func, select

from schema import errcode
from schema.generated.account.v1 import account_pb2 as pb
from schema.generated.account.v1.account_pb2_grpc import AccountServiceStub
from schema.generated.identity.v1 import identity_pb2
from schema.generated.identity.v1.identity_pb2 import Viewer as ViewerMessage
from services.account.biz import (
    Account,
    AccountStatus,
    OpenedSession,
    PersonalAttributes,
    PrivateAttributes,
    ProfileChange,
    SessionState,
    VerifiedSession,
    Viewer,
)
from services.account.data import account_table, session_table
from services.account.demo import ADA, BO, CORP, CORP_TEAM, PASSWORD, SAM
from services.account.service import (
    account_to_message,
    moment_to_message,
    opened_session_to_message,
    private_attributes_to_message,
    profile_change_from_message,
    verified_session_to_message,
    viewer_from_message,
)
from services.account.wire import BACKEND
from services.runtime.backend import Demo, Resources
from services.runtime.cache import open_cache
from services.runtime.trust import Verifier
from tests.conftest import NOON, HandClock, MakeResources, Serve, free_port
from tests.services.account import examples
from tests.services.account.stores import rows_of, set_columns
from tests.services.counting import CountingRedis, statements_run

ADA_ASKS = ViewerMessage(account_id=ADA, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL)
SAM_ASKS = ViewerMessage(account_id=SAM, account_type=identity_pb2.ACCOUNT_TYPE_STAFF)
NOBODY_ASKS = ViewerMessage(account_id=999, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL)
GUEST_ASKS = ViewerMessage(account_type=identity_pb2.ACCOUNT_TYPE_GUEST)
VALID, UNKNOWN, EXPIRED = (
    pb.VerifiedSession.STATE_VALID,
    pb.VerifiedSession.STATE_UNKNOWN,
    pb.VerifiedSession.STATE_EXPIRED,
)


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    filled = await make_resources(BACKEND.metadata)
    await BACKEND.load_demo(filled, Demo(accounts=60, report=lambda _rows: None))
    return filled


@pytest.fixture
async def stub(resources: Resources, serve: Serve) -> Any:
    return AccountServiceStub(await serve(BACKEND, resources))


async def sign_in(stub: Any, handle: str = "ada") -> str:
    return str((await stub.SignIn(pb.SignInRequest(handle=handle, password=PASSWORD))).token)


async def states(stub: Any, *tokens: str) -> list[int]:
    reply = await stub.BatchVerifySessions(pb.BatchVerifySessionsRequest(tokens=tokens))
    return [session.state for session in reply.sessions]


# Mapping: no field may stay unset.


def unset_fields(message: Message) -> set[str]:
    """Names of the fields without a value, also in messages within; of a oneof, one set field is enough."""
    chosen = {field.name for field, _ in message.ListFields()}
    expected = {
        field.name
        for field in message.DESCRIPTOR.fields
        if field.containing_oneof is None or message.WhichOneof(field.containing_oneof.name) in (None, field.name)
    }
    inner = [value for field, value in message.ListFields() if field.message_type and not field.is_repeated]
    return (expected - chosen).union(*map(unset_fields, inner))


@pytest.mark.parametrize("account", examples.EVERY_TYPE.values(), ids=lambda account: str(account.type.name))
def test_no_field_of_an_account_stays_unset(account: Account) -> None:
    moment = {"nanos"}
    public = isinstance(account.attributes, PersonalAttributes)
    assert unset_fields(account_to_message(account)) - moment == ({"creator", "business", "staff"} if public else set())


def test_an_account_keeps_its_attributes_when_all_of_them_are_empty() -> None:
    creator = replace(examples.BO, attributes=type(examples.BO.attributes)())
    assert account_to_message(creator).WhichOneof("attributes") == "creator"


def proved(account_id: int, account_type: "identity_pb2.AccountType.ValueType") -> ViewerMessage:
    return ViewerMessage(account_id=account_id, account_type=account_type, assertion="signed")


def test_no_field_of_a_session_stays_unset() -> None:
    opened = opened_session_to_message(OpenedSession("token", NOON, examples.BO), proved)
    verified = verified_session_to_message(1, VerifiedSession(SessionState.VALID, examples.BO, NOON), proved)
    assert unset_fields(opened) == unset_fields(verified) == {"nanos"}
    assert (
        opened.expires_at.ToDatetime(tzinfo=NOON.tzinfo) == verified.expires_at.ToDatetime(tzinfo=NOON.tzinfo) == NOON
    )


def test_no_field_of_private_attributes_stays_unset() -> None:
    message = private_attributes_to_message(examples.ADA.attributes.private)
    assert unset_fields(message) == set()
    assert message.birthday == "1990-12-10"
    assert not private_attributes_to_message(PrivateAttributes()).HasField("birthday")


def test_no_field_of_a_change_is_dropped() -> None:
    message = pb.UpdateProfileRequest(display_name="name", handle="handle", avatar_url="", bio="bio")
    assert profile_change_from_message(message) == ProfileChange("name", "handle", "", "bio")
    assert profile_change_from_message(pb.UpdateProfileRequest()) == ProfileChange()


def test_a_viewer_of_a_newer_type_keeps_its_number() -> None:
    newer = ViewerMessage(account_id=7, account_type=identity_pb2.AccountType.ValueType(77))
    assert viewer_from_message(newer) == Viewer(7, 77)


# Reading.


async def test_accounts_are_answered_by_id_and_by_handle(stub: Any) -> None:
    by_id = await stub.BatchGetAccounts(pb.BatchGetAccountsRequest(ids=[ADA, BO, CORP, SAM, ADA, 10**15]))
    accounts = {account.handle: account for account in by_id.accounts}
    assert {handle: account.id for handle, account in accounts.items()} == {"ada": 1, "bo": 2, "corp": 3, "sam": 4}
    assert accounts["corp"].business.company_name == "Northwind Print & Paper Ltd"
    by_handle = await stub.BatchGetAccountsByHandle(pb.BatchGetAccountsByHandleRequest(handles=["SAM", "Bo", "who"]))
    assert sorted(by_handle.accounts, key=lambda account: account.id) == [accounts["bo"], accounts["sam"]]


async def test_only_a_closed_account_is_left_out(stub: Any, resources: Resources) -> None:
    for status in AccountStatus:
        await set_columns(resources, BO, status=status)
        by_id = (await stub.BatchGetAccounts(pb.BatchGetAccountsRequest(ids=[BO]))).accounts
        by_handle = (await stub.BatchGetAccountsByHandle(pb.BatchGetAccountsByHandleRequest(handles=["bo"]))).accounts
        shown = [] if status is AccountStatus.CLOSED else [status]
        assert [account.status for account in by_id] == [account.status for account in by_handle] == shown


async def test_birthdays_are_for_their_owner_and_staff(stub: Any) -> None:
    question = pb.BatchGetPrivateAttributesRequest.Question
    questions = [
        question(viewer=asking, account_id=account_id)
        for asking, account_id in [(ADA_ASKS, ADA), (SAM_ASKS, ADA), (ADA_ASKS, 5), (GUEST_ASKS, ADA)]
    ]
    reply = await stub.BatchGetPrivateAttributes(pb.BatchGetPrivateAttributesRequest(questions=questions))
    answer = pb.BatchGetPrivateAttributesResponse.Answer
    birthday = pb.PrivateAttributes(birthday="1990-12-10")
    assert list(reply.answers) == [
        answer(viewer_account_id=ADA, account_id=ADA, attributes=birthday),
        answer(viewer_account_id=SAM, account_id=ADA, attributes=birthday),
    ]


async def test_a_team_is_in_order_of_joining(stub: Any) -> None:
    reply = await stub.BatchListTeams(pb.BatchListTeamsRequest(business_ids=[CORP, ADA]))
    assert [(team.business_id, tuple(team.account_ids)) for team in reply.teams] == [(CORP, CORP_TEAM)]


async def test_pending_closures_are_for_staff(stub: Any) -> None:
    question = pb.BatchListPendingClosuresRequest.Question
    questions = [
        question(viewer=SAM_ASKS, first=2),
        question(viewer=ADA_ASKS, first=2),
        question(viewer=SAM_ASKS, first=9),
    ]
    reply = await stub.BatchListPendingClosures(pb.BatchListPendingClosuresRequest(questions=questions))
    assert [(answer.viewer_account_id, answer.first, list(answer.account_ids)) for answer in reply.answers] == [
        (SAM, 2, [51, 50]),
        (SAM, 9, [51, 50, 52]),
    ]


# Sessions.


async def test_a_session_is_valid_until_it_expires_and_unknown_once_it_ended(
    stub: Any, clock: HandClock, resources: Resources
) -> None:
    signed_in = await stub.SignIn(pb.SignInRequest(handle="ADA", password=PASSWORD))
    assert signed_in.account.handle == "ada"
    reply = await stub.BatchVerifySessions(pb.BatchVerifySessionsRequest(tokens=[signed_in.token, "never given"]))
    Verifier(resources.trust.keys).check_viewer(signed_in.viewer)
    assert (signed_in.viewer.account_id, signed_in.viewer.account_type) == (ADA, ADA_ASKS.account_type)
    assert list(reply.sessions) == [
        pb.VerifiedSession(
            state=VALID,
            viewer=signed_in.viewer,
            account_status=pb.ACCOUNT_STATUS_ACTIVE,
            expires_at=moment_to_message(NOON + timedelta(days=30)),
            question=1,
        ),
        pb.VerifiedSession(state=UNKNOWN, question=2),
    ]
    clock.advance(days=30)
    assert await states(stub, signed_in.token) == [EXPIRED]
    assert not (await stub.SignOut(pb.SignOutRequest(token=signed_in.token))).ended
    assert await states(stub, signed_in.token) == [UNKNOWN]


async def test_signing_out_ends_a_session_once(stub: Any) -> None:
    token = await sign_in(stub)
    assert [(await stub.SignOut(pb.SignOutRequest(token=token))).ended for _ in range(2)] == [True, False]
    assert await states(stub, token) == [UNKNOWN]


async def test_a_wrong_password_and_an_unknown_handle_are_one_error(stub: Any, resources: Resources) -> None:
    for handle, password in (("ada", "wrong"), ("nobody", PASSWORD), ("not a handle!", PASSWORD)):
        with pytest.raises(errcode.BadCredentials, match=r"^wrong handle or password$"):
            await stub.SignIn(pb.SignInRequest(handle=handle, password=password))
    async with resources.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(session_table)) == 0


async def test_a_suspended_account_cannot_sign_in(stub: Any, resources: Resources) -> None:
    await set_columns(resources, ADA, status=AccountStatus.SUSPENDED)
    with pytest.raises(errcode.AccountClosed):
        await sign_in(stub)
    async with resources.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(session_table)) == 0


async def test_any_number_of_sessions_costs_two_statements_cold_and_none_warm(stub: Any, resources: Resources) -> None:
    tokens = [await sign_in(stub, handle) for handle in ("ada", "bo", "corp", "sam")]
    tokens += [f"unknown {number}" for number in range(50)]
    await resources.cache.flushdb()
    for expected in (2, 0):
        with statements_run(resources.database) as statements:
            assert await states(stub, *tokens) == [VALID] * 4 + [UNKNOWN] * 50
        assert len(statements) == expected


async def test_known_sessions_cost_two_round_trips_to_the_cache(resources: Resources, serve: Serve) -> None:
    counting = CountingRedis(resources.cache)
    stub = AccountServiceStub(await serve(BACKEND, replace(resources, cache=counting)))
    tokens = [await sign_in(stub, handle) for handle in ("ada", "bo")]
    await states(stub, *tokens)
    counting.round_trips = 0
    assert await states(stub, *tokens) == [VALID, VALID]
    assert counting.round_trips == 2


@pytest.fixture
async def dead_cache() -> AsyncIterator[Redis]:
    async with open_cache(f"redis://127.0.0.1:{free_port()}/0") as nowhere:
        yield nowhere


async def test_all_goes_on_without_a_cache(resources: Resources, serve: Serve, dead_cache: Redis) -> None:
    stub: Any = AccountServiceStub(await serve(BACKEND, replace(resources, cache=dead_cache)))
    token = await sign_in(stub)
    assert await states(stub, token) == [VALID]
    changed = await stub.UpdateProfile(pb.UpdateProfileRequest(viewer=ADA_ASKS, version=1, bio="New"))
    reply = await stub.BatchGetAccounts(pb.BatchGetAccountsRequest(ids=[ADA]))
    assert list(reply.accounts) == [changed.account]
    assert (await stub.SignOut(pb.SignOutRequest(token=token))).ended
    assert await states(stub, token) == [UNKNOWN]


# Changing.


async def test_a_change_is_answered_with_the_next_version_and_read_at_once(stub: Any) -> None:
    before = (await stub.BatchGetAccounts(pb.BatchGetAccountsRequest(ids=[ADA]))).accounts[0]
    request = pb.UpdateProfileRequest(viewer=ADA_ASKS, version=1, display_name="Ada N.", handle="Ada_N", avatar_url="")
    changed = (await stub.UpdateProfile(request)).account
    expected = pb.Account()
    expected.CopyFrom(before)
    expected.ClearField("avatar_url")
    expected.version, expected.display_name, expected.handle = 2, "Ada N.", "Ada_N"
    assert changed == expected
    assert list((await stub.BatchGetAccounts(pb.BatchGetAccountsRequest(ids=[ADA]))).accounts) == [expected]
    found = await stub.BatchGetAccountsByHandle(pb.BatchGetAccountsByHandleRequest(handles=["ada_n", "ada"]))
    assert list(found.accounts) == [expected]


def change(viewer: ViewerMessage = ADA_ASKS, version: int = 1, **fields: Any) -> pb.UpdateProfileRequest:
    return pb.UpdateProfileRequest(viewer=viewer, version=version, **fields)


REFUSED_CHANGES: list[tuple[pb.UpdateProfileRequest, type[errcode.AtriumError], str]] = [
    (change(GUEST_ASKS, bio="New"), errcode.Unauthenticated, "sign in"),
    (change(NOBODY_ASKS, bio="New"), errcode.AccountNotFound, "999"),
    (change(version=2, bio="New"), errcode.VersionConflict, "version: 2"),
    (change(version=0, bio="New"), errcode.InvalidArgument, "version"),
    (change(handle="CORP", bio="New"), errcode.HandleTaken, "handle: CORP"),
    (change(handle="x", bio="New"), errcode.InvalidArgument, "handle"),
    (change(handle="", bio="New"), errcode.InvalidArgument, "handle"),
    (change(display_name=""), errcode.InvalidArgument, "display"),
    (change(display_name="   ", bio="New"), errcode.InvalidArgument, "displayName"),
    (change(display_name="x" * 81, bio="New"), errcode.InvalidArgument, "display"),
    (change(bio="x" * 501), errcode.InvalidArgument, "bio"),
    (change(avatar_url="not a url", bio="New"), errcode.InvalidArgument, "avatarUrl"),
    (change(bio="\x00"), errcode.InvalidArgument, "bio"),
    (change(), errcode.InvalidArgument, "input"),
    (pb.UpdateProfileRequest(version=1, bio="New"), errcode.InvalidArgument, "viewer"),
]
"""A change, its error, and what the message names."""


async def test_a_refused_change_names_the_field_and_writes_nothing(stub: Any, resources: Resources) -> None:
    before = await rows_of(resources, account_table)
    for request, error, named in REFUSED_CHANGES:
        with pytest.raises(error, match=named):
            await stub.UpdateProfile(request)
        assert await rows_of(resources, account_table) == before, request


async def test_only_active_and_closing_accounts_change(stub: Any, resources: Resources) -> None:
    for status in (AccountStatus.CLOSED, AccountStatus.MERGED, AccountStatus.SUSPENDED):
        await set_columns(resources, ADA, status=status)
        before = await rows_of(resources, account_table)
        with pytest.raises(errcode.AccountClosed):
            await stub.UpdateProfile(change(bio="New"))
        assert await rows_of(resources, account_table) == before
    for version, status in enumerate((AccountStatus.ACTIVE, AccountStatus.CLOSING), start=1):
        await set_columns(resources, ADA, status=status)
        changed = await stub.UpdateProfile(change(version=version, bio=status.name))
        assert (changed.account.bio, changed.account.version) == (status.name, version + 1)


REFUSED_REQUESTS: list[tuple[str, Message, str]] = [
    ("BatchGetAccounts", pb.BatchGetAccountsRequest(), "ids"),
    ("BatchGetAccounts", pb.BatchGetAccountsRequest(ids=[0]), "ids"),
    ("BatchGetAccounts", pb.BatchGetAccountsRequest(ids=range(1, 1002)), "ids"),
    ("BatchGetAccountsByHandle", pb.BatchGetAccountsByHandleRequest(handles=[""]), "handles"),
    ("BatchVerifySessions", pb.BatchVerifySessionsRequest(tokens=["x" * 4097]), "tokens"),
    ("SignIn", pb.SignInRequest(handle="ada"), "password"),
    ("SignIn", pb.SignInRequest(handle="", password=PASSWORD), "handle"),
    ("SignIn", pb.SignInRequest(handle="ada", password="x" * 201), "password"),
    ("SignOut", pb.SignOutRequest(), "token"),
    *(
        (
            "BatchListPendingClosures",
            pb.BatchListPendingClosuresRequest(
                questions=[pb.BatchListPendingClosuresRequest.Question(viewer=SAM_ASKS, first=first)]
            ),
            "first",
        )
        for first in (0, -1, 101)
    ),
]
"""A method, a request, and what the message names."""


async def test_a_request_against_the_rules_of_the_contract_names_the_field(stub: Any) -> None:
    for method, request, named in REFUSED_REQUESTS:
        with pytest.raises(errcode.InvalidArgument, match=named):
            await getattr(stub, method)(request)
