"""What staff does with accounts, as a caller sees it over gRPC."""

import asyncio
from typing import Any

import pytest
from google.protobuf.message import Message
from sqlalchemy import select

from schema import errcode
from schema.generated.account.v1 import account_pb2 as pb
from schema.generated.event.v1.event_pb2 import FieldDifference
from schema.generated.identity.v1 import identity_pb2
from services.account.biz import (
    AccountChange,
    AccountFilter,
    AccountType,
    BusinessAttributes,
    CreatorAttributes,
    NewAccount,
    StaffAttributes,
)
from services.account.data import credential_table
from services.account.demo import ADA, BO, SAM
from services.account.service import (
    account_change_from_message,
    filter_from_message,
    moment_to_message,
    new_account_from_message,
)
from services.runtime.backend import Resources
from tests.conftest import NOON
from tests.services.account.asking import ACTIVE, ADA_ASKS, GUEST_ASKS, SAM_ASKS, account, search
from tests.services.account.stores import everything, told
from tests.services.counting import statements_run

PERSONAL, CREATOR = identity_pb2.ACCOUNT_TYPE_PERSONAL, identity_pb2.ACCOUNT_TYPE_CREATOR
BUSINESS, STAFF = identity_pb2.ACCOUNT_TYPE_BUSINESS, identity_pb2.ACCOUNT_TYPE_STAFF
SECRET = "correct horse battery"


def look(actor: Any = SAM_ASKS, **wanted: Any) -> pb.SearchAccountsRequest:
    usual: dict[str, Any] = {"actor": actor, "first": 100}
    return pb.SearchAccountsRequest(**usual | wanted)


def create(**given: Any) -> pb.CreateAccountRequest:
    usual: dict[str, Any] = {
        "actor": SAM_ASKS,
        "reason": "asked by phone",
        "type": PERSONAL,
        "handle": "Dora",
        "display_name": "Dora",
        "password": SECRET,
    }
    return pb.CreateAccountRequest(**usual | given)


def change(**given: Any) -> pb.ChangeAccountRequest:
    usual: dict[str, Any] = {"actor": SAM_ASKS, "reason": "as agreed", "account_id": BO, "version": 1}
    return pb.ChangeAccountRequest(**usual | given)


# Mapping: no field may be dropped.


def test_no_field_of_a_search_is_dropped() -> None:
    message = look(ids=[3], handle_prefix="a", name_part="b", types=[CREATOR], statuses=[ACTIVE], first=7, after_id=9)
    assert len(message.ListFields()) == len(pb.SearchAccountsRequest.DESCRIPTOR.fields)
    assert filter_from_message(message) == AccountFilter(7, 9, (3,), "a", "b", (CREATOR,), (ACTIVE,))


@pytest.mark.parametrize(
    ("given", "attributes"),
    [
        ({}, None),
        ({"creator": pb.CreatorAttributes(category="Maps", verified=True)}, CreatorAttributes("Maps", True)),
        ({"creator": pb.CreatorAttributes()}, CreatorAttributes()),
        (
            {"business": pb.BusinessAttributes(company_name="D", industry="Ink", verified=True)},
            BusinessAttributes("D", "Ink", True),
        ),
        ({"staff": pb.StaffAttributes(department="Legal")}, StaffAttributes("Legal")),
    ],
)
def test_no_field_of_a_new_account_is_dropped(given: dict[str, Any], attributes: Any) -> None:
    expected = NewAccount(AccountType.BUSINESS, "Dora", "Dora", SECRET, attributes)
    assert new_account_from_message(create(type=BUSINESS, **given)) == expected


def test_no_field_of_a_change_by_staff_is_dropped() -> None:
    own = {"category": "", "company_name": "company", "industry": "", "department": "department", "birthday": ""}
    message = change(display_name="name", handle="handle", avatar_url="", bio="bio", verified=False, **own)
    assert len(message.ListFields()) == len(pb.ChangeAccountRequest.DESCRIPTOR.fields)
    assert account_change_from_message(message) == AccountChange("name", "handle", "", "bio", False, **own)
    assert account_change_from_message(pb.ChangeAccountRequest()) == AccountChange()


# Finding.


async def test_staff_finds_accounts_by_any_of_their_marks(service: Any) -> None:
    searches: list[tuple[dict[str, Any], list[int]]] = [
        ({"handle_prefix": "AD"}, [1]),
        ({"name_part": "NORTHWIND"}, [3]),
        ({"types": [STAFF]}, [4, 33]),
        ({"statuses": [pb.ACCOUNT_STATUS_CLOSING]}, [50, 51, 52]),
        ({"ids": [4, 2, 99], "types": [CREATOR, STAFF]}, [2, 4]),
        ({"handle_prefix": "%"}, []),
        ({"name_part": "%"}, []),
        ({"name_part": "_"}, []),
        ({"name_part": "\x00"}, []),
        ({"handle_prefix": "'; --"}, []),
    ]
    for wanted, ids in searches:
        reply = await service.SearchAccounts(look(**wanted))
        assert ([one.id for one in reply.accounts], reply.has_next_page) == (ids, False), wanted


async def test_pages_are_told_to_go_on_or_to_end(service: Any, filled: Resources) -> None:
    seen, after = [], 0
    for _ in range(3):
        reply = await service.SearchAccounts(look(first=20, after_id=after))
        seen.append((reply.accounts[0].id, reply.accounts[-1].id, reply.has_next_page))
        after = reply.accounts[-1].id
    assert seen == [(1, 20, True), (21, 40, True), (41, 60, False)]


async def test_a_search_costs_one_statement_whatever_is_found(service: Any, filled: Resources) -> None:
    for request in (look(first=1), look(first=200), look(ids=range(1, 201), handle_prefix="a", name_part="a")):
        with statements_run(filled.database) as statements:
            await service.SearchAccounts(request)
        assert len(statements) == 1


# Opening.


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        (PERSONAL, {}),
        (CREATOR, {"creator": pb.CreatorAttributes(category="Maps")}),
        (BUSINESS, {"business": pb.BusinessAttributes(company_name="Dora Ltd", verified=True)}),
        (STAFF, {"staff": pb.StaffAttributes(department="Legal")}),
    ],
)
async def test_an_account_that_was_opened_is_read_and_signed_in_to_at_once(
    kind: int, attributes: dict[str, Any], service: Any, filled: Resources
) -> None:
    opened = (await service.CreateAccount(create(type=kind, **attributes))).account
    assert opened == pb.Account(
        id=opened.id,
        type=identity_pb2.AccountType.ValueType(kind),
        status=ACTIVE,
        version=1,
        handle="Dora",
        display_name="Dora",
        created_at=moment_to_message(NOON),
        **attributes,
    )
    assert opened.id > 60
    assert await account(service, opened.id) == opened
    signed_in = await service.SignIn(pb.SignInRequest(handle="dora", password=SECRET))
    assert signed_in.account == opened
    assert await search(service, opened.id) == [opened]
    (event,) = await told(filled)
    assert (event.account_id, event.actor_id, event.reason) == (opened.id, SAM, "asked by phone")
    assert (event.account_opened.version, event.account_opened.handle) == (1, "Dora")


async def test_of_a_password_only_a_strong_hash_is_kept(service: Any, filled: Resources) -> None:
    opened = (await service.CreateAccount(create())).account
    async with filled.database.read() as session:
        column = credential_table.c.password_hash
        kept = await session.scalar(select(column).where(credential_table.c.account_id == opened.id))
    assert kept is not None
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert SECRET not in str(await everything(filled))


async def test_of_two_that_open_one_handle_at_once_exactly_one_gets_it(service: Any, filled: Resources) -> None:
    calls = [service.CreateAccount(create(handle=handle)) for handle in ("dora", "DORA", "Dora")]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["CreateAccountResponse", "HandleTaken", "HandleTaken"]
    assert len(await told(filled)) == 1


# Changing.


async def test_a_change_by_staff_is_told_with_its_differences(service: Any, filled: Resources) -> None:
    await account(service, BO)
    request = change(display_name="Bo", avatar_url="", verified=False)
    changed = (await service.ChangeAccount(request)).account
    assert (changed.version, changed.display_name, changed.creator.verified) == (2, "Bo", False)
    assert not changed.HasField("avatar_url")
    assert await account(service, BO) == changed
    (event,) = await told(filled)
    assert (event.account_id, event.actor_id, event.reason) == (BO, SAM, "as agreed")
    assert (event.account_changed.version, list(event.account_changed.differences)) == (
        2,
        [
            FieldDifference(field="avatar_url", before="https://cdn.atrium.example/avatars/2.png"),
            FieldDifference(field="creator.verified", before="true", after="false"),
            FieldDifference(field="display_name", before="Bo Lindqvist", after="Bo"),
        ],
    )


async def test_a_birthday_that_staff_changes_is_shown_to_its_owner_and_told_without_its_value(
    service: Any, filled: Resources
) -> None:
    await service.ChangeAccount(change(account_id=ADA, birthday="1985-05-05"))
    question = pb.BatchGetPrivateAttributesRequest.Question(viewer=ADA_ASKS, account_id=ADA)
    reply = await service.BatchGetPrivateAttributes(pb.BatchGetPrivateAttributesRequest(questions=[question]))
    assert reply.answers[0].attributes.birthday == "1985-05-05"
    (event,) = await told(filled)
    assert list(event.account_changed.differences) == [FieldDifference(field="birthday")]


async def test_a_change_by_the_owner_is_told_too(service: Any, filled: Resources) -> None:
    await service.UpdateProfile(pb.UpdateProfileRequest(viewer=ADA_ASKS, version=1, handle="Ada_N"))
    (event,) = await told(filled)
    assert (event.account_id, event.actor_id, event.reason) == (ADA, ADA, "")
    assert list(event.account_changed.differences) == [FieldDifference(field="handle", before="ada", after="Ada_N")]


async def test_the_new_name_is_found_and_the_old_one_no_longer(service: Any, filled: Resources) -> None:
    await service.ChangeAccount(change(display_name="ÉMILE"))
    for part, ids in (("émile", [BO]), ("Lindqvist", [])):
        reply = await service.SearchAccounts(look(name_part=part, ids=[BO]))
        assert [one.id for one in reply.accounts] == ids


async def test_of_changes_of_one_version_exactly_one_wins(service: Any, filled: Resources) -> None:
    calls = [service.ChangeAccount(change(bio=f"Bio {number}")) for number in range(4)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    names = sorted(type(one).__name__ for one in results)
    assert names == ["ChangeAccountResponse", *(3 * ["VersionConflict"])]
    assert len(await told(filled)) == 1


REFUSED: list[tuple[str, Message, type[errcode.AtriumError], str]] = [
    *(
        (method, request, errcode.PermissionDenied, permission)
        for asking in (ADA_ASKS, GUEST_ASKS)
        for method, request, permission in (
            ("SearchAccounts", look(asking), r"admin\.accounts\.read"),
            ("CreateAccount", create(actor=asking), r"admin\.accounts\.write"),
            ("ChangeAccount", change(actor=asking, bio="x"), r"admin\.accounts\.write"),
        )
    ),
    ("SearchAccounts", pb.SearchAccountsRequest(first=1), errcode.InvalidArgument, "actor"),
    ("SearchAccounts", look(first=0), errcode.InvalidArgument, "first"),
    ("SearchAccounts", look(first=201), errcode.InvalidArgument, "first"),
    ("SearchAccounts", look(after_id=-1), errcode.InvalidArgument, "after_id"),
    ("SearchAccounts", look(ids=range(1, 202)), errcode.InvalidArgument, "ids"),
    ("CreateAccount", create(reason=""), errcode.InvalidArgument, "reason: must not be empty"),
    ("CreateAccount", create(reason=" "), errcode.InvalidArgument, "reason: must not be blank"),
    ("CreateAccount", create(handle="ADA"), errcode.HandleTaken, "handle: ADA is taken"),
    ("CreateAccount", create(handle="x"), errcode.InvalidArgument, "handle"),
    ("CreateAccount", create(handle="closed_7"), errcode.InvalidArgument, "handle: .* reserved"),
    ("CreateAccount", create(display_name=" "), errcode.InvalidArgument, "displayName: must not be empty"),
    ("CreateAccount", create(password="short"), errcode.InvalidArgument, "password"),
    ("CreateAccount", create(type=identity_pb2.ACCOUNT_TYPE_GUEST), errcode.InvalidArgument, "type"),
    ("CreateAccount", create(type=0), errcode.InvalidArgument, "type"),
    ("CreateAccount", create(type=99), errcode.InvalidArgument, "type"),
    ("CreateAccount", create(type=STAFF), errcode.InvalidArgument, "staff: must be set for a STAFF account"),
    (
        "CreateAccount",
        create(staff=pb.StaffAttributes(department="Legal")),
        errcode.InvalidArgument,
        "staff: must not be set for a PERSONAL account",
    ),
    (
        "CreateAccount",
        create(type=BUSINESS, business=pb.BusinessAttributes(company_name="a\x00")),
        errcode.InvalidArgument,
        "companyName: must be one line",
    ),
    ("ChangeAccount", change(reason="", bio="x"), errcode.InvalidArgument, "reason: must not be empty"),
    ("ChangeAccount", change(reason="\t", bio="x"), errcode.InvalidArgument, "reason: must not be blank"),
    ("ChangeAccount", change(), errcode.InvalidArgument, "input: must set "),
    ("ChangeAccount", change(account_id=999, bio="x"), errcode.AccountNotFound, "999"),
    ("ChangeAccount", change(version=2, bio="x"), errcode.VersionConflict, "version: 2"),
    ("ChangeAccount", change(handle="ADA"), errcode.HandleTaken, "handle: ADA is taken"),
    ("ChangeAccount", change(account_id=ADA, verified=True), errcode.InvalidArgument, "verified: must not be set"),
]
"""A method, a request, its error, and what the message says."""


async def test_what_is_refused_says_why_and_leaves_everything_as_it_was(service: Any, filled: Resources) -> None:
    before = await everything(filled)
    for method, request, error, message in REFUSED:
        with pytest.raises(error, match=message):
            await getattr(service, method)(request)
        assert await everything(filled) == before, request
