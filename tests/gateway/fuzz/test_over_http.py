"""Whatever is asked of a real gateway over HTTP is answered, or refused by a code of the catalogue; no secrets."""

import json
import re
import socket
import string
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from hypothesis_graphql import nodes

from schema.errcode import CATALOGUE, Internal
from tests.conftest import free_port
from tests.gateway.process import Running, running
from tests.gateway.test_home import HOME

INSIDE = re.compile(r"Traceback|\.py\b|grpc|sqlalchemy|sqlite|psycopg|redis|strawberry|graphql-core|0x[0-9a-f]{6}")
"""What only the inside of the gateway would say."""
ASKED = settings(
    max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map(str.strip)
METHODS = st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH"])
PIECES = st.sampled_from(
    [
        "{",
        "}",
        "( )",
        "@skip(if: $a)",
        "...F",
        "... on Query {",
        "$a",
        "!",
        "a:",
        '"',
        '"""',
        "null",
        "-1e999",
        "#",
        "&",
        "",
    ]
) | st.text(string.printable, max_size=5)
SPREAD = "query ($ids: [ID!]!) { accounts(ids: $ids) { ...F } } fragment F on Account { id @skip(if: true) }"
SUBSCRIBED = "subscription S { feedActivityAdded { id text author { handle } } }"
HANDLES = ("ada", "bo", "corp", "sam")
WORDS = st.text(string.printable, max_size=20) | st.sampled_from(["\0", "\ud7ff", "🦊", "é" * 1000, "{", "0" * 5000])
JSON_VALUES: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


class Gateway:
    """The process, and who is signed in."""

    def __init__(self, process: Running, address: str, http: httpx.Client) -> None:
        self.process = process
        self.address = address
        self.http = http
        self.tokens = [None, "nobody's", *map(self._sign_in, HANDLES)]

    def _sign_in(self, handle: str) -> str:
        query = f'mutation {{ signIn(handle: "{handle}", password: "atrium-demo") {{ token }} }}'
        answer = self.http.post("/graphql", json={"query": query}).json()
        return str(answer["data"]["signIn"]["token"])


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder, port = tmp_path_factory.mktemp("fuzz"), free_port()
    known = {"PORT": str(port), "DATA": str(folder / "data"), "RATES__SIGN_INS_ADDRESS": "off"}
    with running(["gateway", "run", "--embedded"], known, folder / "gateway.log") as process:
        process.wait_for(f"http://127.0.0.1:{port}/readyz")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            yield Gateway(process, f"http://127.0.0.1:{port}", http)


@pytest.fixture(autouse=True)
def nothing_goes_wrong_inside(gateway: Gateway) -> Iterator[None]:
    yield
    assert [line for line in gateway.process.log() if line.get("level") in ("error", "critical")] == []


def check(status: int, text: str) -> None:
    """The answer is one of GraphQL, and no failure of this side."""
    assert status < 500, text
    assert not INSIDE.search(text), text


def check_errors(response: httpx.Response) -> None:
    check(response.status_code, response.text)
    for error in response.json().get("errors", ()):
        told = CATALOGUE[error["extensions"]["reason"]]
        assert told.code == error["extensions"]["code"]
        assert told is not Internal


def authorization(token: str | None) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


def test_no_operation_that_the_schema_allows_fails(gateway: Gateway) -> None:
    schemathesis.graphql.scalar("DateTime", st.datetimes().map(lambda at: nodes.String(f"{at.isoformat()}+00:00")))
    schemathesis.graphql.scalar("Date", st.dates().map(lambda day: nodes.String(day.isoformat())))
    schema = schemathesis.graphql.from_url(f"{gateway.address}/graphql")

    @ASKED
    @given(case=schema.as_strategy(), token=st.sampled_from(gateway.tokens))
    def ask(case: schemathesis.Case[Any], token: str | None) -> None:
        check_errors(gateway.http.post("/graphql", json={"query": case.body}, headers=authorization(token)))

    ask()


def test_no_document_that_was_spoilt_fails(gateway: Gateway) -> None:
    words = st.sampled_from([re.findall(r"\w+|\.\.\.|\S", text) for text in (HOME, SUBSCRIBED, SPREAD)])
    edits = st.lists(st.tuples(st.integers(0, 10_000), PIECES), min_size=1, max_size=4)
    variables = st.dictionaries(WORDS, JSON_VALUES, max_size=2)

    @ASKED
    @given(words=words, edits=edits, variables=variables, token=st.sampled_from(gateway.tokens))
    def ask(words: list[str], edits: list[tuple[int, str]], variables: dict[str, Any], token: str | None) -> None:
        spoilt = [*words]
        for place, piece in edits:
            at = place % len(spoilt)
            spoilt[at : at + place % 3] = piece.split(" ")
        body = {"query": " ".join(spoilt), "variables": variables}
        check_errors(gateway.http.post("/graphql", json=body, headers=authorization(token)))

    ask()


def test_no_body_fails(gateway: Gateway) -> None:
    names = st.sampled_from(["query", "variables", "operationName", "extensions", "documentId"])
    bodies = st.dictionaries(names, JSON_VALUES | st.just(HOME)) | JSON_VALUES
    written = bodies.map(lambda body: json.dumps(body).encode()) | st.binary()
    types = st.sampled_from(["application/json", "application/json; charset=utf-16", "text/plain", ""]) | HEADER

    @ASKED
    @given(body=written, kind=types, accept=HEADER)
    def ask(body: bytes, kind: str, accept: str) -> None:
        headers = {"content-type": kind, "accept": accept}
        check_errors(gateway.http.post("/graphql", content=body, headers=headers))

    ask()


def test_no_address_fails(gateway: Gateway) -> None:
    names = st.sampled_from(["query", "variables", "operationName", "extensions", "documentId", "other"])

    @ASKED
    @given(parameters=st.dictionaries(names, WORDS | st.just(HOME) | JSON_VALUES.map(json.dumps)), method=METHODS)
    def ask(parameters: dict[str, str], method: str) -> None:
        response = gateway.http.request(method, "/graphql", params=parameters)
        check(response.status_code, response.text)

    ask()


def test_no_bytes_on_a_connection_fail(gateway: Gateway) -> None:
    host, _, port = gateway.address.removeprefix("http://").partition(":")
    heads = st.lists(HEADER.map(lambda value: f"{value}: {value}"), max_size=3).map("\r\n".join)
    requests = st.builds(
        lambda head, body: f"POST /graphql HTTP/1.1\r\n{head}\r\n\r\n".encode("latin-1") + body, heads, st.binary()
    )

    @ASKED
    @given(sent=requests | st.binary(min_size=1))
    def send(sent: bytes) -> None:
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                answer = connection.recv(65536).decode("latin-1")
                check(int(answer.split()[1]) if answer else 0, answer)

    send()
    assert gateway.http.get("/livez").status_code == 200
