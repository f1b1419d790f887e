"""What nobody would send on a WebSocket, or ask to be answered by events. Each is a property to be tried."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.gateway.fuzz.gateway import Gateway, check, check_errors
from tests.gateway.fuzz.over_http import (
    BODIES,
    HEADER,
    JSON_VALUES,
    SUBSCRIBED,
    WORDS,
    authorization,
    posted,
    spoilt_documents,
)
from tests.gateway.test_home import HOME

TYPES = st.sampled_from(["connection_init", "connection_ack", "ping", "pong", "subscribe", "next", "complete", "error"])
GOOD = ({"type": "connection_init"}, {"type": "ping"}, {"type": "subscribe", "id": "1", "payload": {"query": HOME}})
KNOWN_CLOSES = {1000, 1002, 1003, 1007, 1009, 1011, 4400, 4401, 4408, 4409, 4410, 4429}
LAST = {"type": "subscribe", "id": "last", "payload": {"query": "{"}}
"""Sent at the end of a conversation: its answer tells that all before it was read."""


def _messages() -> SearchStrategy[str | bytes]:
    payloads = st.fixed_dictionaries({"query": spoilt_documents() | st.just(SUBSCRIBED)}) | BODIES
    made = st.fixed_dictionaries({}, optional={"type": TYPES | WORDS, "id": st.just("1") | WORDS, "payload": payloads})
    texts = (made | st.sampled_from(GOOD) | JSON_VALUES).map(json.dumps)
    return texts | WORDS | st.binary(max_size=200)


def frames(gateway: Gateway, how: settings) -> None:
    """Frames of any kind and in any order, after an introduction or without."""

    @how
    @given(sent=st.lists(_messages(), max_size=6), token=st.sampled_from(gateway.tokens), introduced=st.booleans())
    def talk(sent: list[str | bytes], token: str | None, introduced: bool) -> None:
        with connect(f"ws://{gateway.address}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            first = [json.dumps({"type": "connection_init", "payload": authorization(token)})] if introduced else []
            for message in told([*first, *sent, json.dumps(LAST)], socket):
                check(200, json.dumps(message), str(sent))
                payload: Any = message.get("payload") or {}
                check_errors(payload if message["type"] == "error" else payload.get("errors", []))
            assert socket.close_code is None or socket.close_code in KNOWN_CLOSES - {1011}
            check(200, socket.close_reason or "", str(sent))

    talk()


def told(sent: list[str | bytes], socket: ClientConnection) -> list[dict[str, Any]]:
    """What is answered to all that is sent, up to the answer to the last or the end of the connection."""
    answers: list[dict[str, Any]] = []
    with suppress(ConnectionClosed):
        for message in sent:
            socket.send(message)
        while not answers or answers[-1].get("id") != LAST["id"]:
            answers.append(json.loads(socket.recv(timeout=60)))
    return answers


def events(gateway: Gateway, how: settings) -> None:
    """Anything, asked to be answered by events."""
    queries = spoilt_documents().filter(lambda query: "subscription" not in query)

    @how
    @given(
        body=st.fixed_dictionaries({"query": queries}, optional={"variables": JSON_VALUES}) | BODIES,
        accept=st.sampled_from(["text/event-stream", "text/event-stream;q=0.1, */*"]) | HEADER,
        token=st.sampled_from(gateway.tokens),
    )
    def ask(body: Any, accept: str, token: str | None) -> None:
        response = posted(gateway, body, {"accept": accept, **authorization(token)})
        check(response.status_code, response.text, json.dumps(body) + accept)
        for line in response.text.splitlines():
            if line.startswith("data: "):
                check_errors(json.loads(line.removeprefix("data: ")).get("errors", []))

    ask()


PROPERTIES = (frames, events)
"""All of them."""
