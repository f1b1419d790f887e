"""A relay and a consumer as processes that die without warning, at moments that leave the most work half done."""

import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, String, Table
from sqlalchemy.ext.asyncio import AsyncSession

from schema.generated.event.v1 import event_pb2 as pb
from services.runtime.bus import Message, Subscription
from services.runtime.bus.kafka import KafkaBus, KafkaSubscription
from services.runtime.bus.servers import KafkaServers
from services.runtime.clock import utc_now
from services.runtime.consumer import Consumer, Intake, Listener
from services.runtime.database import Database, metadata, open_database
from services.runtime.inbox import inbox_tables
from services.runtime.lifecycle import Readiness, launch, run
from services.runtime.outbox import outbox_table
from services.runtime.relay import Relay
from services.runtime.telemetry import Metrics, configure_logging
from services.runtime.worker import Worker

METADATA = metadata()
OUTBOX = outbox_table(METADATA, "account")
INBOX = inbox_tables(METADATA, "job")
APPLIED = Table(
    "job_applied",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("event_id", String(36), nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
)
"""What took effect, in order. Nothing here keeps an event from being applied twice."""


@dataclass(frozen=True)
class Town:
    """Where the processes find each other."""

    store: str
    broker: str
    topic: str
    session_seconds: float = 1.5

    def bus(self) -> KafkaBus:
        return KafkaBus(KafkaServers.at(self.broker), self.topic, self.session_seconds)


class Fate:
    """Decides at each fail-point whether the process dies there: at the one `appointed`, else by chance."""

    def __init__(self, seed: int, chance: float, appointed: int | None = None) -> None:
        self._random = random.Random(seed)
        self._chance = chance
        self._appointed = appointed
        self._passed = 0

    def strikes(self) -> None:
        self._passed += 1
        if self._passed == self._appointed if self._appointed else self._random.random() < self._chance:
            os.kill(os.getpid(), signal.SIGKILL)


class FatefulBus:
    """A bus whose user may die before and after it sends, and before and after it says that it is done."""

    def __init__(self, bus: KafkaBus, fate: Fate) -> None:
        self._bus = bus
        self._fate = fate

    async def publish(self, messages: Sequence[Message]) -> None:
        self._fate.strikes()
        await self._bus.publish(messages)
        self._fate.strikes()

    def expect(self, group: str) -> None:
        self._bus.expect(group)

    @asynccontextmanager
    async def subscribe(self, group: str) -> AsyncIterator[Subscription]:
        async with self._bus.subscribe(group) as subscription:
            yield FatefulSubscription(subscription, self._fate)


class FatefulSubscription:
    def __init__(self, subscription: KafkaSubscription, fate: Fate) -> None:
        self._subscription = subscription
        self._fate = fate

    async def take(self, most: int) -> Sequence[Message]:
        return await self._subscription.take(most)

    async def done(self) -> None:
        self._fate.strikes()
        await self._subscription.done()
        self._fate.strikes()


async def apply(event: pb.Event, session: AsyncSession) -> None:
    number = event.activity_published.activity_id
    await session.execute(APPLIED.insert(), {"event_id": event.id, "account_id": event.account_id, "number": number})


def relay_process(town: Town, fate: Fate) -> None:
    """Publishes until it dies."""

    async def serve(database: Database, bus: FatefulBus) -> int:
        relay = Relay("account", OUTBOX, database, bus, utc_now, Metrics())
        return await run(Worker("relay", relay.work, database.news), readiness=Readiness())

    _run(town, fate, serve)


def consumer_process(town: Town, fate: Fate) -> None:
    """Applies events until it dies."""

    async def serve(database: Database, bus: FatefulBus) -> int:
        consumer = Consumer("job.history", apply)
        intake = Intake(consumer, INBOX, database, utc_now, Metrics())
        return await run(Listener(consumer, intake, bus), readiness=Readiness())

    _run(town, fate, serve)


def _run(town: Town, fate: Fate, serve: Callable[[Database, FatefulBus], Coroutine[Any, Any, int]]) -> None:
    async def main() -> int:
        configure_logging("error")
        async with open_database(town.store) as database, town.bus() as bus:
            return await serve(database, FatefulBus(bus, fate))

    launch(main)
