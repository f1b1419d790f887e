"""Documents and variables that were made to hurt: each is refused as the client's mistake, soon, and never as ours."""

import time
from typing import Any

import pytest

from gateway.negotiation import GRAPHQL
from tests.gateway.conftest import House

CHAIN = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(240))
DOUBLING = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(100))
SAME_FIELDS = "{ viewer { " + "type " * 300 + "} }"
CONFLICTS = "{ " + " ".join(f'a: account(id: "acc_{n}") {{ id }}' for n in range(150)) + " }"
BAD_REQUESTS: dict[str, dict[str, Any]] = {
    "nul in a literal": {"query": '{ account(id: "\\u0000") { id } }'},
    "a huge number in a literal": {"query": "{ viewer { home { feed(first: " + "9" * 5000 + ") { __typename } } } }"},
    "a number of another size": {"query": "query Q($n: Int!) { __typename @skip(if: $n) }", "variables": {"n": 2**63}},
    "deep braces": {"query": "{ viewer " * 900},
    "deep brackets": {"query": "{ accounts(ids: " + "[" * 1500},
    "deep variables": {
        "query": "query Q($ids: [ID!]!) { accounts(ids: $ids) { id } }",
        "variables": {"ids": eval("[" * 90 + "]" * 90)},
    },
    "a chain of fragments": {"query": "{ ...F0 } " + CHAIN},
    "doubling fragments": {"query": "{ ...F0 } " + DOUBLING},
    "fragments that spread each other": {
        "query": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    },
    "many conflicting fields": {"query": CONFLICTS},
    "tokens": {"query": "{ " + "a " * 30_000 + "}"},
    "comments": {"query": "#\n" * 20_000 + "{ a }"},
    "directives": {"query": "{ __typename " + "@a" * 1900 + " }"},
    "variables nobody uses": {"query": "query Q(" + " ".join(f"$v{n}: Int" for n in range(400)) + ") { __typename }"},
    "many operations": {"query": " ".join(f"query Q{n} {{ __typename }}" for n in range(300))},
    "a control character": {"query": "{ a\u0007 }"},
    "a type instead of an operation": {"query": "type Query { a: Int }"},
    "an input of a wrong type": {
        "query": "mutation M($i: UpdateProfileInput!) { updateProfile(input: $i) { id } }",
        "variables": {"i": {"version": "x", "nowhere": {"a": [1]}}},
    },
    "an object for an id": {"query": "query Q($id: ID!) { account(id: $id) { id } }", "variables": {"id": {"a": 1}}},
    "an unknown kind": {"query": "{ viewer { home { feed(kinds: [NOTHING]) { __typename } } } }"},
    "a subscription": {"query": "subscription { feedActivityAdded { id } }"},
    "an operation name of no operation": {"query": "query A { __typename }", "operationName": "B" * 10_000},
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
async def test_a_request_made_to_hurt_is_refused(house: House, name: str) -> None:
    started = time.process_time()
    response = await house.http.post("/graphql", json=BAD_REQUESTS[name], headers={"accept": GRAPHQL})
    assert response.status_code == 400
    assert {error["extensions"]["code"] for error in response.json()["errors"]} <= {4000100, 4000200, 4000300}
    assert len(response.content) < 100_000
    assert house.rpcs() == {}
    assert time.process_time() - started < 2


async def test_a_field_asked_for_many_times_is_answered_once(house: House) -> None:
    assert await house.data(SAME_FIELDS) == {"viewer": {"type": "GUEST"}}


@pytest.mark.parametrize(
    "identifier", ["acc_0", "acc_-1", "acc_99999999999999999999", "acc_1 ", "ACC_1", "acc_１", "act_1", "'; --"]
)
async def test_an_id_that_nobody_made_is_of_no_account(house: House, identifier: str) -> None:
    code, message = await house.error("query Q($id: ID!) { account(id: $id) { id } }", id=identifier)
    assert (code, message) == (4040100, f"there is no account {identifier}")


@pytest.mark.parametrize("handle", ["' OR 1=1 --", "%", "_", "ada\n", "\u202eada", "🦊", "x" * 100])
async def test_a_handle_is_only_ever_a_value(house: House, handle: str) -> None:
    code, _ = await house.error("query Q($h: String!) { accountByHandle(handle: $h) { id } }", h=handle)
    assert code == 4040100
