"""However readers, writers and evictions interleave, no read goes back behind a completed write."""

import asyncio
from collections.abc import Awaitable, Collection, Iterator, Sequence

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from redis.asyncio import Redis

from services.runtime import versioned_cache
from services.runtime.cache import connect
from services.runtime.versioned_cache import Entries, Fill, Outage, VersionedCache
from tests.services.runtime.versioned_cache_machine import (
    FailingMachine,
    InterleavingMachine,
    MakeCache,
    Value,
    World,
    make_cache,
)

PROVING = settings(max_examples=120, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
BREAKING = settings(
    max_examples=5000,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def world(stack: str, request: pytest.FixtureRequest) -> Iterator[World]:
    """A loop and an empty Redis of the stack, with time-outs that a busy machine does not run into."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        redis = connect("memory://") if stack == "embedded" else Redis.from_url(request.getfixturevalue("redis_server"))
        yield World(loop, redis)
        loop.run_until_complete(redis.flushdb())
        loop.run_until_complete(redis.aclose())


@pytest.fixture
def embedded() -> Iterator[World]:
    """A loop and an empty cache of this process."""
    with asyncio.Runner() as runner:
        redis = connect("memory://")
        yield World(runner.get_loop(), redis)
        runner.get_loop().run_until_complete(redis.aclose())


@pytest.mark.parametrize("machine", [InterleavingMachine, FailingMachine])
def test_no_read_goes_back_behind_a_completed_write(machine: type[InterleavingMachine], world: World) -> None:
    run_state_machine_as_test(lambda: machine(world), settings=PROVING)


class FillsInPlainly(Entries):
    """A reader that does not look whether its lease still stands."""

    async def fill(self, fills: Sequence[Fill]) -> None:
        for fill in fills:
            await self._redis.set(fill.key, fill.entry, px=fill.milliseconds)


class SettlesBy(Entries):
    """A writer that settles by another rule: this one leaves a lower version where it is."""

    rule = versioned_cache.SETTLE.replace("version < tonumber(ARGV[2])", "false")

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self._settle = redis.register_script(self.rule)


class LeavesTheMarksOfOthers(SettlesBy):
    """A writer that thinks that another writer's mark is that one's business."""

    rule = versioned_cache.SETTLE.replace("elseif version == 0", "elseif version == 0 and held:sub(1, 1) ~= 'W'")


class LeavesLeases(SettlesBy):
    """A writer that does not void the lease of a reader."""

    rule = versioned_cache.SETTLE.replace("elseif version == 0", "elseif version == 0 and held:sub(1, 1) ~= 'L'")


class CoversAbsence(SettlesBy):
    """A writer that takes 'there is none' for a lower version."""

    rule = versioned_cache.SETTLE.replace("(version > 0 and", "(held:sub(1, 3) == 'V0:' or version > 0 and")


class IgnoresVersions(SettlesBy):
    """A writer that puts its value over any other."""

    rule = versioned_cache.SETTLE.replace("version < tonumber(ARGV[2])", "true")


class EmptiesOnlyMarks(Entries):
    """A writer that, when its commit fails, takes only a mark away."""

    async def empty(self, keys: Collection[str]) -> None:
        for key in keys:
            if ((await self._redis.get(key)) or b"")[:1] == b"W":
                await self._redis.delete(key)


class TrustsItsMark(VersionedCache[Value]):
    """A writer that settles by its mark without knowing when that arrived."""

    async def _marked(self, key: str, mark: bytes) -> bool:
        await super()._marked(key, mark)
        return True


class ForgetsDebts(VersionedCache[Value]):
    """A writer that does not care whether it could settle."""

    async def _settled(self, key: str, call: Awaitable[None]) -> None:
        await self._attempt(call)


def made_of(kind: type[VersionedCache[Value]]) -> MakeCache:
    return lambda entries: kind(entries, "test:", Value, lambda value: value.version, outage=Outage(pause=0))


@pytest.mark.parametrize(
    ("machine", "entries", "cache"),
    [
        (InterleavingMachine, FillsInPlainly, make_cache),
        (InterleavingMachine, SettlesBy, make_cache),
        (InterleavingMachine, LeavesTheMarksOfOthers, make_cache),
        (InterleavingMachine, LeavesLeases, make_cache),
        (InterleavingMachine, CoversAbsence, make_cache),
        (InterleavingMachine, IgnoresVersions, make_cache),
        (FailingMachine, EmptiesOnlyMarks, make_cache),
        (FailingMachine, Entries, made_of(TrustsItsMark)),
        (FailingMachine, Entries, made_of(ForgetsDebts)),
    ],
    ids=lambda part: part.__name__ if isinstance(part, type) else "",
)
def test_the_machine_finds_the_hole_of_a_broken_protocol(
    machine: type[InterleavingMachine], entries: type[Entries], cache: MakeCache, embedded: World
) -> None:
    broken = World(embedded.loop, embedded.redis, entries, cache)
    with pytest.raises(AssertionError, match="was complete"):
        run_state_machine_as_test(lambda: machine(broken), settings=BREAKING)
