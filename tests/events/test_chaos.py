"""Nothing is lost, nothing is applied twice and nothing overtakes, whoever dies at whichever moment."""

import asyncio
import random
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from schema.generated.event.v1 import event_pb2 as pb
from services.runtime.clock import utc_now
from services.runtime.database import Database, open_database
from services.runtime.outbox import Outbox
from tests.events.processes import APPLIED, INBOX, METADATA, OUTBOX, Fate, Town, consumer_process, relay_process

EVENTS, ACCOUNTS = 5000, 50
PATIENCE_SECONDS = 120
SENT = 2
"""The fail-point of a relay between sending its first events and marking them as sent."""
LIVES = get_context("forkserver")
"""New processes come from one that has everything imported and has never run a loop: within milliseconds."""
LIVES.set_forkserver_preload(["tests.events.processes"])


class Lives:
    """A process of some kind, begun anew whenever it has died, until it has died often enough.

    Its first life ends at the fail-point `appointed`, where there is one: on a slow machine chance may spare a moment.
    """

    def __init__(
        self, town: Town, work: Callable[[Town, Fate], None], deaths: int, seed: int, appointed: int | None = None
    ) -> None:
        self._town = town
        self._work = work
        self._random = random.Random(seed)
        self._deaths = deaths
        self._appointed = appointed
        self.died = 0
        self._process = self._born()

    def _born(self) -> BaseProcess:
        # Two fail-points for each batch: some lives are left for the outside to end.
        chance = 0.2 if self.must_die else 0
        fate = Fate(self._random.randrange(1 << 30), chance, None if self.died else self._appointed)
        process = LIVES.Process(target=self._work, args=(self._town, fate))
        process.start()
        return process

    @property
    def must_die(self) -> bool:
        """Whether it has not died often enough."""
        return self.died < self._deaths

    def tend(self) -> None:
        """Kills it at times, and has it begin again once it is dead."""
        is_spared = self._appointed is not None and not self.died
        if self.must_die and not is_spared and self._random.random() < 0.02:
            self._process.kill()
        if not self._process.is_alive():
            self.died += 1
            self._process = self._born()

    def end(self) -> None:
        self._process.kill()
        self._process.join()


@pytest.fixture
def town(stack: str, request: pytest.FixtureRequest, kafka_broker: str, tmp_path: Path) -> Town:
    embedded = f"sqlite+aiosqlite:///{tmp_path}/test.db"
    store = embedded if stack == "embedded" else str(request.getfixturevalue("empty_postgres"))
    return Town(store, kafka_broker, f"chaos.{uuid.uuid4().hex}")


@pytest.fixture
async def database(town: Town) -> AsyncIterator[Database]:
    async with open_database(town.store) as opened:
        async with opened.engine.begin() as connection:
            await connection.run_sync(METADATA.create_all)
        yield opened


@contextmanager
def lives(town: Town) -> Iterator[list[Lives]]:
    begun = [Lives(town, relay_process, 6, seed=1, appointed=SENT), Lives(town, relay_process, 6, seed=2)]
    # The broker takes seconds to notice that a listener is gone, and to share its partitions out anew.
    begun += [Lives(town, consumer_process, 2, seed) for seed in (3, 4)]
    try:
        yield begun
    finally:
        for life in begun:
            life.end()


async def tell(database: Database) -> None:
    """Every account publishes one activity after the other."""
    outbox = Outbox(OUTBOX, "account", utc_now)
    for number in range(1, EVENTS // ACCOUNTS + 1):
        async with database.transaction() as session:
            for account in range(1, ACCOUNTS + 1):
                await outbox.add(session, account, pb.ActivityPublished(activity_id=number, kind="POST"))


async def count(database: Database, *chosen: Any) -> int:
    async with database.read() as session:
        return int(await session.scalar(select(func.count()).select_from(*chosen)) or 0)


async def tend_until_all_is_done(database: Database, begun: list[Lives]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await count(database, INBOX.taken) < EVENTS or any(life.must_die for life in begun):
            for life in begun:
                life.tend()
            await asyncio.sleep(0.02)


async def published(town: Town) -> Counter[str]:
    """How often the bus holds each event."""
    async with town.bus() as bus, bus.subscribe(f"audit.{uuid.uuid4().hex}") as subscription:
        found = Counter[str]()
        while messages := await subscription.take(2000):
            found.update(message.event_id for message in messages)
        return found


async def test_nothing_is_lost_nothing_applied_twice_and_nothing_overtakes(town: Town, database: Database) -> None:
    with lives(town) as begun:
        async with asyncio.TaskGroup() as group:
            group.create_task(tell(database))
            await tend_until_all_is_done(database, begun)
        async with database.read() as session:
            applied = (await session.execute(select(APPLIED).order_by(APPLIED.c.id))).all()
    numbers = defaultdict(list)
    for row in applied:
        numbers[row.account_id].append(row.number)
    expected = list(range(1, EVENTS // ACCOUNTS + 1))
    assert numbers == dict.fromkeys(range(1, ACCOUNTS + 1), expected)
    assert len({row.event_id for row in applied}) == EVENTS
    assert await count(database, INBOX.letters) == 0

    on_the_bus = await published(town)
    assert len(on_the_bus) == EVENTS
    assert on_the_bus.total() > EVENTS, "no relay died between sending and marking"
