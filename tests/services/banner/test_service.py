"""The banner contract, as a caller sees it over gRPC."""

import re
from dataclasses import asdict, replace
from typing import TypeAlias

import pytest
from google.protobuf.message import Message

from schema import errcode
from schema.generated.banner.v1 import banner_pb2, banner_pb2_grpc
from schema.generated.identity.v1 import identity_pb2
from schema.generated.identity.v1.identity_pb2 import Viewer as ViewerMessage
from services.banner.biz import AccountType, Banner, Question, Slot, Viewer
from services.banner.service import (
    answer_to_message,
    banner_to_message,
    question_from_message,
    viewer_from_message,
    viewer_to_message,
)
from services.banner.wire import BACKEND
from services.runtime.backend import Demo, Resources
from services.runtime.cache import open_cache
from tests.conftest import HandClock, MakeResources, Serve, free_port
from tests.services.counting import CountingRedis, statements_run

Stub: TypeAlias = "banner_pb2_grpc.BannerServiceAsyncStub"
TOP, FEED = banner_pb2.BANNER_SLOT_HOME_TOP, banner_pb2.BANNER_SLOT_HOME_FEED
ADA = ViewerMessage(account_id=1, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL)
CORP = ViewerMessage(account_id=3, account_type=identity_pb2.ACCOUNT_TYPE_BUSINESS)
SAM = ViewerMessage(account_id=4, account_type=identity_pb2.ACCOUNT_TYPE_STAFF)
GUEST = ViewerMessage(account_type=identity_pb2.ACCOUNT_TYPE_GUEST)
NEWER = ViewerMessage(account_id=7, account_type=identity_pb2.AccountType.ValueType(77))
BANNER = Banner(7, Slot.HOME_FEED, "Offer", "/7.png", "/offers/7", weight=1, daily_cap=2)
CONCERT = "Last seats for the concert"


@pytest.fixture
async def resources(make_resources: MakeResources) -> Resources:
    filled = await make_resources(BACKEND.metadata)
    await BACKEND.load_demo(filled, Demo(accounts=240, report=lambda _rows: None))
    return filled


@pytest.fixture
async def stub(resources: Resources, serve: Serve) -> Stub:
    return banner_pb2_grpc.BannerServiceStub(await serve(BACKEND, resources))


def ask(
    *pairs: tuple[ViewerMessage, banner_pb2.BannerSlot.ValueType],
) -> banner_pb2.BatchListBannersRequest:
    question = banner_pb2.BatchListBannersRequest.Question
    return banner_pb2.BatchListBannersRequest(questions=[question(viewer=viewer, slot=slot) for viewer, slot in pairs])


def unset_fields(message: Message) -> set[str]:
    return {field.name for field in message.DESCRIPTOR.fields} - {field.name for field, _ in message.ListFields()}


async def test_questions_are_answered_in_order_and_those_without_banners_left_out(stub: Stub) -> None:
    request = ask((SAM, FEED), (CORP, TOP), (GUEST, TOP), (NEWER, TOP), (ADA, TOP), (GUEST, TOP))
    reply = await stub.BatchListBanners(request)
    assert [(answer.viewer, answer.slot) for answer in reply.answers] == [(SAM, FEED), (GUEST, TOP), (ADA, TOP)]
    assert [len(answer.banners) for answer in reply.answers] == [5, 5, 5]
    assert all(banner.slot == answer.slot for answer in reply.answers for banner in answer.banners)


async def test_the_same_question_has_the_same_answer_all_day(stub: Stub) -> None:
    replies = [await stub.BatchListBanners(ask((GUEST, TOP))) for _ in range(3)]
    assert replies[0] == replies[1] == replies[2]


async def test_a_capped_banner_is_gone_when_the_day_has_had_enough_of_it(stub: Stub, clock: HandClock) -> None:
    async def concerts(account_id: int) -> int:
        viewer = ViewerMessage(account_id=account_id, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL)
        replies = [await stub.BatchListBanners(ask((viewer, FEED))) for _ in range(4)]
        return sum(banner.title == CONCERT for reply in replies for banner in reply.answers[0].banners)

    assert [await concerts(account_id) for account_id in (1, 1, 5)] == [2, 0, 2]
    clock.advance(days=1)
    assert await concerts(1) == 2


async def test_a_batch_costs_one_statement_and_one_round_trip(resources: Resources, serve: Serve) -> None:
    cache = CountingRedis(resources.cache)
    stub: Stub = banner_pb2_grpc.BannerServiceStub(await serve(BACKEND, replace(resources, cache=cache)))
    members = [
        ViewerMessage(account_id=number, account_type=identity_pb2.ACCOUNT_TYPE_CREATOR) for number in range(1, 101)
    ]
    with statements_run(resources.database) as statements:
        reply = await stub.BatchListBanners(ask(*((viewer, slot) for viewer in members for slot in (TOP, FEED))))
    assert len(reply.answers) == 200
    assert (len(statements), cache.round_trips) == (1, 1)


async def test_a_dead_cache_costs_no_banner(resources: Resources, serve: Serve) -> None:
    async with open_cache(f"redis://127.0.0.1:{free_port()}/0") as dead:
        channel = await serve(BACKEND, replace(resources, cache=dead))
        stub: Stub = banner_pb2_grpc.BannerServiceStub(channel)
        replies = [await stub.BatchListBanners(ask((ADA, FEED))) for _ in range(3)]
    assert [len(reply.answers[0].banners) for reply in replies] == [5, 5, 5]
    assert replies[0] == replies[1] == replies[2]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (ask(), "questions"),
        (ask((ADA, banner_pb2.BANNER_SLOT_UNSPECIFIED)), "questions[0].slot"),
        (ask((ADA, TOP), (ADA, banner_pb2.BannerSlot.ValueType(9))), "questions[1].slot"),
        (ask((ViewerMessage(account_id=1), TOP)), "questions[0].viewer.account_type"),
        (ask(*[(ADA, TOP)] * 1001), "questions"),
    ],
    ids=["none", "no slot", "unknown slot", "no type", "too many"],
)
async def test_a_bad_question_names_its_field_and_counts_nothing(
    stub: Stub, resources: Resources, request_: banner_pb2.BatchListBannersRequest, field: str
) -> None:
    with pytest.raises(errcode.InvalidArgument, match=f"^{re.escape(field)}: "):
        await stub.BatchListBanners(request_)
    assert await resources.cache.keys("*") == []


def test_account_types_and_slots_are_numbered_as_in_the_contract() -> None:
    types = {name: number for name, number in identity_pb2.AccountType.items() if number}
    assert {f"ACCOUNT_TYPE_{known.name}": known.value for known in AccountType} == types
    slots = {name: number for name, number in banner_pb2.BannerSlot.items() if number}
    assert {f"BANNER_SLOT_{known.name}": known.value for known in Slot} == slots


@pytest.mark.parametrize(
    "message",
    [banner_to_message(BANNER), answer_to_message(Question(Viewer(1, AccountType.STAFF), Slot.HOME_FEED), [BANNER])],
    ids=lambda message: message.DESCRIPTOR.full_name,
)
def test_a_message_leaves_no_field_unset(message: Message) -> None:
    assert unset_fields(message) == set()


def test_a_question_takes_over_every_field() -> None:
    message = banner_pb2.BatchListBannersRequest.Question(viewer=NEWER, slot=FEED)
    assert unset_fields(message) == set()
    assert asdict(question_from_message(message)) == {"viewer": {"account_id": 7, "account_type": 77}, "slot": 2}
    assert viewer_to_message(viewer_from_message(NEWER)) == NEWER
