"""However readers, writers and evictions interleave, no read goes back behind a completed write."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from redis.asyncio import Redis

from services.runtime import versioned_cache
from services.runtime.cache import connect
from services.runtime.versioned_cache import Entries, Fill, Guard, Outage, VersionedCache
from tests.services.runtime.versioned_cache_machine import (
    FailingMachine,
    Fate,
    InterleavingMachine,
    MakeCache,
    Schedule,
    Value,
    World,
    make_cache,
)

PROVING = settings(max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
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
    run(lambda: machine(world), PROVING)


def run(make: Callable[[], InterleavingMachine], how: settings) -> None:
    # Any maker will do, though the signature asks for the class itself.
    run_state_machine_as_test(cast(type[InterleavingMachine], make), settings=how)


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


class TrustsItsMark(Guard):
    """A writer that settles by its mark without knowing when that arrived."""

    async def mark(self, key: str, mark: bytes) -> bool:
        await super().mark(key, mark)
        return True


class ForgetsDebts(Guard):
    """A writer that does not care whether it could settle."""

    async def _settled(self, keys: Collection[str], call: Awaitable[None]) -> None:
        await self._attempt(call)


def made_of(kind: type[Guard]) -> MakeCache:
    return lambda entries: VersionedCache(kind(entries, "test:", Outage(pause=0)), Value, lambda value: value.version)


@pytest.mark.parametrize("entries", [FillsInPlainly, SettlesBy])
def test_the_machine_finds_the_hole_of_a_broken_protocol(entries: type[Entries], embedded: World) -> None:
    broken = replace(embedded, entries=entries)
    with pytest.raises(AssertionError, match="was complete"):
        run(lambda: InterleavingMachine(broken), BREAKING)


def fill_after_a_write(schedule: Schedule) -> None:
    """A write is over while the reader that began before it still holds what it read."""
    reader = schedule.reader()
    schedule.step(reader, Fate.DONE, Fate.DONE, Fate.DONE)
    schedule.finish(schedule.writer())
    schedule.finish(reader)


def fill_under_a_lost_mark(schedule: Schedule) -> None:
    """A mark is lost, so that a reader fills in what was before the commit."""
    schedule.finish(schedule.writer())
    writer = schedule.writer()
    schedule.step(writer)
    schedule.evict()
    schedule.finish(schedule.reader())
    schedule.finish(writer)


def fill_after_a_lost_mark(schedule: Schedule) -> None:
    """The same, but the reader fills in when the writer has settled."""
    writer = schedule.writer()
    schedule.step(writer)
    schedule.evict()
    reader = schedule.reader()
    schedule.step(reader, Fate.DONE, Fate.DONE, Fate.DONE)
    schedule.finish(writer)
    schedule.finish(reader)


def first_commit_settles_last(schedule: Schedule) -> None:
    """Two writers overlap; the one that marked last commits first and settles last."""
    second, first = schedule.writer(), schedule.writer()
    schedule.step(second)
    schedule.step(first, Fate.DONE, Fate.DONE)
    schedule.finish(second)
    schedule.finish(first)


def older_write_settles_over_a_newer(schedule: Schedule) -> None:
    """A reader fills in the newer of two versions before the writer of the older one settles."""
    older = schedule.writer()
    schedule.step(older, Fate.DONE, Fate.DONE)
    schedule.finish(schedule.writer())
    schedule.finish(schedule.reader())
    schedule.finish(older)


def deletion_overtakes_a_write(schedule: Schedule) -> None:
    """A value is deleted, and a reader knows that there is none, before its last writer settles."""
    writer = schedule.writer()
    schedule.step(writer, Fate.DONE, Fate.DONE)
    schedule.finish(schedule.writer(delete=True))
    schedule.finish(schedule.reader())
    schedule.finish(writer)


def commit_that_seems_to_fail(schedule: Schedule) -> None:
    """A commit lands but its writer hears of a failure, when a reader has already filled in under its lost mark."""
    writer = schedule.writer()
    schedule.step(writer)
    schedule.evict()
    schedule.finish(schedule.reader())
    schedule.step(writer, Fate.UNHEARD)
    schedule.finish(writer)


def mark_that_comes_late(schedule: Schedule) -> None:
    """A mark arrives when another write is over, just before its own writer settles."""
    first = schedule.writer()
    schedule.step(first, Fate.LATE, Fate.DONE)
    schedule.finish(schedule.writer())
    schedule.arrive()
    schedule.finish(first)


def settling_that_gets_lost(schedule: Schedule) -> None:
    """A mark is lost, a reader fills in what was before the commit, and the settling never arrives."""
    writer = schedule.writer()
    schedule.step(writer)
    schedule.evict()
    schedule.finish(schedule.reader())
    schedule.step(writer, Fate.DONE, Fate.LOST)


HOLES: list[tuple[Callable[[Schedule], None], type[Entries], MakeCache]] = [
    (fill_after_a_write, FillsInPlainly, make_cache),
    (fill_under_a_lost_mark, SettlesBy, make_cache),
    (fill_after_a_lost_mark, LeavesLeases, make_cache),
    (first_commit_settles_last, LeavesTheMarksOfOthers, make_cache),
    (older_write_settles_over_a_newer, IgnoresVersions, make_cache),
    (deletion_overtakes_a_write, CoversAbsence, make_cache),
    (commit_that_seems_to_fail, EmptiesOnlyMarks, make_cache),
    (mark_that_comes_late, Entries, made_of(TrustsItsMark)),
    (settling_that_gets_lost, Entries, made_of(ForgetsDebts)),
]


@pytest.mark.parametrize(("play", "entries", "cache"), HOLES, ids=[hole[0].__name__ for hole in HOLES])
def test_each_rule_of_the_protocol_closes_a_hole(
    play: Callable[[Schedule], None], entries: type[Entries], cache: MakeCache, world: World
) -> None:
    sound = Schedule(world)
    play(sound)
    sound.end()
    broken = Schedule(replace(world, entries=entries, make_cache=cache))
    with pytest.raises(AssertionError, match="was complete"):
        play(broken)
    broken.abandon()
