"""What is asked of the house, as whole HTTP requests."""

import json
from collections.abc import Mapping

from bench.queries import HEADERS
from bench.queries import HOME as QUERY

PATIENCE_MS = 2000
"""How long a good client says it waits."""
HOME = {"query": QUERY, "operationName": "Home"}
PUBLISH = {"query": 'mutation { publishActivity(input: {kind: POST, text: "Still here."}) { id } }'}
ALONE: Mapping[str, str] = {
    "account": '{ account(id: "acc_1") { handle } }',
    "permission": "{ viewer { home { features { key } } } }",
    "banner": "{ viewer { home { banners { id } } } }",
    "activity": "{ viewer { home { feed(first: 20) { edges { cursor } } } } }",
}
"""What asks one backend and no other, as long as nobody is signed in."""


def post(content: object, token: str | None = None) -> str:
    """The request with this JSON as its body, of somebody with this session."""
    return raw(json.dumps(content), {"authorization": f"Bearer {token}"} if token else {})


def raw(body: str, headers: Mapping[str, str]) -> str:
    """The request with this body and, beside the usual ones, these headers."""
    told = {**HEADERS, "host": "127.0.0.1", "x-request-timeout-ms": str(PATIENCE_MS)}
    told |= {**headers, "content-length": str(len(body.encode()))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"POST /graphql HTTP/1.1\r\n{lines}\r\n{body}"


def homes(tokens: list[str]) -> list[str]:
    """The home page of each of these viewers."""
    return [post(HOME, token) for token in tokens]


def with_changes(tokens: list[str]) -> list[str]:
    """The same, and in between, of every fifth, something new."""
    return [post(PUBLISH if number % 5 == 1 else HOME, token) for number, token in enumerate(tokens)]
