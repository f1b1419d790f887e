"""Somebody who talks to the gateway, and what they say."""

from typing import Any

import httpx

JSON = dict[str, Any]
PASSWORD = "not-the-demo-one"
SIGN_IN = "mutation ($handle: String!, $password: String!) { signIn(handle: $handle, password: $password) { token } }"
CREATE = "mutation ($input: AdminCreateAccountInput!) { adminCreateAccount(input: $input) { id } }"
ACCOUNT = "query ($id: ID!) { account(id: $id) { handle displayName followerCount followingCount } }"
ME = "{ viewer { account { handle } } }"
FOLLOW = "mutation ($id: ID!) { follow(accountId: $id) { followerCount } }"
UNFOLLOW = "mutation ($id: ID!) { unfollow(accountId: $id) { followerCount } }"
PUBLISH = "mutation ($text: String!) { publishActivity(input: {kind: POST, text: $text}) { id } }"
FEED = "{ viewer { home { feed(first: 10) { edges { node { text author { handle } } } } } } }"
RENAME = """mutation ($version: Int!, $name: String!) {
  updateProfile(input: {version: $version, displayName: $name}) { displayName version } }"""
FEED_ADDED = "subscription { feedActivityAdded { text author { handle } } }"
CHANGED = "subscription { accountChanged { displayName version status } }"
CLOSE = 'mutation { closeAccount(reason: "moving on") { status } }'
CHECK_MERGE = """query ($source: ID!, $target: ID!) { admin {
  checkMerge(sourceId: $source, targetId: $target) { refusal moves { what count } } } }"""
REOPEN = "mutation { reopenAccount { status } }"
MERGE = """mutation ($source: ID!, $target: ID!) {
  adminMergeAccounts(sourceId: $source, targetId: $target, reason: "the same person") { status } }"""
PROGRESS = "query ($source: ID!) { admin { merge(sourceId: $source) { state steps { name total moved done } } } }"
HISTORY = """query ($id: ID!) { admin { changes(accountId: $id, first: 50) {
  edges { node { kind reason erased differences { field before after } } } } } }"""


class Visitor:
    """A client of the gateway."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def ask(self, query: str, token: str = "", **variables: Any) -> JSON:
        """The whole answer to an operation."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        body = {"query": query, "variables": variables}
        answer: JSON = (await self._http.post("/graphql", json=body, headers=headers)).json()
        return answer

    async def data(self, query: str, token: str = "", **variables: Any) -> JSON:
        """The data of an operation that has no errors and is answered in full."""
        answer = await self.ask(query, token, **variables)
        assert list(answer) == ["data"], answer
        data: JSON = answer["data"]
        return data

    async def code(self, query: str, token: str = "", **variables: Any) -> int:
        """The code of the only error of an operation."""
        [error] = (await self.ask(query, token, **variables))["errors"]
        code: int = error["extensions"]["code"]
        return code

    async def sign_in(self, handle: str, password: str = PASSWORD) -> str:
        """A session token."""
        token: str = (await self.data(SIGN_IN, handle=handle, password=password))["signIn"]["token"]
        return token

    async def open_account(self, staff: str, handle: str, kind: str = "PERSONAL", **attributes: Any) -> str:
        """The id of an account that staff opens, asked by its future owner."""
        account = {"handle": handle, "type": kind, "displayName": handle, "password": PASSWORD, "reason": "asked"}
        created = await self.data(CREATE, staff, input=account | attributes)
        return str(created["adminCreateAccount"]["id"])

    async def subscriptions(self) -> float:
        """How many subscriptions wait at the gateway."""
        page = (await self._http.get("/metrics")).text
        [line] = [line for line in page.splitlines() if line.startswith("atrium_subscriptions ")]
        return float(line.split()[1])

    async def history(self, staff: str, account_id: str) -> list[JSON]:
        """What changed the account, newest first."""
        edges = (await self.data(HISTORY, staff, id=account_id))["admin"]["changes"]["edges"]
        return [edge["node"] for edge in edges]

    async def merge(self, staff: str, source: str) -> JSON:
        """How far the merge is; empty before anybody knows of it."""
        return (await self.data(PROGRESS, staff, source=source))["admin"]["merge"] or {}

    async def feed(self, token: str) -> list[tuple[str, str]]:
        """Who said what on the home page, newest first."""
        edges = (await self.data(FEED, token))["viewer"]["home"]["feed"]["edges"]
        return [(edge["node"]["author"]["handle"], edge["node"]["text"]) for edge in edges]
