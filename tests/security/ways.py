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

ROOTS = {
    "by id": "{ <account> }",
    "by handle": "{ <accountByHandle> }",
    "in a list": "{ <accounts> }",
    "as a node": "{ <node> }",
    "by aliases": '{ ada: account(id: "acc_1") { <Account> } theirs: account(id: "<id>") { <Account> } <account> }',
    "by fragments": 'query ($id: ID! = "<id>") { node(id: $id) { ...N } } '
    "fragment N on Node { id ... on Account { ...A } } fragment A on Account { <Account> }",
}
"""From where an account is asked, before selections are written out."""
DESK_FIELDS = SEEN["Admin"][Seen.DESK].split()


class Ways:
    """Documents with all that there is to ask; `<own>`, `<id>`, `<handle>` and others are places to fill."""

    def __init__(self, schema: GraphQLSchema) -> None:
        written = Selections(schema, ARGUMENTS)
        selected = {name: written.field("Query", name) for name in ("account", "accountByHandle", "accounts", "node")}
        selected["Account"] = written.of("Account")
        self.account = {way: filled(text, **selected) for way, text in ROOTS.items()}
        self.home = f"{{ {written.field('Query', 'viewer')} }}"
        self.desk = {name: f"{{ admin {{ {written.field('Admin', name)} }} }}" for name in DESK_FIELDS}
        self.mutations = {name: f"mutation {{ {written.field('Mutation', name)} }}" for name in MUTATIONS}
        self.feed = f"subscription {{ {written.field('Subscription', 'feedActivityAdded')} }}"
        self.changes = f"subscription {{ {written.field('Subscription', 'accountChanged')} }}"

    def documents(self) -> list[str]:
        """All of them, their places filled with anything."""
        several = (self.account, self.desk, self.mutations)
        texts = [*(text for texts in several for text in texts.values()), self.home, self.feed, self.changes]
        return [re.sub(r"<\w+>", "1", text) for text in texts]


def filled(text: str, **words: Any) -> str:
    """The text with its places, `<id>`, filled."""
    for name, word in words.items():
        text = text.replace(f"<{name}>", str(word))
    return text


async def by_get(address: str, text: str, token: str) -> JSON:
    """What is answered to a GET."""
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as http:
        answer: JSON = (await http.get("/graphql", params={"query": text}, headers=_headers(token))).json()
    return answer


async def by_events(address: str, text: str, token: str) -> JSON:
    """What is answered as the only server-sent event."""
    headers = {"accept": "text/event-stream", **_headers(token)}
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as http:
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
