"""What the versioned cache answers, what it asks of the store, and what it does without Redis."""

import random
from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest
from fakeredis import FakeAsyncRedis, FakeServer
from redis.asyncio import Redis
from structlog.testing import capture_logs

from services.runtime.cache import open_cache
from services.runtime.sealing import Secret, no_secret
from services.runtime.versioned_cache import Entries, Guard, Lifetime, Outage, VersionedCache
from tests.conftest import free_port


class City(msgspec.Struct, frozen=True):
    """Something to keep."""

    name: str
    version: int


ROME = City("Rome", 3)
OSLO = City("Oslo", 1)


class Atlas:
    """A store that remembers what it was asked for."""

    def __init__(self, **cities: City) -> None:
        self.cities = cities
        self.asked: list[list[str]] = []

    async def load(self, keys: Sequence[str]) -> dict[str, City]:
        self.asked.append(list(keys))
        return {key: self.cities[key] for key in keys if key in self.cities}


def cities_on(redis: Redis, outage: Outage | None = None, secret: Secret = no_secret) -> VersionedCache[City]:
    guard = Guard(Entries(redis), "city:", outage)
    return VersionedCache(guard, City, lambda city: city.version, secret=secret, rng=random.Random(7))


@pytest.fixture
def cities(cache: Redis) -> VersionedCache[City]:
    return cities_on(cache)


async def test_what_was_read_once_comes_from_the_cache(cities: VersionedCache[City]) -> None:
    atlas = Atlas(r=ROME, o=OSLO)
    assert await cities.read(["r", "o", "r"], atlas.load) == {"r": ROME, "o": OSLO}
    assert await cities.read(["o", "r"], atlas.load) == {"r": ROME, "o": OSLO}
    assert atlas.asked == [["r", "o"]]


async def test_only_what_the_cache_does_not_know_is_loaded(cities: VersionedCache[City]) -> None:
    atlas = Atlas(r=ROME, o=OSLO)
    await cities.read(["r"], atlas.load)
    assert await cities.read(["r", "o"], atlas.load) == {"r": ROME, "o": OSLO}
    assert atlas.asked == [["r"], ["o"]]


async def test_nothing_is_asked_for_no_keys(cities: VersionedCache[City]) -> None:
    atlas = Atlas()
    assert await cities.read([], atlas.load) == {}
    assert atlas.asked == []


async def test_that_there_is_none_is_kept_for_a_short_time(cities: VersionedCache[City], cache: Redis) -> None:
    atlas = Atlas()
    for _ in range(2):
        assert await cities.read(["x"], atlas.load) == {}
    assert atlas.asked == [["x"]]
    assert 4400 < await cache.pttl("city:x") <= 5500


async def test_lifetimes_vary_as_the_seed_says(cache: Redis) -> None:
    keys = [f"k{number}" for number in range(50)]
    await cities_on(cache).read(keys, Atlas(**dict.fromkeys(keys, ROME)).load)
    lifetimes = [await cache.pttl(f"city:{key}") for key in keys]
    expected = random.Random(7)
    for lifetime in lifetimes:
        assert lifetime == pytest.approx(300_000 * expected.uniform(0.9, 1.1), abs=2_000)


async def test_a_write_is_read_from_the_cache(cities: VersionedCache[City]) -> None:
    atlas = Atlas()
    async with cities.writing("r") as write:
        write.put(ROME)
    assert await cities.read(["r"], atlas.load) == {"r": ROME}
    assert atlas.asked == []


async def test_during_a_write_everybody_reads_the_store_and_nobody_fills_in(
    cities: VersionedCache[City], cache: Redis
) -> None:
    atlas = Atlas(r=City("Roma", 2))
    await cities.read(["r"], atlas.load)
    async with cities.writing("r") as write:
        for _ in range(2):
            assert await cities.read(["r"], atlas.load) == {"r": City("Roma", 2)}
        assert (await cache.get("city:r") or b"")[:1] == b"W"
        write.put(ROME)
    assert atlas.asked == [["r"]] * 3
    assert await cities.read(["r"], atlas.load) == {"r": ROME}


async def test_a_write_that_puts_nothing_makes_the_cache_forget(cities: VersionedCache[City], cache: Redis) -> None:
    await cities.read(["r"], Atlas(r=ROME).load)
    async with cities.writing("r"):
        pass
    assert await cache.get("city:r") is None


async def test_a_write_that_fails_makes_the_cache_forget(cities: VersionedCache[City], cache: Redis) -> None:
    async def fail() -> None:
        async with cities.writing("r") as write:
            write.put(City("Roma", 4))
            raise ValueError("no")

    await cities.read(["r"], Atlas(r=ROME).load)
    with pytest.raises(ValueError, match="no"):
        await fail()
    assert await cache.get("city:r") is None


async def test_marks_and_leases_end_by_themselves(cities: VersionedCache[City], cache: Redis) -> None:
    async with cities.writing("r"):
        assert 9_000 < await cache.pttl("city:r") <= 10_000

    async def load(_: Sequence[str]) -> dict[str, City]:
        assert (await cache.get("city:o") or b"")[:1] == b"L"
        assert 1_000 < await cache.pttl("city:o") <= 2_000
        return {"o": OSLO}

    assert await cities.read(["o"], load) == {"o": OSLO}


@pytest.mark.parametrize("nonsense", [b"", b"V", b"V3", b"V3:", b"V3:\xc1", b"V3:\x80", b"{}", b"\x00\xff"])
async def test_an_entry_that_cannot_be_read_counts_as_missing_and_is_replaced(
    nonsense: bytes, cities: VersionedCache[City], cache: Redis
) -> None:
    atlas = Atlas(r=ROME)
    await cache.set("city:r", nonsense)
    for _ in range(2):
        assert await cities.read(["r"], atlas.load) == {"r": ROME}
    assert atlas.asked == [["r"]]


async def test_only_what_one_of_us_put_under_this_key_is_believed(cache: Redis) -> None:
    ours, others = cities_on(cache, secret=lambda: b"ours"), cities_on(cache, secret=lambda: b"another's")
    await ours.read(["r"], Atlas(r=ROME).load)
    entry = await cache.get("city:r")
    assert isinstance(entry, bytes)
    head, endless = entry.partition(b":")[0] + b":", b"V" + b"9" * 5000 + b":" + bytes(16)
    for spoilt in (entry, b"V99:" + entry[len(head) :], entry[:-1] + b"x", head + entry[len(head) + 16 :], endless):
        await cache.set("city:o", spoilt)
        assert await ours.read(["o"], Atlas(o=OSLO).load) == {"o": OSLO}
    assert await others.read(["r"], Atlas(r=OSLO).load) == {"r": OSLO}


@pytest.mark.parametrize("nonsense", [b"", b"V", b"\x00\xff"])
async def test_a_writer_empties_a_key_that_holds_nonsense(
    nonsense: bytes, cities: VersionedCache[City], cache: Redis
) -> None:
    async with cities.writing("r") as write:
        await cache.set("city:r", nonsense)
        write.put(ROME)
    assert await cache.get("city:r") is None


async def test_two_prefixes_do_not_mix(cache: Redis) -> None:
    towns = VersionedCache(Guard(Entries(cache), "town:"), City, lambda city: city.version, lifetime=Lifetime(jitter=0))
    await towns.read(["r"], Atlas(r=OSLO).load)
    assert await cities_on(cache).read(["r"], Atlas(r=ROME).load) == {"r": ROME}
    assert await cache.pttl("town:r") == pytest.approx(300_000, abs=2_000)


class Outages:
    """Makes a Redis fail and come back."""

    def __init__(self) -> None:
        self.server = FakeServer()
        self.now = 100.0

    def outage(self) -> Outage:
        return Outage(pause=0.5, monotonic=lambda: self.now)


@pytest.fixture
def power() -> Outages:
    return Outages()


@pytest.fixture
async def fragile(power: Outages) -> AsyncIterator[VersionedCache[City]]:
    redis = FakeAsyncRedis(server=power.server)
    yield cities_on(redis, power.outage())
    await redis.aclose()


async def test_reads_and_writes_work_without_a_redis() -> None:
    atlas = Atlas(r=ROME)
    async with open_cache(f"redis://127.0.0.1:{free_port()}/0") as nowhere:
        cities = cities_on(nowhere)
        assert await cities.read(["r", "x"], atlas.load) == {"r": ROME}
        async with cities.writing("r") as write:
            write.put(City("Roma", 4))
    assert cities.owed == {"r"}


async def test_an_outage_is_told_once_and_costs_one_try_per_pause(
    fragile: VersionedCache[City], power: Outages
) -> None:
    atlas = Atlas(r=ROME)
    power.server.connected = False
    with capture_logs() as logs:
        for _ in range(10):
            assert await fragile.read(["r"], atlas.load) == {"r": ROME}
        power.server.connected = True
        assert await fragile.read(["r"], atlas.load) == {"r": ROME}
        assert len(atlas.asked) == 11
        power.now += 0.6
        for _ in range(10):
            assert await fragile.read(["r"], atlas.load) == {"r": ROME}
    assert len(atlas.asked) == 12
    assert [entry["event"] for entry in logs] == ["cache outage begins", "cache outage ends"]


async def test_during_an_outage_one_read_per_pause_tries_again(power: Outages) -> None:
    outage = power.outage()
    outage.failed(ConnectionError())
    power.now += 0.6
    assert [outage.lets_through() for _ in range(3)] == [True, False, False]


async def test_a_write_during_an_outage_is_not_hidden_by_what_redis_kept(
    fragile: VersionedCache[City], power: Outages
) -> None:
    atlas = Atlas(r=City("Roma", 2))
    await fragile.read(["r"], atlas.load)
    power.server.connected = False
    async with fragile.writing("r") as write:
        atlas.cities["r"] = ROME
        write.put(ROME)
    power.server.connected = True
    assert await fragile.read(["r"], atlas.load) == {"r": ROME}
    power.now += 0.6
    assert await fragile.read(["r"], atlas.load) == {"r": ROME}
    assert fragile.owed == frozenset()
    assert await fragile.read(["r"], atlas.load) == {"r": ROME}
    assert atlas.asked == [["r"]] * 3


async def test_what_is_forgotten_is_read_anew_all_of_it(cities: VersionedCache[City]) -> None:
    atlas = Atlas(r=ROME, o=OSLO)
    await cities.read(["r", "o"], atlas.load)
    async with cities.forgetting(["r", "o", "r"]):
        atlas.cities = {"r": City("Roma", 4)}
    assert await cities.read(["r", "o"], atlas.load) == {"r": City("Roma", 4)}
    assert cities.owed == frozenset()


async def test_while_it_is_being_forgotten_nobody_fills_it_in(cities: VersionedCache[City], cache: Redis) -> None:
    atlas = Atlas(r=ROME)
    async with cities.forgetting(["r"]):
        assert await cities.read(["r"], atlas.load) == {"r": ROME}
        held = await cache.get("city:r")
        assert held is not None
        assert held[:1] == b"W"
    assert await cache.get("city:r") is None


async def test_a_change_that_fails_is_forgotten_all_the_same(cities: VersionedCache[City], cache: Redis) -> None:
    atlas = Atlas(r=ROME, o=OSLO)
    await cities.read(["r", "o"], atlas.load)
    with pytest.raises(ConnectionResetError):
        async with cities.forgetting(["r", "o"]):
            raise ConnectionResetError
    assert await cache.mget(["city:r", "city:o"]) == [None, None]


@pytest.fixture
async def nowhere() -> AsyncIterator[Redis]:
    async with open_cache(f"redis://127.0.0.1:{free_port()}/0") as dead:
        yield dead


async def test_nothing_to_forget_asks_nothing_of_the_cache(nowhere: Redis) -> None:
    lost = cities_on(nowhere)
    async with lost.forgetting([]):
        pass
    assert lost.owed == frozenset()


async def test_what_a_dead_cache_could_not_forget_is_owed(nowhere: Redis) -> None:
    lost = cities_on(nowhere)
    async with lost.forgetting(["r", "o"]):
        pass
    assert lost.owed == {"r", "o"}
