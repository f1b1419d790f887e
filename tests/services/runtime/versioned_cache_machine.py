"""Readers, writers and evictions of a versioned cache, interleaved one step at a time by hypothesis."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, TypeVar

import msgspec
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from redis.asyncio import Redis

from services.runtime.versioned_cache import Entries, Fill, Outage, VersionedCache

R = TypeVar("R")
KEYS = ("a", "b")
MOST_ACTORS = 5


class Fate(Enum):
    """What becomes of one step of an actor."""

    DONE = "it is done and the actor hears of it"
    LOST = "it is not done, the actor hears of a failure"
    UNHEARD = "it is done, the actor hears of a failure"
    LATE = "the actor hears of a failure, and it is done some time later"


class Value(msgspec.Struct, frozen=True):
    """A value that is nothing but its version."""

    version: int


class Refused(Exception):
    """The store did not commit, or says so."""


class Actor:
    """A reader or writer that waits at each of its steps until the machine lets it go on."""

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._resting = asyncio.Event()
        self._go: asyncio.Future[Fate] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._run(work))
        self.task.add_done_callback(lambda _: self._resting.set())

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        _current.set(self)
        await work

    async def turn(self) -> Fate:
        """Waits for the machine; answers what shall become of the step."""
        self._go = asyncio.get_running_loop().create_future()
        self._resting.set()
        return await self._go

    async def rest(self) -> None:
        """Returns when the actor waits at a step or has ended; raises what it raised."""
        await self._resting.wait()
        if self.task.done() and not self.task.cancelled():
            self.task.result()

    async def step(self, fate: Fate) -> None:
        """Lets it take one step."""
        self._resting.clear()
        self._go.set_result(fate)
        await self.rest()

    async def cancel(self) -> None:
        """Cancels it where it waits; it may go on with what it does in that case."""
        self._resting.clear()
        self.task.cancel()
        await self.rest()


_current: ContextVar[Actor] = ContextVar("actor")


class SteppedEntries(Entries):
    """The entries of a cache, each round trip a step of the actor that makes it."""

    def __init__(self, inner: Entries) -> None:
        self._inner = inner
        self.late: list[Callable[[], Awaitable[object]]] = []

    async def fetch(self, keys: Sequence[str]) -> list[bytes | None]:
        return await self._step(partial(self._inner.fetch, keys))

    async def lease(self, leases: Mapping[str, bytes], spoiled: Collection[str]) -> list[str]:
        return await self._step(partial(self._inner.lease, leases, spoiled))

    async def fill(self, fills: Sequence[Fill]) -> None:
        await self._step(partial(self._inner.fill, fills))

    async def mark(self, key: str, mark: bytes) -> None:
        await self._step(partial(self._inner.mark, key, mark))

    async def settle(self, key: str, mark: bytes, version: int, entry: bytes, milliseconds: int) -> None:
        await self._step(partial(self._inner.settle, key, mark, version, entry, milliseconds))

    async def empty(self, keys: Collection[str]) -> None:
        await self._step(partial(self._inner.empty, keys))

    async def _step(self, call: Callable[[], Awaitable[R]]) -> R:
        fate = await _current.get().turn()
        if fate is Fate.LATE:
            self.late.append(call)
        if fate in (Fate.LATE, Fate.LOST):
            raise ConnectionError
        answer = await call()
        if fate is Fate.UNHEARD:
            raise ConnectionError
        return answer


@dataclass
class Row:
    """One key of the store. Its position grows with each commit; a value has the position of its version."""

    position: int = 0
    deleted: bool = False

    def position_of(self, answer: Value | None) -> int:
        """Where in the row's history the answer belongs."""
        if answer is not None:
            return answer.version
        return self.position if self.deleted else 0


@dataclass
class SteppedStore:
    """A store whose reads and commits are steps of the actors."""

    rows: dict[str, Row] = field(default_factory=lambda: {key: Row() for key in KEYS})

    async def load(self, keys: Sequence[str]) -> dict[str, Value]:
        """The values that the rows have now."""
        await _current.get().turn()
        present = ((key, self.rows[key]) for key in keys)
        return {key: Value(row.position) for key, row in present if row.position and not row.deleted}

    async def commit(self, key: str, delete: bool, landed: list[int]) -> Value | None:
        """Writes the next version, or deletes; `landed` hears of what the caller may not hear of."""
        fate = await _current.get().turn()
        row = self.rows[key]
        if fate in (Fate.LOST, Fate.LATE) or row.deleted:
            raise Refused
        row.position += 1
        row.deleted = delete
        landed.append(row.position)
        if fate is Fate.UNHEARD:
            raise Refused
        return None if delete else Value(row.position)


MakeCache = Callable[[Entries], VersionedCache[Value]]


def make_cache(entries: Entries) -> VersionedCache[Value]:
    """The cache of one process; it tries a failing Redis again at once."""
    return VersionedCache(entries, "test:", Value, lambda value: value.version, outage=Outage(pause=0))


@dataclass(frozen=True)
class World:
    """What a machine runs on."""

    loop: asyncio.AbstractEventLoop
    redis: Redis
    entries: type[Entries] = Entries
    make_cache: MakeCache = make_cache


class InterleavingMachine(RuleBasedStateMachine):
    """Invariant: a read that begins after a write completed never answers an older version."""

    processes = 2
    fates = (Fate.DONE,)

    def __init__(self, world: World) -> None:
        super().__init__()
        self.run = world.loop.run_until_complete
        self.redis = world.redis
        self.run(self.redis.flushdb())
        self.store = SteppedStore()
        self.entries = SteppedEntries(world.entries(self.redis))
        self.caches = [world.make_cache(self.entries) for _ in range(self.processes)]
        self.completed = dict.fromkeys(KEYS, 0)
        self.actors: list[Actor] = []

    @precondition(lambda self: len(self.actors) < MOST_ACTORS)
    @rule(keys=st.sampled_from([("a",), ("a",), KEYS]), process=st.integers(0, 1))
    def a_reader_begins(self, keys: tuple[str, ...], process: int) -> None:
        self.run(self._begin(self._read(self.caches[process % self.processes], keys)))

    @precondition(lambda self: len(self.actors) < MOST_ACTORS)
    @rule(
        key=st.sampled_from("aaab"),
        process=st.integers(0, 1),
        delete=st.sampled_from([False, False, False, True]),
    )
    def a_writer_begins(self, key: str, process: int, delete: bool) -> None:
        self.run(self._begin(self._write(self.caches[process % self.processes], key, delete)))

    @precondition(lambda self: self.actors)
    @rule(which=st.integers(0, MOST_ACTORS - 1), times=st.integers(1, 4), data=st.data())
    def an_actor_goes_on(self, which: int, times: int, data: st.DataObject) -> None:
        actor = self.actors[which % len(self.actors)]
        for _ in range(times):
            if actor.task.done():
                break
            self.run(actor.step(data.draw(st.sampled_from(self.fates))))
        self._sweep()

    @rule(key=st.sampled_from("aaab"))
    def redis_evicts(self, key: str) -> None:
        self.run(self.redis.delete(f"test:{key}"))

    async def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        actor = Actor(work)
        self.actors.append(actor)
        await actor.rest()

    async def _read(self, cache: VersionedCache[Value], keys: tuple[str, ...]) -> None:
        floors = dict(self.completed)
        answers = await cache.read(keys, self.store.load)
        for key in keys:
            answer = answers.get(key)
            position = self.store.rows[key].position_of(answer)
            assert position >= floors[key], f"{key}: read {answer} after {floors[key]} was complete"

    async def _write(self, cache: VersionedCache[Value], key: str, delete: bool) -> None:
        landed = [0]
        try:
            with contextlib.suppress(Refused):
                async with cache.writing(key) as write:
                    if (value := await self.store.commit(key, delete, landed)) is not None:
                        write.put(value)
        finally:
            self.completed[key] = max(self.completed[key], *landed)

    def _sweep(self) -> None:
        self.actors = [actor for actor in self.actors if not actor.task.done()]

    def teardown(self) -> None:
        """Lets everybody end, and then reads what the store has."""
        try:
            self._end_all()
            for cache in self.caches:
                self.run(self._begin(self._read(cache, KEYS)))
                self._end_all()
            self.check_the_end()
        finally:
            self.run(self._abandon())

    def check_the_end(self) -> None:
        """Nobody's lease or mark is left over."""
        held = [entry[:1] for entry in self.run(self.redis.mget([f"test:{key}" for key in KEYS])) if entry]
        assert held == [b"V"] * len(held)

    def _end_all(self) -> None:
        while self.actors:
            self.run(self.actors[0].step(Fate.DONE))
            self._sweep()

    async def _abandon(self) -> None:
        tasks = [actor.task for actor in self.actors if not actor.task.done()]
        while tasks:
            for task in tasks:
                task.cancel()
            _, pending = await asyncio.wait(tasks, timeout=0.01)
            tasks = list(pending)


class FailingMachine(InterleavingMachine):
    """The same within one process, where calls fail, replies get lost, commands arrive late, actors are cancelled."""

    processes = 1
    fates = (Fate.DONE, Fate.DONE, Fate.DONE, Fate.LOST, Fate.UNHEARD, Fate.LATE)

    @precondition(lambda self: self.actors)
    @rule(which=st.integers(0, MOST_ACTORS - 1))
    def an_actor_is_cancelled(self, which: int) -> None:
        self.run(self.actors[which % len(self.actors)].cancel())
        self._sweep()

    @rule(which=st.integers(0, 9))
    def a_late_command_arrives(self, which: int) -> None:
        assume(self.entries.late)
        self.run(self._arrive(which % len(self.entries.late)))

    async def _arrive(self, which: int) -> None:
        await self.entries.late.pop(which)()

    def check_the_end(self) -> None:
        """A failing Redis may leave leases and marks behind: they expire."""
