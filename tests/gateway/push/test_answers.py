"""What a subscription answers, with the real backends behind it: what happens is told by the test."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from schema.generated.activity.v1 import activity_pb2
from schema.graphql.ports import Identity
from tests.gateway.conftest import House, Stores, open_house
from tests.gateway.push.fakes import activity

JSON = dict[str, Any]
FEED = "subscription { feedActivityAdded { text author { handle } } }"
CHANGES = "subscription { accountChanged { displayName version } }"
RENAME = 'mutation ($version: Int!) { updateProfile(input: {version: $version, displayName: "A"}) { version } }'
Happen = Callable[[], Any]


class Script:
    """Push that tells so many things; before each, something happens."""

    def __init__(self) -> None:
        self.authors: Sequence[int] = ()
        self.happens: Sequence[Happen] = ()

    async def activities(
        self, viewer: Identity, token: str, last_seen: int
    ) -> AsyncGenerator[activity_pb2.Activity, None]:
        for number, author_id in enumerate(self.authors, start=last_seen + 1):
            if self.happens:
                await self.happens[number - 1]()
            yield activity(number, author_id)

    async def account_changes(self, viewer: Identity, token: str) -> AsyncGenerator[None, None]:
        yield None
        for happen in self.happens:
            await happen()
            yield None


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def house(stores: Stores, tmp_path: Path, script: Script) -> AsyncIterator[House]:
    async with open_house(stores, tmp_path / "stores", push=script) as opened:
        yield opened


async def answers(house: House, query: str, who: str | None = "ada", **variables: Any) -> list[JSON]:
    """All answers, over server-sent events."""
    headers = {"accept": "text/event-stream"} | ({"authorization": f"Bearer {house.tokens[who]}"} if who else {})
    response = await house.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    *events, complete, rest = response.text.split("\n\n")
    assert (complete, rest) == ("event: complete\ndata:", "")
    return [json.loads(event.removeprefix("event: next\ndata: ")) for event in events]


def codes(answer: JSON) -> list[int]:
    return [error["extensions"]["code"] for error in answer["errors"]]


async def test_each_event_is_read_anew_by_one_plan(house: House, script: Script) -> None:
    script.authors = [2, 2, 3]
    told = await answers(house, FEED)
    authors = [answer["data"]["feedActivityAdded"]["author"]["handle"] for answer in told]
    assert authors == ["bo", "bo", "corp"]
    assert house.rpcs() == {"account.BatchVerifySessions": 4, "account.BatchGetAccounts": 3}
    plans = {
        outcome: house.metrics.registry.get_sample_value("atrium_plans_total", {"outcome": outcome})
        for outcome in ("compiled", "hit")
    }
    assert plans == {"compiled": 1, "hit": 2}


async def test_an_event_without_its_backend_is_degraded_and_the_next_is_whole(house: House, script: Script) -> None:
    async def nothing() -> None:
        pass

    async def stop() -> None:
        await house.backends.stop("activity")

    query = "subscription { feedActivityAdded { author { followerCount } } }"
    script.authors, script.happens = [2, 2], [nothing, stop]
    first, second = await answers(house, query)
    assert list(first) == ["data"]
    assert second["data"] == {"feedActivityAdded": {"author": {"followerCount": None}}}
    [degraded] = second["extensions"]["degraded"]
    assert degraded["path"] == ["feedActivityAdded", "author", "followerCount"]


async def test_whoever_signs_out_is_not_told_anything_any_more(house: House, script: Script) -> None:
    async def sign_out() -> None:
        assert await house.data("mutation { signOut }", "ada") == {"signOut": True}

    async def nothing() -> None:
        pass

    script.authors, script.happens = [2, 2, 2], [nothing, sign_out, nothing]
    told = await answers(house, FEED)
    assert [list(answer) for answer in told] == [["data"], ["errors"]]
    assert codes(told[1]) == [4010100]


async def test_each_change_of_the_account_is_told_once(house: House, script: Script) -> None:
    async def rename() -> None:
        version = (await house.data("{ viewer { account { version } } }", "ada"))["viewer"]["account"]["version"]
        await house.data(RENAME, "ada", version=version)

    async def nothing() -> None:
        pass

    script.happens = [nothing, rename, nothing, rename]
    told = await answers(house, CHANGES)
    assert [answer["data"]["accountChanged"]["version"] for answer in told] == [2, 3]


@pytest.mark.parametrize("query", [FEED, CHANGES])
async def test_a_guest_is_turned_away(query: str, house: House) -> None:
    assert [codes(answer) for answer in await answers(house, query, who=None)] == [[4010100]]


async def test_where_to_resume_must_be_an_activity(house: House, script: Script) -> None:
    query = "subscription ($last: ID) { feedActivityAdded(lastSeenId: $last) { id } }"
    script.authors = [2]
    for last in ("acc_1", "act_", "act_x", "act_-1", "7"):
        assert [codes(answer) for answer in await answers(house, query, last=last)] == [[4000100]], last
    assert [answer["data"]["feedActivityAdded"]["id"] for answer in await answers(house, query, last="act_7")] == [
        "act_8"
    ]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription { nothing }", 4000200),
        ("subscription {", 4000200),
        ("subscription { feedActivityAdded { id } accountChanged { id } }", 4000200),
        ("subscription { " + " ".join(f"a{number}: __typename" for number in range(40)) + " }", 4000300),
        ("subscription { feedActivityAdded " + "{ author " * 20 + "{ id }" + " }" * 20 + " }", 4000300),
        ("subscription { " + "feedActivityAdded { id } " * 2000 + "}", 4000300),
        ("{ " + " ".join(f"a{number}: __typename" for number in range(40)) + " }", 4000300),
        ("query A { __typename } query B { __typename }", 4000200),
    ],
)
async def test_the_limits_are_those_of_other_operations(query: str, code: int, house: House) -> None:
    [answer] = await answers(house, query)
    assert set(codes(answer)) == {code}


async def test_queries_and_mutations_are_answered_once(house: House) -> None:
    assert await answers(house, "{ viewer { type } }") == [{"data": {"viewer": {"type": "PERSONAL"}}}]
    assert await answers(house, "mutation { signOut }") == [{"data": {"signOut": True}}]


async def test_a_subscription_is_not_served_without_a_stream(house: House) -> None:
    assert await house.error(FEED, "ada") == (
        4000200,
        "query: a subscription needs a WebSocket, or accept: text/event-stream",
    )


async def test_a_stream_asked_for_by_address_changes_nothing(house: House) -> None:
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {house.tokens['ada']}"}
    told = await house.http.get("/graphql", params={"query": "mutation { signOut }"}, headers=headers)
    assert '"code":4000200' in told.text
    assert await house.data("{ viewer { type } }", "ada") == {"viewer": {"type": "PERSONAL"}}
