"""What nobody would ask over HTTP: operations, documents, bodies, addresses, bytes. Each is a property to be tried."""

import json
import re
import socket
import string
from contextlib import suppress
from typing import Any

import httpx
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from hypothesis_graphql import nodes

from tests.gateway.fuzz.gateway import Gateway, check, check_errors
from tests.gateway.test_home import HOME

HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map(str.strip)
METHODS = st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "QUERY"])
PIECES = st.sampled_from(
    [*"{}!&#", "( )", "@skip(if: $a)", "...F", "... on Query {", "$a", "a:", '"', '"""', "null", "-1e999", ""]
) | st.text(string.printable, max_size=5)
SPREAD = "query ($ids: [ID!]!) { accounts(ids: $ids) { ...F } } fragment F on Account { id @skip(if: true) }"
SUBSCRIBED = "subscription S { feedActivityAdded { id text author { handle } } }"
WORDS = st.text(string.printable, max_size=20) | st.sampled_from(["\0", "\ud7ff", "🦊", "é" * 1000, "{", "0" * 5000])
JSON_VALUES: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
PARTS = st.sampled_from(["query", "variables", "operationName", "extensions", "documentId", "other"])
BODIES: SearchStrategy[Any] = st.dictionaries(PARTS, JSON_VALUES | st.just(HOME)) | JSON_VALUES
TYPES = st.sampled_from(["application/json", "application/json; charset=utf-16", "text/plain", ""]) | HEADER
OURS = ["accept", "accept-encoding", "authorization", "content-encoding", "content-type", "cookie", "expect"]
OURS += ["forwarded", "if-none-match", "origin", "range", "traceparent", "tracestate", "upgrade", "x-atrium-lane"]
OURS += ["x-forwarded-for", "x-request-timeout-ms", "graphql-cost", "x-apollo-operation-name", "last-event-id"]


def spoilt_documents() -> SearchStrategy[str]:
    """Documents of ours with pieces taken out and put in."""
    words = st.sampled_from([re.findall(r"\w+|\.\.\.|\S", text) for text in (HOME, SUBSCRIBED, SPREAD)])
    edits = st.lists(st.tuples(st.integers(0, 10_000), PIECES), min_size=1, max_size=4)
    return st.builds(_spoilt, words, edits)


def _spoilt(words: list[str], edits: list[tuple[int, str]]) -> str:
    spoilt = [*words]
    for place, piece in edits:
        at = place % len(spoilt)
        spoilt[at : at + place % 3] = piece.split(" ")
    return " ".join(spoilt)


def authorization(token: str | None) -> dict[str, str]:
    """The header of whoever has the token."""
    return {"authorization": f"Bearer {token}"} if token else {}


def check_response(response: httpx.Response) -> None:
    """The response is a good answer to anything."""
    asked = response.request.content.decode("utf-8", "replace") + str(response.request.headers)
    check(response.status_code, response.text, asked)
    check_errors(response.json().get("errors", []))


def posted(gateway: Gateway, body: Any, more: dict[str, str]) -> httpx.Response:
    """What is answered to the body as JSON, or as what Python takes for JSON: NaN, Infinity, lone surrogates."""
    headers = {"content-type": "application/json", **more}
    return gateway.http.post("/graphql", content=json.dumps(body).encode(), headers=headers)


def operations(gateway: Gateway, how: settings) -> None:
    """Operations that the schema allows."""
    schemathesis.graphql.scalar("DateTime", st.datetimes().map(lambda at: nodes.String(f"{at.isoformat()}+00:00")))
    schemathesis.graphql.scalar("Date", st.dates().map(lambda day: nodes.String(day.isoformat())))
    schema = schemathesis.graphql.from_url(f"http://{gateway.address}/graphql")

    @how
    @given(case=schema.as_strategy(), token=st.sampled_from(gateway.tokens))
    def ask(case: schemathesis.Case[Any], token: str | None) -> None:
        check_response(posted(gateway, {"query": case.body}, authorization(token)))

    ask()


def documents(gateway: Gateway, how: settings) -> None:
    """Documents that were good once, with any variables."""

    @how
    @given(
        query=spoilt_documents(),
        variables=st.dictionaries(WORDS, JSON_VALUES, max_size=2),
        token=st.sampled_from(gateway.tokens),
    )
    def ask(query: str, variables: dict[str, Any], token: str | None) -> None:
        check_response(posted(gateway, {"query": query, "variables": variables}, authorization(token)))

    ask()


def bodies(gateway: Gateway, how: settings) -> None:
    """Bodies of any type."""

    @how
    @given(body=BODIES.map(lambda body: json.dumps(body).encode()) | st.binary(), kind=TYPES, accept=HEADER)
    def ask(body: bytes, kind: str, accept: str) -> None:
        headers = {"content-type": kind, "accept": accept}
        check_response(gateway.http.post("/graphql", content=body, headers=headers))

    ask()


def headers(gateway: Gateway, how: settings) -> None:
    """Headers that mean something, saying anything."""
    values = HEADER | st.sampled_from(["*/*;q=x", "bytes=0-", "-1", "9" * 40, "Bearer", "Basic Og==", "00-0-0-0", "*"])

    @how
    @given(given_headers=st.dictionaries(st.sampled_from(OURS), values, max_size=5))
    def ask(given_headers: dict[str, str]) -> None:
        response = gateway.http.post("/graphql", json={"query": "{ viewer { type } }"}, headers=given_headers)
        check(response.status_code, response.text, str(given_headers))

    ask()


def addresses(gateway: Gateway, how: settings) -> None:
    """Any parameters, asked by any method."""
    values = WORDS | st.just(HOME) | JSON_VALUES.map(json.dumps)

    @how
    @given(parameters=st.dictionaries(PARTS, values), method=METHODS)
    def ask(parameters: dict[str, str], method: str) -> None:
        with suppress(httpx.InvalidURL):  # It is longer than the client of the test sends.
            response = gateway.http.request(method, "/graphql", params=parameters)
            check(response.status_code, response.text, str(parameters))

    ask()


def connections(gateway: Gateway, how: settings) -> None:
    """Bytes on a connection, some of which look like a request."""
    host, _, port = gateway.address.partition(":")
    heads = st.lists(HEADER.map(lambda value: f"{value}: {value}"), max_size=3).map("\r\n".join)
    requests = st.builds(
        lambda target, head, body: f"POST {target} HTTP/1.1\r\n{head}\r\n\r\n".encode("latin-1") + body,
        st.sampled_from(["/graphql", "/graphql?query=\xff\xfe", "/%ff%00", "//", "*", "http://[/"]),
        heads,
        st.binary(),
    )

    @how
    @given(sent=requests | st.binary(min_size=1))
    def send(sent: bytes) -> None:
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                answer = connection.recv(65536).decode("latin-1")
                check(int(answer.split()[1]) if answer else 0, answer, sent.decode("latin-1"))

    send()
    assert gateway.http.get("/livez").status_code == 200


PROPERTIES = (operations, documents, bodies, headers, addresses, connections)
"""All of them."""
