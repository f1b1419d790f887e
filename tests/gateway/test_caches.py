"""Two gateways in front of the same backends, sharing a cache: what a page costs, and who sees a change when."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from gateway.app import create_app
from gateway.health import Health
from gateway.push.hub import Hub
from gateway.settings import CacheSettings
from loaders import open_clients
from loaders.caching import Sizes
from loaders.last_good import Room
from services.runtime.cache import open_cache
from services.runtime.changed import CHANGED, PREFIX
from services.runtime.telemetry import Metrics
from tests.conftest import free_port
from tests.gateway.conftest import Backends, House, Stores, channels_to, serving, settings_of
from tests.gateway.push.fakes import Silent, World
from tests.gateway.test_home import ACCOUNTS, BANNERS, FEATURES, FEED, HOME, SESSION, SIX

NAME = '{ account(id: "acc_1") { displayName version } }'
BY_HANDLE = "query ($handle: String!) { accountByHandle(handle: $handle) { id } }"
WHO = "{ viewer { account { handle } } }"
MENU = "{ viewer { home { features { key } } } }"
RENAME = """mutation ($version: Int!, $name: String, $handle: String) {
  updateProfile(input: {version: $version, displayName: $name, handle: $handle}) { version } }"""
GRANT = """mutation ($id: ID!) {
  adminGrantPermission(accountId: $id, permission: "studio.use", allow: true, reason: "a tester") { changed } }"""
SUSPEND = 'mutation ($id: ID!) { adminSuspendAccount(accountId: $id, reason: "spam") { status } }'
SIGN_OUT = "mutation { signOut }"
LONG = CacheSettings(local_seconds=60, remote_seconds=600, session_local_seconds=60, session_remote_seconds=60)
"""So long that nothing ends by itself while it is watched."""


@dataclass
class Town:
    """Where gateways can be opened."""

    backends: Backends
    stores: Stores
    cache: Redis

    @asynccontextmanager
    async def gateway(
        self, sizes: Sizes | None = None, cache: Redis | None = None, room: Room | None = None
    ) -> AsyncIterator[House]:
        """A gateway that hears of changes; with `room` it remembers the last good answers."""
        metrics, world = Metrics(), World()
        async with AsyncExitStack() as closing:
            channels = await closing.enter_async_context(channels_to(self.backends, metrics))
            clients = await closing.enter_async_context(
                open_clients(channels, metrics, cache or self.cache, sizes or LONG.sizes, room)
            )
            app = create_app(
                clients,
                Silent(),
                settings_of(Path()),
                metrics,
                Health(channels, self.backends.readiness),
            )
            group = await closing.enter_async_context(asyncio.TaskGroup())
            if cache is None:
                hub = Hub(self.cache, world.public, metrics, clients.caches)
                group.create_task(hub.serve())
                closing.push_async_callback(hub.stop, 0)
                await until_listening(metrics)
            http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")
            await closing.enter_async_context(http)
            yield House(app, self.backends, metrics, http, self.stores.tokens)


@pytest.fixture
async def town(stores: Stores, tmp_path: Path, cache: Redis) -> AsyncIterator[Town]:
    shutil.copytree(stores.folder, tmp_path / "stores")
    async with serving(tmp_path / "stores") as backends:
        yield Town(backends, stores, cache)


@pytest.fixture
async def here(town: Town) -> AsyncIterator[House]:
    async with town.gateway() as opened:
        yield opened


@pytest.fixture
async def there(town: Town) -> AsyncIterator[House]:
    async with town.gateway() as opened:
        yield opened


def counted(metrics: Metrics, sample: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(sample, labels) or 0.0


async def until_listening(metrics: Metrics) -> None:
    """Returns once a gateway hears: what it may have missed before is the first that it notes."""
    async with asyncio.timeout(60):
        while not counted(metrics, "atrium_changes_heard_total", source="gap"):  # noqa: ASYNC110 - the cache decides.
            await asyncio.sleep(0.001)


def forgotten(house: House, question: str) -> float:
    """How many answers a gateway forgot because of a change."""
    return counted(house.metrics, "atrium_cache_reads_total", question=question, level="local", outcome="changed")


async def soon(ask: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    """Returns once the answer is the one wanted; long before it would be by itself."""
    async with asyncio.timeout(LONG.local_seconds / 2):
        while await ask() != wanted:  # noqa: ASYNC110 - another gateway is told of it.
            await asyncio.sleep(0.001)


async def name_at(house: House) -> str:
    return str((await house.data(NAME))["account"]["displayName"])


async def rename(house: House, name: str, who: str = "ada") -> None:
    version = (await house.data(NAME))["account"]["version"]
    await house.data(RENAME, who, version=version, name=name)


async def test_a_page_asked_for_again_costs_only_what_is_not_kept(here: House, there: House) -> None:
    first = await here.data(HOME, "ada")
    assert here.rpcs() == SIX
    again = await here.data(HOME, "ada")
    assert here.rpcs() == {**SIX, BANNERS: 2, FEED: 2}
    elsewhere = await there.data(HOME, "ada")
    assert there.rpcs() == {BANNERS: 1, FEED: 1}
    for page in (again, elsewhere):
        page["viewer"]["home"].pop("banners")
    first["viewer"]["home"].pop("banners")
    assert again == elsewhere == first


async def test_a_guests_page_costs_its_feed(here: House) -> None:
    await here.data(HOME)
    asked = here.rpcs()
    await here.data(HOME)
    assert here.rpcs() - asked == {FEED: 1}


async def test_who_changes_something_reads_it_changed_and_so_do_others_soon(here: House, there: House) -> None:
    for number in range(5):
        assert await name_at(there) == await name_at(here)
        await rename(here, f"Ada {number}")
        assert await name_at(here) == f"Ada {number}"
        await soon(lambda: name_at(there), f"Ada {number}")
    assert forgotten(there, "account_by_id") == 5


async def test_within_one_operation_too(here: House) -> None:
    version = (await here.data(NAME))["account"]["version"]
    query = """mutation ($version: Int!) {
      updateProfile(input: {version: $version, displayName: "Ada"}) { version }
      signIn(handle: "ada", password: "atrium-demo") { viewer { account { displayName } } }
    }"""
    data = await here.data(query, "ada", version=version)
    assert data["signIn"]["viewer"]["account"]["displayName"] == "Ada"


async def test_a_change_that_is_refused_changes_nothing_and_is_read_again(here: House) -> None:
    before = await here.data(NAME)
    assert (await here.error(RENAME, "ada", version=99, name="x"))[0] == 4090100
    assert await here.data(NAME) == before
    assert here.rpcs()[ACCOUNTS] == 2


async def test_a_handle_that_was_nobodys_is_found_once_it_is_somebodys(here: House, there: House) -> None:
    version = (await here.data(NAME))["account"]["version"]
    for house in (here, there):
        assert (await house.error(BY_HANDLE, handle="Ada_New"))[0] == 4040100
        assert (await house.data(BY_HANDLE, handle="ada"))["accountByHandle"] == {"id": "acc_1"}
    await here.data(RENAME, "ada", version=version, handle="ada_new")
    assert (await here.data(BY_HANDLE, handle="Ada_New"))["accountByHandle"] == {"id": "acc_1"}
    assert (await here.error(BY_HANDLE, handle="ada"))[0] == 4040100

    async def found_there() -> Any:
        return [(await there.ask(BY_HANDLE, variables={"handle": name}))["data"] for name in ("ada_new", "ada")]

    await soon(found_there, [{"accountByHandle": {"id": "acc_1"}}, {"accountByHandle": None}])


@pytest.mark.parametrize("kelvin_first", [True, False])
async def test_what_only_looks_like_a_handle_in_lower_case_is_not_taken_for_it(here: House, kelvin_first: bool) -> None:
    version = (await here.data(NAME))["account"]["version"]
    await here.data(RENAME, "ada", version=version, handle="kim")
    for handle in ("\N{KELVIN SIGN}im", "Kim")[:: 1 if kelvin_first else -1]:
        found = (await here.ask(BY_HANDLE, variables={"handle": handle}))["data"]["accountByHandle"]
        assert found == ({"id": "acc_1"} if handle == "Kim" else None)


async def test_what_nobody_can_be_called_is_not_told_to_everybody(town: Town, here: House) -> None:
    version = (await here.data(NAME))["account"]["version"]
    for letters in (100, 101, 20_000):
        assert (await here.error(RENAME, "ada", version=version, handle="x" * letters))[0] == 4000100
    told = [key.decode() async for key in town.cache.scan_iter(f"{CHANGED}handle/*")]
    assert told == [f"{CHANGED}handle/{'x' * 100}"]


async def test_a_session_that_was_ended_is_over_here_at_once_and_elsewhere_soon(here: House, there: House) -> None:
    for house in (here, there):
        assert (await house.data(WHO, "ada"))["viewer"]["account"] == {"handle": "ada"}
    assert (await here.data(SIGN_OUT, "ada")) == {"signOut": True}
    assert (await here.error(WHO, "ada"))[0] == 4010100

    async def code_there() -> int:
        answer = await there.ask(WHO, "ada")
        return answer["errors"][0]["extensions"]["code"] if "errors" in answer else 0

    await soon(code_there, 4010100)
    assert forgotten(there, "session_by_token") == 1
    assert (await here.data(SIGN_OUT, "ada")) == {"signOut": False}


async def test_a_permission_that_staff_grants_opens_the_menu_at_once(here: House, there: House) -> None:
    async def menu(house: House) -> set[str]:
        features = (await house.data(MENU, "ada"))["viewer"]["home"]["features"]
        return {feature["key"] for feature in features}

    before = await menu(here)
    assert await menu(there) == before
    assert (await here.data(GRANT, "sam", id="acc_1"))["adminGrantPermission"] == {"changed": True}
    after = await menu(here)
    assert after - before == {"studio"}
    await soon(lambda: menu(there), after)


async def test_an_account_that_staff_suspends_acts_no_more(here: House, there: House) -> None:
    for house in (here, there):
        await house.data(WHO, "ada")
    await here.data(SUSPEND, "sam", id="acc_1")
    assert (await here.error(WHO, "ada"))[0] == 4010100

    async def acts_there() -> bool:
        return "errors" not in await there.ask(WHO, "ada")

    await soon(acts_there, False)


BRIEF = CacheSettings(local_seconds=0.2, remote_seconds=0.4, session_local_seconds=0.2, session_remote_seconds=0.4)


async def test_a_gateway_that_hears_nothing_sees_a_change_when_what_it_keeps_has_ended(here: House, town: Town) -> None:
    async with town.gateway(BRIEF.sizes, town.cache) as deaf:
        await name_at(deaf)
        await deaf.data(WHO, "ada")
        await rename(here, "Ada N.")
        await here.data(SIGN_OUT, "ada")
        await soon(lambda: name_at(deaf), "Ada N.")

        async def acts() -> bool:
            return "errors" not in await deaf.ask(WHO, "ada")

        await soon(acts, False)


async def test_a_dead_cache_costs_time_only(town: Town) -> None:
    async with open_cache(f"redis://127.0.0.1:{free_port()}/0") as dead, town.gateway(cache=dead) as house:
        await rename(house, "Ada")
        assert await name_at(house) == "Ada"
        assert (await house.data(HOME, "ada"))["viewer"]["account"]["displayName"] == "Ada"
        await house.data(SIGN_OUT, "ada")
        assert (await house.error(WHO, "ada"))[0] == 4010100


async def test_what_was_poisoned_is_read_again(here: House, there: House, cache: Redis) -> None:
    page = await here.data(HOME, "ada")
    for key in await cache.keys(PREFIX + "*"):
        await cache.set(key, b"V1:poison")
    assert (await there.data(HOME, "ada"))["viewer"]["account"] == page["viewer"]["account"]
    assert {SESSION: 1, FEATURES: 1, ACCOUNTS: 2}.items() <= there.rpcs().items()


@pytest.mark.parametrize("local", [True, False])
async def test_levels_can_be_turned_off(local: bool, town: Town, cache: Redis) -> None:
    sizes = CacheSettings(local=local, remote=False).sizes
    async with town.gateway(sizes) as house:
        for _ in range(2):
            await house.data(WHO, "ada")
        assert house.rpcs() == ({SESSION: 1, ACCOUNTS: 1} if local else {SESSION: 2, ACCOUNTS: 2})
    assert await cache.keys(PREFIX + "*") == []
