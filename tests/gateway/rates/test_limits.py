"""Who may ask for how much. The rates are an hour long, so that no time passes that would count."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.documents import Prepared
from gateway.documents.document import read
from gateway.rates import RateLimits, Rates
from gateway.settings import Settings
from schema import errcode
from schema.graphql.schema import create_schema
from tests.gateway.conftest import House

SCHEMA = create_schema()._schema
TWO = "{ viewer { type } again: viewer { type } }"
SIGN_IN = 'mutation In($h: String!) { signIn(handle: $h, password: "x") { token } }'


def prepared(text: str) -> Prepared:
    return read(text, SCHEMA, Settings().limits).operation(None)


def limits(**rates: str) -> RateLimits:
    return RateLimits(Rates(**rates), production=False)


async def admitted(
    by: RateLimits, text: str = TWO, times: int = 1000, address: str = "a", token: str | None = None, **variables: Any
) -> int:
    """How often the operation is let through, until it is not."""
    operation = prepared(text)
    for number in range(times):
        try:
            await by.admit(operation, variables, address, token)
        except errcode.RateLimited:
            return number
    return times


async def test_each_root_field_counts_for_the_address() -> None:
    by = limits(address_fields="10/hour")
    assert await admitted(by) == 5
    assert await admitted(by, token="t") == 0
    assert await admitted(by, address="b") == 5


async def test_what_an_operation_costs_counts_too() -> None:
    by = limits(address_cost="100/hour")
    assert await admitted(by, "{ accounts(ids: [1, 2, 3, 4]) { id } }") == 100 // (1 + 4)


async def test_all_sessions_of_an_account_count_together_once_it_is_known_whose_they_are() -> None:
    by = limits(account_fields="10/hour")
    by.learn("one", 7)
    by.learn("two", 7)
    assert await admitted(by, token="one", times=3) == 3
    assert await admitted(by, token="two") == 2
    assert await admitted(by, token="other") == 5
    assert await admitted(by) == 1000


async def test_who_is_refused_is_told_when_to_come_back() -> None:
    by = limits(address_fields="60/hour burst 2")
    await admitted(by, times=1)
    with pytest.raises(errcode.RateLimited) as caught:
        await by.admit(prepared("{ viewer { type } }"), {}, "a", None)
    assert caught.value.retry_after == 60
    assert caught.value.message == "too many requests: retry in 60 s"


async def test_an_operation_larger_than_everything_allowed_at_once_may_run_once() -> None:
    by = limits(address_fields="1/hour")
    assert await admitted(by) == 1


async def test_what_cannot_be_run_counts_for_the_address() -> None:
    by = limits(address_fields="2/hour", address_cost="1000/hour")
    await by.count_refused("a")
    await by.count_refused("a")
    with pytest.raises(errcode.RateLimited):
        await by.count_refused("a")


@pytest.mark.parametrize("handles", [["ada"], ["ada", "ADA", "Ada"]])
async def test_passwords_are_tried_for_one_handle_only_so_often_wherever_from(handles: list[str]) -> None:
    by = limits(sign_ins_handle="5/hour")
    let = [await admitted(by, SIGN_IN, 1, address=str(n), h=handles[n % len(handles)]) for n in range(10)]
    assert sum(let) == 5
    assert await admitted(by, SIGN_IN, h="bo") == 5


async def test_passwords_are_tried_from_one_address_only_so_often_whoever_for() -> None:
    by = limits(sign_ins_address="7/hour")
    assert sum([await admitted(by, SIGN_IN, 1, h=f"somebody{n}") for n in range(20)]) == 7
    assert await admitted(by, address="a") == 1000


async def test_every_alias_of_a_sign_in_counts() -> None:
    many = " ".join(f'a{n}: signIn(handle: "ada", password: "{n}") {{ token }}' for n in range(3))
    by = limits(sign_ins_handle="10/hour")
    assert await admitted(by, f"mutation {{ {many} }}") == 3


async def test_outside_production_nothing_else_is_limited() -> None:
    assert await admitted(RateLimits(Rates(), production=False), token="t") == 1000


async def test_whoever_asks_for_too_much_is_answered_429_and_nothing_runs(house_with: Callable[..., Any]) -> None:
    async with house_with(rates=Rates(account_fields="5/hour", address_fields="10/hour")) as house:
        for _ in range(6):  # The first counts for the session alone: nobody knew yet whose it is.
            assert (await house.post("{ viewer { type } }", "ada")).status_code == 200
        sent = house.rpcs()
        refused = await house.post("{ viewer { type } }", "ada")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "720")
        [error] = refused.json()["errors"]
        assert error["message"] == "too many requests: retry in 720 s"
        assert (error["extensions"]["code"], error["extensions"]["retryAfter"]) == (4290100, 720)
        assert house.rpcs() == sent
        assert [(await house.post("{ viewer { type } }", "bo")).status_code for _ in range(4)] == [200] * 3 + [429]
        assert (await house.post("{ nowhere }")).status_code == 429


async def test_two_sessions_of_an_account_share_its_limit(house_with: Callable[..., Any]) -> None:
    query = 'mutation { signIn(handle: "ada", password: "atrium-demo") { token } }'
    async with house_with(rates=Rates(account_fields="6/hour")) as house:
        tokens = [house.tokens["ada"], (await house.data(query))["signIn"]["token"]]
        statuses = []
        for number in range(8):
            headers = {"authorization": f"Bearer {tokens[number % 2]}"}
            body = {"query": "{ viewer { type } }"}
            statuses.append((await house.http.post("/graphql", json=body, headers=headers)).status_code)
        assert statuses == [200] * 8
        headers = {"authorization": f"Bearer {tokens[0]}"}
        assert (await house.http.post("/graphql", json=body, headers=headers)).status_code == 429


async def test_guessing_passwords_ends_soon_even_with_the_right_one_at_last(house: House) -> None:
    guesses = " ".join(f'g{n}: signIn(handle: "ada", password: "guess {n}") {{ token }}' for n in range(5))
    answers = [await house.ask(f"mutation {{ {guesses} }}") for _ in range(5)]
    codes = [{error["extensions"]["code"] for error in answer["errors"]} for answer in answers]
    assert codes == [{4010300}] * 4 + [{4290100}]
    query = 'mutation { signIn(handle: "Ada", password: "atrium-demo") { token } }'
    assert (await house.error(query))[0] == 4290100
    assert (await house.data(query.replace("Ada", "bo")))["signIn"]["token"]


@pytest.mark.parametrize("query", ["{ viewer { type } }", "subscription { accountChanged { id } }"])
async def test_a_stream_of_events_counts_as_well_and_is_told_when_to_come_back(
    house_with: Callable[..., Any], query: str
) -> None:
    async with house_with(rates=Rates(address_fields="1/hour")) as house:
        await house.data("{ viewer { type } }")
        response = await house.http.post("/graphql", json={"query": query}, headers={"accept": "text/event-stream"})
        event, data, *_ = response.text.split("\n")
        [error] = json.loads(data.removeprefix("data: "))["errors"]
        assert (event, error["extensions"]["code"], error["extensions"]["retryAfter"]) == ("event: next", 4290100, 3600)
