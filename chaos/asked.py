"""What is asked of the house, as whole HTTP requests."""

import json
from collections.abc import Mapping

from bench.queries import HEADERS
from bench.queries import HOME as QUERY
from chaos.house import House

PATIENCE_SECONDS = 2.0
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


def post(content: object, token: str | None = None, patience: float = PATIENCE_SECONDS) -> str:
    """The request with this JSON as its body, of somebody with this session who waits so many seconds."""
    told = {"x-request-timeout-ms": f"{patience * 1000:.0f}"}
    return raw(json.dumps(content), told | {"authorization": f"Bearer {token}"} if token else told)


def raw(body: str, headers: Mapping[str, str]) -> str:
    """The request with this body and, beside the usual ones, these headers."""
    told = {**HEADERS, "host": "127.0.0.1", **headers, "content-length": str(len(body.encode()))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"POST /graphql HTTP/1.1\r\n{lines}\r\n{body}"


def homes(house: House) -> list[str]:
    """The home page of each viewer."""
    return [post(HOME, token, house.patience) for token in house.tokens]


def with_changes(house: House) -> list[str]:
    """The same, and in between, of every fifth, something new."""
    asked = (PUBLISH if number % 5 == 1 else HOME for number in range(len(house.tokens)))
    return [post(each, token, house.patience) for each, token in zip(asked, house.tokens, strict=True)]
