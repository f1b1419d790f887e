"""A gateway with trusted documents, over HTTP and as a stream of events."""

import json
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway.conftest import House

PUBLIC = "query Names($ids: [ID!]!) { accounts(ids: $ids) { handle } }"
PRIVATE = "query Who { viewer { type } }"
CHANGE = "mutation Out { signOut }"
IDS = {text: sha256(text.encode()).hexdigest() for text in (PUBLIC, PRIVATE, CHANGE)}
NAMES = {"documentId": IDS[PUBLIC], "variables": '{"ids": ["acc_1"]}'}
ADA = {"data": {"accounts": [{"handle": "ada"}]}}
UNKNOWN = "{ viewer { type } }"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({document_id: text for text, document_id in IDS.items()}))
    return path


@pytest.fixture
async def house(house_with: Callable[..., Any], manifest: Path) -> AsyncIterator[House]:
    """A gateway in production that trusts three documents."""
    async with house_with(production=True, documents=manifest) as opened:
        yield opened


def message(response: httpx.Response) -> str:
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == 4000200
    return str(error["message"])


@pytest.mark.parametrize(
    "body",
    [
        {"documentId": IDS[PUBLIC]},
        {"documentId": f"sha256:{IDS[PUBLIC]}"},
        {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": IDS[PUBLIC]}}},
        {"query": PUBLIC, "documentId": IDS[PUBLIC]},
        {"query": PUBLIC},
    ],
)
async def test_a_trusted_document_is_run(house: House, body: dict[str, Any]) -> None:
    response = await house.http.post("/graphql", json={**body, "variables": {"ids": ["acc_1"]}})
    assert response.json() == ADA
    assert response.headers["cache-control"] == "public, max-age=10"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"query": UNKNOWN}, "query: only documents that were registered are run here"),
        ({"query": PUBLIC + " "}, "query: only documents that were registered are run here"),
        ({"query": UNKNOWN, "documentId": "x"}, "query: only documents that were registered are run here"),
        ({"query": UNKNOWN, "documentId": IDS[PUBLIC]}, "documentId: is not the id of this query"),
        ({"documentId": "x"}, "documentId: there is no such document"),
    ],
)
async def test_nothing_else_is_run(house: House, body: dict[str, Any], told: str) -> None:
    for headers in ({}, {"authorization": f"Bearer {house.tokens['ada']}"}):
        assert message(await house.http.post("/graphql", json=body, headers=headers)) == told
        streamed = await house.http.post("/graphql", json=body, headers={**headers, "accept": "text/event-stream"})
        assert told in streamed.text
    assert house.rpcs().keys() <= {"account.BatchVerifySessions", "permission.BatchCheckPermissions"}


async def test_whoever_may_learn_about_the_schema_may_run_anything(house: House) -> None:
    assert await house.data(UNKNOWN, "sam") == {"viewer": {"type": "STAFF"}}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"documentId": 1}, "documentId: must be a string"),
        ({"documentId": ""}, "query: must be given and not empty"),
        ({"extensions": {"persistedQuery": 1}}, "extensions.persistedQuery: must be an object with version 1 and"),
        ({"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "x"}}}, "extensions.persistedQuery: must be"),
        ({"extensions": {"persistedQuery": {"version": 1}}}, "extensions.persistedQuery: must be an object"),
    ],
)
async def test_an_id_of_a_wrong_shape_is_refused(house: House, body: dict[str, Any], told: str) -> None:
    response = await house.http.post("/graphql", json=body)
    assert response.status_code == 400
    assert message(response).startswith(told)


async def test_a_public_answer_may_be_kept_and_asked_for_anew(house: House) -> None:
    first = await house.http.get("/graphql", params=NAMES)
    assert (first.status_code, first.json()) == (200, ADA)
    assert (first.headers["cache-control"], first.headers["vary"]) == ("public, max-age=10", "accept, x-atrium-lane")
    for told in (first.headers["etag"], f'"other", W/{first.headers["etag"]}', "*"):
        again = await house.http.get("/graphql", params=NAMES, headers={"if-none-match": told})
        assert (again.status_code, again.content) == (304, b"")
        assert all(again.headers[name] == first.headers[name] for name in ("etag", "cache-control", "vary"))
    other = {**NAMES, "variables": '{"ids": ["acc_2"]}'}
    changed = await house.http.get("/graphql", params=other, headers={"if-none-match": first.headers["etag"]})
    assert (changed.status_code, changed.json()["data"]["accounts"]) == (200, [{"handle": "bo"}])


async def test_an_answer_that_depends_on_who_asks_is_kept_by_nobody(house: House) -> None:
    response = await house.http.get("/graphql", params={"documentId": IDS[PRIVATE]}, headers={"if-none-match": "*"})
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    assert "etag" not in response.headers


async def test_apollos_clients_may_ask_by_get(house: House) -> None:
    extensions = json.dumps({"persistedQuery": {"version": 1, "sha256Hash": IDS[PUBLIC]}})
    parameters = {"extensions": extensions, "variables": NAMES["variables"], "operationName": "Names"}
    assert (await house.http.get("/graphql", params=parameters)).json() == ADA


@pytest.mark.parametrize("parameters", [{"documentId": IDS[CHANGE]}, {"query": PUBLIC}, {"extensions": "{}"}])
async def test_by_get_nothing_else_is_served(house: House, parameters: dict[str, str]) -> None:
    response = await house.http.get("/graphql", params=parameters)
    assert response.status_code == (400 if "extensions" in parameters else 405)
    if response.status_code == 405:
        assert response.headers["allow"] == "POST"


async def test_outside_production_ids_work_beside_queries(house_with: Callable[..., Any], manifest: Path) -> None:
    async with house_with(documents=manifest) as house:
        assert (await house.http.get("/graphql", params=NAMES)).json() == ADA
        assert await house.data(UNKNOWN) == {"viewer": {"type": "GUEST"}}


async def test_a_query_may_be_registered_by_its_hash_where_that_is_open(house_with: Callable[..., Any]) -> None:
    persisted = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": IDS[PUBLIC]}}}
    variables = {"variables": {"ids": ["acc_1"]}}
    async with house_with(production=True, apq=True) as house:
        assert message(await house.http.post("/graphql", json=persisted | variables)) == "PersistedQueryNotFound"
        for body in ({"query": PUBLIC}, {}):
            assert (await house.http.post("/graphql", json=body | persisted | variables)).json() == ADA
        assert (await house.http.get("/graphql", params=NAMES)).json() == ADA
        assert (await house.http.get("/graphql", params={"query": UNKNOWN})).status_code == 405
