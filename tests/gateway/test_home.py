"""The query that counts: a home page, its six questions, and who asks them when."""

import asyncio
import gc
from collections import Counter
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
import pytest

from gateway.context import OperationContext
from tests.gateway.conftest import House

HOME = """
query Home($first: Int! = 20) {
  viewer {
    type
    account { id handle displayName __typename }
    home {
      __typename
      features { key title url badge }
      banners { id title imageUrl targetUrl }
      feed(first: $first) {
        edges { cursor node { id kind text createdAt author { id handle displayName __typename } } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}
"""
SESSION = "account.BatchVerifySessions"
ACCOUNTS = "account.BatchGetAccounts"
FEATURES = "permission.BatchListFeatures"
BANNERS = "banner.BatchListBanners"
FEED = "activity.BatchListFeeds"
SIX = {SESSION: 1, ACCOUNTS: 2, FEATURES: 1, BANNERS: 1, FEED: 1}
WITHOUT_BANNERS = {SESSION: 1, ACCOUNTS: 2, FEATURES: 1, FEED: 1}
FOR_A_GUEST = {ACCOUNTS: 1, FEATURES: 1, BANNERS: 1, FEED: 1}


async def test_whoever_signs_in_sees_their_home_at_once(house: House) -> None:
    fields = HOME.partition("viewer ")[2].rstrip().removesuffix("}").replace("$first", "20")
    query = f'mutation {{ signIn(handle: "bo", password: "atrium-demo") {{ viewer {fields} }} }}'
    signed_in = (await house.data(query))["signIn"]["viewer"]
    home = (await house.data(HOME, "bo"))["viewer"]
    for viewer in (signed_in, home):
        viewer["home"].pop("banners")  # Drawn by lot.
    assert signed_in == home


@pytest.mark.parametrize(
    ("who", "account", "home", "rpcs"),
    [
        ("ada", ("PERSONAL", "acc_1", "PersonalAccount"), "PersonalHome", SIX),
        ("bo", ("CREATOR", "acc_2", "CreatorAccount"), "CreatorHome", SIX),
        ("corp", ("BUSINESS", "acc_3", "BusinessAccount"), "BusinessHome", WITHOUT_BANNERS),
        ("sam", ("STAFF", "acc_4", "StaffAccount"), "StaffHome", SIX),
    ],
)
async def test_each_account_sees_its_home_at_the_price_of_one_call_per_question(
    house: House, who: str, account: tuple[str, str, str], home: str, rpcs: dict[str, int]
) -> None:
    viewer = (await house.data(HOME, who))["viewer"]
    assert (viewer["type"], viewer["account"]["id"], viewer["account"]["__typename"]) == account
    assert viewer["account"]["handle"] == who
    assert viewer["home"]["__typename"] == home
    assert viewer["home"]["features"] != []
    assert (viewer["home"]["banners"] == []) == (who == "corp")
    edges = viewer["home"]["feed"]["edges"]
    assert len(edges) == 20
    assert all(edge["node"]["author"]["handle"] for edge in edges)
    assert house.rpcs() == rpcs


async def test_nothing_of_a_request_waits_for_a_garbage_collection(house: House) -> None:
    await house.data(HOME, "ada")
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            await house.data(HOME, "ada")
        assert not [each for each in gc.get_objects() if isinstance(each, OperationContext)]
    finally:
        gc.enable()


async def test_a_guest_sees_what_trends_without_a_session_or_an_account(house: House) -> None:
    viewer = (await house.data(HOME))["viewer"]
    assert (viewer["type"], viewer["account"], viewer["home"]["__typename"]) == ("GUEST", None, "GuestHome")
    assert len(viewer["home"]["feed"]["edges"]) == 20
    assert house.rpcs() == FOR_A_GUEST


@pytest.mark.parametrize("first", [1, 100])
async def test_the_number_of_items_does_not_change_the_number_of_calls(house: House, first: int) -> None:
    viewer = (await house.data(HOME, "ada", first=first))["viewer"]
    assert len(viewer["home"]["feed"]["edges"]) == first
    assert house.rpcs() == SIX


async def test_the_same_question_asked_twice_in_an_operation_costs_one_call(house: House) -> None:
    query = "{ a: viewer { home { features { key } } } b: viewer { home { features { title } } type } }"
    await house.data(query, "ada")
    assert house.rpcs() == {SESSION: 1, FEATURES: 1}


async def test_what_one_operation_loaded_the_next_loads_anew(house: House) -> None:
    await house.data("{ viewer { type } }", "ada")
    await house.data("{ viewer { type } }", "ada")
    assert house.rpcs() == {SESSION: 2}


async def test_the_feed_goes_on_where_the_last_page_ended(house: House) -> None:
    query = """query Page($after: String) { viewer { home { feed(first: 30, after: $after) {
        edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }"""
    first = (await house.data(query, "ada"))["viewer"]["home"]["feed"]
    second = (await house.data(query, "ada", after=first["pageInfo"]["endCursor"]))["viewer"]["home"]["feed"]
    numbers = [int(edge["node"]["id"].removeprefix("act_")) for edge in first["edges"] + second["edges"]]
    assert len(set(numbers)) == 60
    assert numbers == sorted(numbers, reverse=True)
    assert first["pageInfo"]["hasPreviousPage"] is False
    assert second["pageInfo"]["hasPreviousPage"] is True


class Gate(grpc.aio.UnaryUnaryClientInterceptor):
    """Lets the calls of these methods through only when all of them have come."""

    def __init__(self, *methods: str) -> None:
        self._methods = methods
        self._barrier = asyncio.Barrier(len(methods))
        self.passed: Counter[str] = Counter()

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: grpc.aio.ClientCallDetails, request: Any
    ) -> Any:
        method = client_call_details.method
        name = (method.decode() if isinstance(method, bytes) else method).rpartition("/")[2]
        if name in self._methods and self.passed[name] == 0:
            self.passed[name] += 1
            async with asyncio.timeout(60):
                await self._barrier.wait()
        return await continuation(client_call_details, request)


async def test_what_does_not_need_each_other_is_asked_at_the_same_time(house_with: Callable[..., Any]) -> None:
    gate = Gate("BatchGetAccounts", "BatchListFeatures", "BatchListBanners", "BatchListFeeds")
    async with house_with([gate]) as house:
        await house.data(HOME, "ada")
        assert house.rpcs() == SIX
    assert gate.passed == {"BatchGetAccounts": 1, "BatchListFeatures": 1, "BatchListBanners": 1, "BatchListFeeds": 1}
