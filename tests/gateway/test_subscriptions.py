"""Subscriptions of a process as a user starts it, from the change in a backend to the client."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx

from tests.gateway.push.client import SECONDS, connected
from tests.gateway.test_run import ask, embedded, rows_of_accounts

FEED = "subscription { feedActivityAdded { id text author { handle } } }"
CHANGES = "subscription { accountChanged { handle displayName version } }"
SINCE = "subscription ($last: ID) { feedActivityAdded(lastSeenId: $last) { id text } }"


def published(url: str, token: str, text: str) -> str:
    """The id of a new activity."""
    query = f'mutation {{ publishActivity(input: {{kind: POST, text: "{text}"}}) {{ id }} }}'
    return str(ask(url, query, token)["data"]["publishActivity"]["id"])


async def subscribed(url: str, count: float) -> None:
    """Returns once so many subscriptions wait in the process."""
    wanted = f"atrium_subscriptions {count}\n"
    async with asyncio.timeout(SECONDS), httpx.AsyncClient() as client:
        while wanted not in (await client.get(f"{url}/metrics")).text:
            continue


async def test_what_happens_reaches_those_who_wait_for_it(tmp_path: Path) -> None:
    with embedded(tmp_path) as (process, url):
        ada, bo, *_ = [row[3] for row in rows_of_accounts(process.output)]
        ask(url, 'mutation { follow(accountId: "acc_2") { id } }', ada)
        async with connected(url.removeprefix("http://")) as subscriber:
            await subscriber.introduce(ada)
            await subscriber.subscribe("feed", FEED)
            await subscriber.subscribe("changes", CHANGES)
            await subscribed(url, 2.0)
            first = published(url, bo, "one")
            told: dict[str, Any] = {"id": first, "text": "one", "author": {"handle": "bo"}}
            assert await subscriber.data() == {"feedActivityAdded": told}
            ask(url, 'mutation { updateProfile(input: {version: 1, displayName: "Ada L."}) { version } }', ada)
            told = {"handle": "ada", "displayName": "Ada L.", "version": 2}
            assert await subscriber.data() == {"accountChanged": told}
        second = published(url, bo, "two")
        assert resumed(url, ada, first) == {"id": second, "text": "two"}
        await ends_with_the_session(url, ada, bo)
        assert process.stop()[0] == 0
    assert "Traceback" not in process.output
    assert ada not in str(process.log())


def resumed(url: str, token: str, last: str) -> Any:
    """The first activity after the last one seen, over server-sent events."""
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    body = {"query": SINCE, "variables": {"last": last}}
    with httpx.stream("POST", f"{url}/graphql", json=body, headers=headers, timeout=SECONDS) as response:
        lines = response.iter_lines()
        assert next(lines) == "event: next"
        return json.loads(next(lines).removeprefix("data: "))["data"]["feedActivityAdded"]


async def ends_with_the_session(url: str, token: str, author: str) -> None:
    async with connected(url.removeprefix("http://")) as subscriber:
        await subscriber.introduce(token)
        await subscriber.subscribe("a", FEED)
        await subscribed(url, 1.0)
        assert ask(url, "mutation { signOut }", token) == {"data": {"signOut": True}}
        published(url, author, "three")
        assert await subscriber.code() == 4010100
