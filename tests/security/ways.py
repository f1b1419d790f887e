"""Ways to ask: documents in which every field of the schema occurs, and the doors that take them."""

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
from graphql import GraphQLSchema

from tests.gateway.push.client import connected
from tests.scenario.visitor import JSON
from tests.security.rows import ARGUMENTS, MUTATIONS, SEEN, Seen
from tests.security.selections import Selections

FRAGMENTS = "fragment N on Node { id ... on Account { ...A } } fragment A on Account { %(Account)s }"
ROOTS = {
    "by id": ("%(account)s", ""),
    "by handle": ("%(accountByHandle)s", ""),
    "in a list": ("%(accounts)s", ""),
    "as a node": ("%(node)s", ""),
    "by aliases": (
        'ada: account(id: "acc_1") { %(Account)s } theirs: account(id: $id) { %(Account)s } %(account)s',
        "",
    ),
    "by fragments": ("node(id: $id) { ...N }", FRAGMENTS),
}
"""From where an account is asked, and what the document has beside its operation; selections are to be filled in."""
DESK_FIELDS = SEEN["Admin"][Seen.DESK].split()
TYPES = {"id": "ID!", "own": "ID!", "handle": "String!", "password": "String!", "version": "Int!"}
"""Of the variables that documents have, `own` being the account of whoever asks."""


class Ways:
    """Documents with all that there is to ask, the same for everybody: what is different are the variables."""

    def __init__(self, schema: GraphQLSchema) -> None:
        written = Selections(schema, ARGUMENTS)
        selected = {name: written.field("Query", name) for name in ("account", "accountByHandle", "accounts", "node")}
        selected["Account"] = written.of("Account")
        self.account = {
            way: operation("query", text % selected, beside % selected) for way, (text, beside) in ROOTS.items()
        }
        self.home = operation("query", written.field("Query", "viewer"))
        self.desk = {name: operation("query", f"admin {{ {written.field('Admin', name)} }}") for name in DESK_FIELDS}
        self.mutations = {name: operation("mutation", written.field("Mutation", name)) for name in MUTATIONS}
        self.feed = operation("subscription", written.field("Subscription", "feedActivityAdded"))
        self.changes = operation("subscription", written.field("Subscription", "accountChanged"))

    def documents(self) -> list[str]:
        """All of them."""
        several = (self.account, self.desk, self.mutations)
        return [*(text for texts in several for text in texts.values()), self.home, self.feed, self.changes]


def operation(kind: str, body: str, beside: str = "") -> str:
    """A document with an operation that declares what variables it has."""
    declared = ", ".join(f"${name}: {TYPES[name]}" for name in variables_in(body))
    return f"{kind} {f'({declared})' if declared else ''} {{ {body} }} {beside}"


def variables_in(text: str) -> list[str]:
    """The names of the variables, once each."""
    return sorted(set(re.findall(r"\$(\w+)", text)))


async def by_get(address: str, text: str, token: str) -> JSON:
    """What is answered to a GET."""
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=60) as http:
        answer: JSON = (await http.get("/graphql", params={"query": text}, headers=_headers(token))).json()
    return answer


async def by_events(address: str, text: str, token: str) -> JSON:
    """What is answered as the only server-sent event."""
    headers = {"accept": "text/event-stream", **_headers(token)}
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=60) as http:
        sent = (await http.post("/graphql", json={"query": text}, headers=headers)).text
    answer: JSON = json.loads(sent.partition("event: next\ndata: ")[2].partition("\n")[0])
    return answer


async def by_socket(address: str, text: str, token: str) -> JSON:
    """What is answered on a WebSocket."""
    async with connected(address) as subscriber:
        await subscriber.introduce(token or None)
        await subscriber.subscribe("1", text)
        answer: JSON = (await subscriber.receive())["payload"]
    return answer


def _headers(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


DOORS: dict[str, Callable[[str, str, str], Coroutine[Any, Any, JSON]]] = {
    "get": by_get,
    "events": by_events,
    "socket": by_socket,
}
"""What takes operations besides a POST: given the gateway's address, a document and a token."""
