"""Two gateways that share a cache: what one was answered, the other shows when the backend is gone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from loaders.caching import Sizes
from loaders.last_good import Room
from loaders.last_good.shelf import PREFIX
from schema.errcode import BackendUnavailable, Overloaded
from services.runtime.changed import PREFIX as KEPT
from services.runtime.shedding import LEAST
from tests.gateway.conftest import House
from tests.gateway.test_caches import Town
from tests.gateway.test_caches import town as town  # The fixture.
from tests.gateway.test_home import HOME

NOTHING_KEPT = Sizes(local=False, remote=False)
PARTS = {"banners": "banner", "feed": "activity", "features": "permission"}
FEED = "{ viewer { home { feed { edges { node { id text author { handle } } } } } } }"
UNFOLLOW = "mutation ($id: ID!) { unfollow(accountId: $id) { id } }"


@pytest.fixture
async def here(town: Town) -> AsyncIterator[House]:
    async with town.gateway(NOTHING_KEPT, room=Room()) as opened:
        yield opened


@pytest.fixture
async def there(town: Town) -> AsyncIterator[House]:
    async with town.gateway(NOTHING_KEPT, room=Room()) as opened:
        yield opened


async def until_shared(cache: Redis, *questions: str) -> None:
    """Returns once an answer to each question is where all gateways find it."""
    async with asyncio.timeout(60):
        for question in questions:
            while not await cache.keys(f"{PREFIX}*/{question}/*"):  # noqa: ASYNC110 - it is put there beside requests.
                await asyncio.sleep(0.01)


def gaps(answer: Any) -> dict[str, tuple[str, str, int]]:
    """The mode, backend and code of what was degraded, by the last step of its path."""
    entries = answer["extensions"]["degraded"]
    return {entry["path"][-1]: (entry["mode"], entry["backend"], entry["code"]) for entry in entries}


def counted(house: House) -> dict[str, dict[tuple[str, str], float]]:
    """How many answers of each field had a gap, by backend and mode."""
    found: dict[str, dict[tuple[str, str], float]] = {}
    for metric in house.metrics.registry.collect():
        for sample in metric.samples:
            if sample.name == "atrium_degraded_total":
                labels = sample.labels
                found.setdefault(labels["field"], {})[labels["backend"], labels["mode"]] = sample.value
    return found


async def test_what_one_gateway_was_answered_another_shows_when_the_backends_are_gone(
    here: House, there: House, town: Town
) -> None:
    whole = (await here.data(HOME, "ada"))["viewer"]
    await until_shared(town.cache, *PARTS)
    for backend in PARTS.values():
        await town.backends.stop(backend)
    answer = await there.ask(HOME, "ada")
    assert "errors" not in answer
    assert answer["data"]["viewer"] == whole
    assert gaps(answer) == {part: ("STALE", backend, BackendUnavailable.code) for part, backend in PARTS.items()}
    assert all(0 < entry["ageMs"] < 300_000 for entry in answer["extensions"]["degraded"])
    assert counted(there) == {f"Home.{part}": {(backend, "STALE"): 1} for part, backend in PARTS.items()}

    others = await there.ask(HOME, "bo")
    assert [others["data"]["viewer"]["home"][part] for part in PARTS] == [None, None, None]
    assert gaps(others) == {part: ("NULL", backend, BackendUnavailable.code) for part, backend in PARTS.items()}
    both = {f"Home.{part}": {(backend, "STALE"): 1, (backend, "NULL"): 1} for part, backend in PARTS.items()}
    assert counted(there) == both


async def test_authors_are_shown_as_they_were_and_an_account_that_was_asked_for_is_an_error(
    here: House, there: House, town: Town
) -> None:
    whole = await here.data(FEED)
    await until_shared(town.cache, "account_by_id")
    await town.backends.stop("account")
    answer = await there.ask(FEED)
    assert answer["data"] == whole
    assert gaps(answer) == {"author": ("STALE", "account", BackendUnavailable.code)}
    known = answer["data"]["viewer"]["home"]["feed"]["edges"][0]["node"]["author"]["handle"]
    assert known
    assert (await there.error('{ account(id: "acc_1") { handle } }'))[0] == BackendUnavailable.code


async def test_what_the_viewer_changed_never_comes_back(here: House, there: House, town: Town) -> None:
    edges = (await here.data(FEED, "ada"))["viewer"]["home"]["feed"]["edges"]
    await there.data(FEED, "ada")
    await until_shared(town.cache, "feed")
    followee = (await here.data("query ($id: ID!) { node(id: $id) { ... on Activity { author { id } } } }",
                                "ada", id=edges[0]["node"]["id"]))["node"]["author"]["id"]  # fmt: skip
    await here.data(UNFOLLOW, "ada", id=followee)
    await town.backends.stop("activity")
    for house in (here, there):
        answer = await house.ask(FEED, "ada")
        assert answer["data"]["viewer"]["home"]["feed"] is None
        assert gaps(answer) == {"feed": ("NULL", "activity", BackendUnavailable.code)}


async def test_what_ended_in_the_caches_is_still_remembered(town: Town) -> None:
    menu = "{ viewer { home { features { key } } } }"
    async with town.gateway(room=Room()) as here, town.gateway(room=Room()) as there:
        whole = await here.data(menu)
        await until_shared(town.cache, "features")
        await town.backends.stop("permission")
        assert await there.ask(menu) == {"data": whole}, "kept, so nothing is missing"
        await town.cache.delete(*await town.cache.keys(KEPT + "*"))
        async with town.gateway(room=Room()) as late:
            answer = await late.ask(menu)
    assert answer["data"] == whole
    assert gaps(answer) == {"features": ("STALE", "permission", BackendUnavailable.code)}


async def test_without_room_for_it_nothing_is_remembered(town: Town) -> None:
    async with town.gateway(NOTHING_KEPT) as here:
        await here.data(HOME, "ada")
        await town.backends.stop("banner")
        assert gaps(await here.ask(HOME, "ada")) == {"banners": ("NULL", "banner", BackendUnavailable.code)}


async def test_an_overloaded_gateway_shows_what_it_remembers_and_asks_nobody(here: House, town: Town) -> None:
    whole = (await here.data(HOME, "ada"))["viewer"]
    health, before = here.app.state.health, here.rpcs()
    for _ in range(20):
        town.backends.readiness.pulse.note(1.0)
    for _ in range(LEAST * 8 // 10):
        assert health.limiter.enter() is not None
    answer = await here.ask(HOME, "ada")
    assert answer["data"]["viewer"] == whole
    assert {mode for mode, _, _ in gaps(answer).values()} == {"STALE"}
    assert {code for _, _, code in gaps(answer).values()} == {Overloaded.code}
    for rpc in ("banner.BatchListBanners", "activity.BatchListFeeds"):
        assert here.rpcs()[rpc] == before[rpc]
