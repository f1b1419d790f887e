"""Gateways that read and write side by side, one step at a time as hypothesis chooses, over a cache that loses things.

Each call to the shared cache or to the backend waits until the machine lets it go on, and tells it what becomes of it.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from loaders.caching.around import Around
from loaders.caching.cached import Cached
from loaders.caching.heard import Heard
from loaders.caching.loading import Levels, Loading
from loaders.caching.local import Local
from loaders.caching.remote import Remote
from loaders.caching.rules import RULES, Kept, Lifetimes, Seconds
from schema.errcode import AtriumError, BackendUnavailable
from schema.generated.account.v1 import account_pb2
from services.runtime.subjects import account, kept_keys
from services.runtime.versioned_cache import Entries, Fill, Guard, Outage
from tests.loaders.caching.town import QUESTIONS

R = TypeVar("R")
ID, MERGED_ID = 2, 5
"""An account, and the id of one that was merged into it: what is kept under that is not found by the account's name."""
KEYS = (ID, MERGED_ID)
LIFETIMES = Lifetimes(usual=Seconds(local=2.0, remote=6.0, absent=1.0))
BOUND = LIFETIMES.usual.local + LIFETIMES.usual.remote
MOST_READERS = 4
GATEWAYS = 2


class Fate(Enum):
    """What becomes of a call."""

    DONE = "it is done and its caller hears of it"
    LOST = "it is not done, its caller hears of a failure"
    UNHEARD = "it is done, its caller hears of a failure"


@dataclass
class Call:
    """A call that waits for the machine."""

    began: float
    go: "asyncio.Future[Fate]"


@dataclass
class World:
    """What the gateways share: time, entries that end, and a row whose versions grow."""

    now: float = 1_000_000.0
    version: int = 1
    calls: list[Call] = field(default_factory=list)
    entries: dict[str, tuple[bytes, float]] = field(default_factory=dict)

    def clock(self) -> float:
        """Both clocks of all gateways."""
        return self.now

    def held(self, key: str) -> bytes | None:
        """What a key of the shared cache holds now."""
        entry, ends_at = self.entries.get(key, (None, 0.0))
        return entry if ends_at > self.now else None

    def put(self, key: str, entry: bytes, milliseconds: int) -> None:
        """Lets a key hold something for a while."""
        self.entries[key] = entry, self.now + milliseconds / 1000

    async def turn(self) -> Fate:
        """Waits for the machine."""
        call = Call(self.now, asyncio.get_running_loop().create_future())
        self.calls.append(call)
        try:
            return await call.go
        finally:
            with contextlib.suppress(ValueError):
                self.calls.remove(call)

    async def step(self, call: Callable[[], R]) -> R:
        """Does something to the shared cache, or not, as the machine says."""
        fate = await self.turn()
        if fate is Fate.LOST:
            raise ConnectionError
        answer = call()
        if fate is Fate.UNHEARD:
            raise ConnectionError
        return answer


class SteppedEntries(Entries):
    """The steps of the protocol, each a call that waits."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def fetch(self, keys: Sequence[str]) -> list[bytes | None]:
        return await self._world.step(lambda: [self._world.held(key) for key in keys])

    async def lease(self, leases: Mapping[str, bytes], spoiled: Collection[str]) -> list[str]:
        return await self._world.step(lambda: self._take(leases, spoiled))

    async def fill(self, fills: Sequence[Fill]) -> None:
        await self._world.step(lambda: self._replace(fills))

    def _take(self, leases: Mapping[str, bytes], spoiled: Collection[str]) -> list[str]:
        for key in spoiled:
            self._world.entries.pop(key, None)
        got = [key for key in leases if self._world.held(key) is None]
        for key in got:
            self._world.put(key, leases[key], 2_000)
        return got

    def _replace(self, fills: Sequence[Fill]) -> None:
        for fill in fills:
            if self._world.held(fill.key) == fill.lease:
                self._world.put(fill.key, fill.entry, fill.milliseconds)


class SteppedSource:
    """The account backend: it reads when it is let go on, and its answer arrives when it is let go on again."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def answers(self, keys: Sequence[int]) -> Sequence[account_pb2.Account | AtriumError | None]:
        failing = await self._world.turn() is not Fate.DONE
        read = account_pb2.Account(id=ID, version=self._world.version)
        await self._world.turn()
        return [BackendUnavailable("account") if failing else read for _ in keys]


class Group:
    """Has tasks in a loop that the machine runs."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[Any]] = []

    def create_task(self, work: Coroutine[Any, Any, R]) -> "asyncio.Task[R]":
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.append(task)
        return task


@dataclass
class Making:
    """What a gateway is made of; a test makes one of them badly."""

    heard: type[Heard] = Heard
    local: type[Local[Any]] = Local
    remote: type[Remote[Any, Any]] = Remote
    loading: type[Loading[int, Any]] = Loading


class Gateway:
    """One process."""

    def __init__(self, world: World, group: Group, making: Making) -> None:
        self._world = world
        self.heard = making.heard(LIFETIMES.longest, monotonic=world.clock)
        around = Around(
            self.heard, cast(asyncio.TaskGroup, group), world.clock, world.clock, random.Random(7), renewing_after=0
        )
        kept = RULES["account_by_id"]
        assert isinstance(kept, Kept)
        guard = Guard(SteppedEntries(world), "", Outage(pause=0))
        levels = Levels[int, Any](
            rule=kept,
            local=making.local(10, self.heard, self._ignore),
            local_seconds=LIFETIMES.usual.local,
            remote=making.remote(kept, LIFETIMES.usual, guard, around),
            count=self._ignore,
        )
        self.cached = Cached(
            QUESTIONS["account_by_id"], levels, making.loading(levels, SteppedSource(world), around), around
        )
        self.floor = 1
        """The version that whoever reads here must see: its own last, and the last that was heard of."""

    def _ignore(self, *_: object) -> None:
        """Counts nothing."""

    async def write(self) -> int:
        """Changes the account as `Caches.changing` wraps it; answers the version."""
        await self._world.turn()
        self._world.version += 1
        version = self._world.version
        with contextlib.suppress(ConnectionError):
            await self._world.step(self._forget)
        self.heard.note([account(ID)])
        return version

    def _forget(self) -> None:
        for key in kept_keys([account(ID)]):
            self._world.entries.pop(key, None)


class Town:
    """The gateways, whoever reads and writes there, and the messages on their way between them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, making: Making | None = None) -> None:
        self._run = loop.run_until_complete
        self.world = World()
        self.group = Group()
        self.gateways = [Gateway(self.world, self.group, making or Making()) for _ in range(GATEWAYS)]
        self.readers: list[asyncio.Task[None]] = []
        self.writers: list[asyncio.Task[None]] = []
        self.messages: list[tuple[Gateway, int]] = []
        self._completed: list[tuple[float, int]] = [(0.0, 1)]

    def read(self, number: int, keys: Sequence[int]) -> None:
        """Somebody begins to read at a gateway."""
        self.readers.append(self._begin(self._read(self.gateways[number], keys)))

    def write(self, number: int) -> None:
        """Somebody begins to change the account at a gateway."""
        self.writers.append(self._begin(self._write(self.gateways[number])))

    def go_on(self, which: int, fate: Fate) -> None:
        """A call goes on."""
        self.world.calls[which % len(self.world.calls)].go.set_result(fate)
        self._settle()

    def deliver(self, which: int) -> None:
        """A message arrives."""
        gateway, version = self.messages.pop(which % len(self.messages))
        gateway.heard.note([account(ID)])
        gateway.floor = max(gateway.floor, version)

    def lose(self, which: int) -> None:
        """A message does not arrive; nobody knows."""
        self.messages.pop(which % len(self.messages))

    def pass_time(self, seconds: float) -> None:
        """Time passes; no call takes longer than a moment of it."""
        while any(call.began < self.world.now for call in self.world.calls):
            self.go_on(0, Fate.DONE)
        self.world.now += seconds

    def cancel(self, which: int) -> None:
        """A reader gives up."""
        self.readers[which % len(self.readers)].cancel()
        self._settle()

    def end(self) -> None:
        """Lets everybody end, and then everybody reads."""
        self.finish()
        for number in range(GATEWAYS):
            self.read(number, KEYS)
            self.finish()

    def abandon(self) -> None:
        """Ends what still runs."""
        for task in (*self.readers, *self.writers, *self.group.tasks):
            task.cancel()
        self._run(asyncio.sleep(0))
        self._settle(check=False)

    def finish(self) -> None:
        """Lets all calls go on to their ends."""
        while self.world.calls:
            self.go_on(0, Fate.DONE)

    def _begin(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        async def begin() -> "asyncio.Task[None]":
            return asyncio.get_running_loop().create_task(work)

        task = self._run(begin())
        self._settle()
        return task

    def _settle(self, *, check: bool = True) -> None:
        """Lets everything go on that does not wait for the machine; raises what a reader found wrong."""

        async def settle() -> None:
            for _ in range(12):
                await asyncio.sleep(0)

        self._run(settle())
        for tasks in (self.readers, self.writers):
            ended = [task for task in tasks if task.done()]
            tasks[:] = [task for task in tasks if not task.done()]
            for task in ended:
                if check and not task.cancelled():
                    task.result()

    async def _read(self, gateway: Gateway, keys: Sequence[int]) -> None:
        floor = max(gateway.floor, self._floor_of_all())
        for answer in await gateway.cached.answers(keys):
            if isinstance(answer, account_pb2.Account):
                assert answer.version >= floor, f"a read answers {answer.version} when it had to know {floor}"

    def _floor_of_all(self) -> int:
        """The version that everybody must see, whatever was lost."""
        return max(version for at, version in self._completed if at <= self.world.now - BOUND)

    async def _write(self, gateway: Gateway) -> None:
        version = await gateway.write()
        gateway.floor = max(gateway.floor, version)
        self._completed.append((self.world.now, version))
        self.messages += [(each, version) for each in self.gateways if each is not gateway]


FATES = st.lists(st.sampled_from([Fate.DONE] * 4 + list(Fate)), min_size=1, max_size=5)


class TownMachine(RuleBasedStateMachine):
    """Everything that can happen, in any order."""

    def __init__(self, make: Callable[[], Town]) -> None:
        super().__init__()
        self.town = make()

    @precondition(lambda self: len(self.town.readers) < MOST_READERS)
    @rule(number=st.integers(0, GATEWAYS - 1), keys=st.sampled_from([(ID,), (MERGED_ID,), KEYS]))
    def somebody_reads(self, number: int, keys: Sequence[int]) -> None:
        self.town.read(number, keys)

    @precondition(lambda self: len(self.town.writers) < 2)
    @rule(number=st.integers(0, GATEWAYS - 1))
    def somebody_writes(self, number: int) -> None:
        self.town.write(number)

    @precondition(lambda self: self.town.world.calls)
    @rule(which=st.integers(0, 9), fates=FATES)
    def calls_go_on(self, which: int, fates: Sequence[Fate]) -> None:
        for fate in fates:
            if self.town.world.calls:
                self.town.go_on(which, fate)

    @precondition(lambda self: self.town.messages)
    @rule(which=st.integers(0, 9))
    def a_message_arrives(self, which: int) -> None:
        self.town.deliver(which)

    @precondition(lambda self: self.town.messages)
    @rule(which=st.integers(0, 9))
    def a_message_is_lost(self, which: int) -> None:
        self.town.lose(which)

    @rule(number=st.integers(0, GATEWAYS - 1))
    def a_gateway_knows_that_it_missed_something(self, number: int) -> None:
        self.town.gateways[number].heard.note_gap()

    @rule(key=st.sampled_from(KEYS))
    def the_cache_evicts(self, key: int) -> None:
        self.town.world.entries.pop(f"/lane/account_by_id/{key}", None)

    @rule(seconds=st.sampled_from([0.5, 1.4, 1.9, 3.0, 4.5]))
    def time_passes(self, seconds: float) -> None:
        self.town.pass_time(seconds)

    @precondition(lambda self: self.town.readers)
    @rule(which=st.integers(0, 9))
    def a_reader_gives_up(self, which: int) -> None:
        self.town.cancel(which)

    def teardown(self) -> None:
        """Everybody ends."""
        try:
            self.town.end()
        finally:
            self.town.abandon()
