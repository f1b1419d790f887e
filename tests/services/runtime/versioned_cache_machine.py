"""Readers, writers and evictions of a versioned cache, interleaved one step at a time by hypothesis."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, TypeVar, cast

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from redis.asyncio import Redis

from services.runtime.versioned_cache import Entries, Fill, Guard, Outage, VersionedCache

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
        self.task = asyncio.create_task(self._run(work))  # noqa: TID251 - the schedule ends it
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

    async def mark_all(self, marks: Mapping[str, bytes]) -> None:
        await self._step(partial(self._inner.mark_all, marks))

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
    return VersionedCache(Guard(entries, "test:", Outage(pause=0)), Value, lambda value: value.version)


@dataclass(frozen=True)
class World:
    """What a schedule runs on."""

    loop: asyncio.AbstractEventLoop
    redis: Redis
    entries: type[Entries] = Entries
    make_cache: MakeCache = make_cache


class Schedule:
    """Actors on one store and one Redis, and who of them takes a step. Fails as soon as a read would go back."""

    def __init__(self, world: World, processes: int = 1) -> None:
        self._run = world.loop.run_until_complete
        self._redis = world.redis
        self._run(self._redis.flushdb())
        self._store = SteppedStore()
        self._entries = SteppedEntries(world.entries(self._redis))
        self._caches = [world.make_cache(self._entries) for _ in range(processes)]
        self._completed = dict.fromkeys(KEYS, 0)
        self.actors: list[Actor] = []

    @property
    def late(self) -> int:
        """How many commands are on their way."""
        return len(self._entries.late)

    def reader(self, *keys: str, process: int = 0) -> Actor:
        """A reader that stands before its first step: it looks, takes a lease, loads, fills in."""
        return self._begin(self._read(self._caches[process % len(self._caches)], keys or ("a",)))

    def writer(self, key: str = "a", *, delete: bool = False, process: int = 0) -> Actor:
        """A writer that stands before its first step: it marks, commits, settles."""
        return self._begin(self._write(self._caches[process % len(self._caches)], key, delete))

    def forgetter(self, *keys: str, delete: bool = False, process: int = 0) -> Actor:
        """A writer that stands before its first step: it marks all keys, commits each, has all forgotten."""
        return self._begin(self._forget(self._caches[process % len(self._caches)], keys or ("a",), delete))

    def step(self, actor: Actor, *fates: Fate) -> None:
        """Lets the actor take a step for each fate, or one."""
        for fate in fates or (Fate.DONE,):
            if not actor.task.done():
                self._run(actor.step(fate))
        self._look_round()

    def finish(self, actor: Actor) -> None:
        """Lets the actor go on to its end."""
        while not actor.task.done():
            self.step(actor)

    def cancel(self, actor: Actor) -> None:
        """Cancels the actor where it stands."""
        self._run(actor.cancel())
        self._look_round()

    def evict(self, key: str = "a") -> None:
        """Redis loses the key."""
        self._run(self._redis.delete(f"test:{key}"))

    def arrive(self, which: int = 0) -> None:
        """A command that is on its way arrives."""
        command = self._entries.late.pop(which % self.late)
        self._run(cast(Coroutine[Any, Any, object], command()))
        self._look_round()

    def end(self) -> None:
        """Lets everybody end, and then everybody reads what there is."""
        self._finish_all()
        for process in range(len(self._caches)):
            self.reader(*KEYS, process=process)
            self._finish_all()

    def abandon(self) -> None:
        """Ends what still runs, whatever it was up to."""
        while running := [actor.task for actor in self.actors if not actor.task.done()]:
            for task in running:
                task.cancel()
            self._run(asyncio.wait(running, timeout=0.01))

    def held(self) -> dict[str, bytes]:
        """What the keys hold that are not empty."""
        entries = cast(list[bytes | None], self._run(self._redis.mget([f"test:{key}" for key in KEYS])))
        return {key: entry for key, entry in zip(KEYS, entries, strict=True) if entry}

    def _finish_all(self) -> None:
        while self.actors:
            self.finish(self.actors[0])

    def _begin(self, work: Coroutine[Any, Any, None]) -> Actor:
        actor = self._run(self._start(work))
        self.actors.append(actor)
        return actor

    async def _start(self, work: Coroutine[Any, Any, None]) -> Actor:
        actor = Actor(work)
        await actor.rest()
        return actor

    async def _read(self, cache: VersionedCache[Value], keys: tuple[str, ...]) -> None:
        floors = dict(self._completed)
        answers = await cache.read(keys, self._store.load)
        for key in keys:
            self._check(key, answers.get(key), floors[key])

    async def _write(self, cache: VersionedCache[Value], key: str, delete: bool) -> None:
        landed = [0]
        try:
            with contextlib.suppress(Refused):
                async with cache.writing(key) as write:
                    if (value := await self._store.commit(key, delete, landed)) is not None:
                        write.put(value)
        finally:
            self._completed[key] = max(self._completed[key], *landed)

    async def _forget(self, cache: VersionedCache[Value], keys: tuple[str, ...], delete: bool) -> None:
        landed = {key: [0] for key in keys}
        try:
            with contextlib.suppress(Refused):
                async with cache.forgetting(keys):
                    for key in keys:
                        await self._store.commit(key, delete, landed[key])
        finally:
            self._completed |= {key: max(self._completed[key], *landed[key]) for key in keys}

    def _look_round(self) -> None:
        """Checks what a read that began just now would take from the cache."""
        self.actors = [actor for actor in self.actors if not actor.task.done()]
        for key, entry in self.held().items():
            if entry[:1] == b"V" and not any(key in cache.owed for cache in self._caches):
                version = int(entry[1:].partition(b":")[0])
                self._check(key, Value(version) if version else None, self._completed[key])

    def _check(self, key: str, answer: Value | None, floor: int) -> None:
        position = self._store.rows[key].position_of(answer)
        assert position >= floor, f"{key}: a read answers {answer} when {floor} was complete as it began"


class InterleavingMachine(RuleBasedStateMachine):
    """Two processes, no failures."""

    processes = 2
    fates: tuple[Fate, ...] = (Fate.DONE,)

    def __init__(self, world: World) -> None:
        super().__init__()
        self.schedule = Schedule(world, self.processes)

    @precondition(lambda self: len(self.schedule.actors) < MOST_ACTORS)
    @rule(keys=st.sampled_from([("a",), ("a",), KEYS]), process=st.integers(0, 1))
    def a_reader_begins(self, keys: tuple[str, ...], process: int) -> None:
        self.schedule.reader(*keys, process=process)

    @precondition(lambda self: len(self.schedule.actors) < MOST_ACTORS)
    @rule(key=st.sampled_from("aaab"), delete=st.sampled_from([False, False, True]), process=st.integers(0, 1))
    def a_writer_begins(self, key: str, delete: bool, process: int) -> None:
        self.schedule.writer(key, delete=delete, process=process)

    @precondition(lambda self: len(self.schedule.actors) < MOST_ACTORS)
    @rule(keys=st.sampled_from([("a",), KEYS]), delete=st.sampled_from([False, False, True]), process=st.integers(0, 1))
    def a_forgetter_begins(self, keys: tuple[str, ...], delete: bool, process: int) -> None:
        self.schedule.forgetter(*keys, delete=delete, process=process)

    @precondition(lambda self: self.schedule.actors)
    @rule(which=st.integers(0, MOST_ACTORS - 1), times=st.integers(1, 4), data=st.data())
    def an_actor_goes_on(self, which: int, times: int, data: st.DataObject) -> None:
        fates = data.draw(st.lists(st.sampled_from(self.fates), min_size=times, max_size=times))
        self.schedule.step(self._actor(which), *fates)

    @rule(key=st.sampled_from("aaab"))
    def redis_evicts(self, key: str) -> None:
        self.schedule.evict(key)

    def _actor(self, which: int) -> Actor:
        return self.schedule.actors[which % len(self.schedule.actors)]

    def teardown(self) -> None:
        """Everybody ends; nobody's lease or mark is left over."""
        try:
            self.schedule.end()
            assert {entry[:1] for entry in self.schedule.held().values()} <= {b"V"}
        finally:
            self.schedule.abandon()


class FailingMachine(InterleavingMachine):
    """One process whose calls fail, whose replies get lost, whose commands arrive late, whose actors are cancelled."""

    processes = 1
    fates = (Fate.DONE, Fate.DONE, Fate.DONE, Fate.LOST, Fate.UNHEARD, Fate.LATE)

    @precondition(lambda self: self.schedule.actors)
    @rule(which=st.integers(0, MOST_ACTORS - 1))
    def an_actor_is_cancelled(self, which: int) -> None:
        self.schedule.cancel(self._actor(which))

    @precondition(lambda self: self.schedule.late)
    @rule(which=st.integers(0, 9))
    def a_late_command_arrives(self, which: int) -> None:
        self.schedule.arrive(which)

    def teardown(self) -> None:
        """Everybody ends; leases and marks may be left behind and expire."""
        try:
            self.schedule.end()
        finally:
            self.schedule.abandon()
