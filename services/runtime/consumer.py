"""Listens to events: each takes effect once, in order of its account, and none is lost.

An event is taken by writing its id into the inbox, in the transaction of its effect: what comes again finds itself
there. An event whose handler raises is set aside as a letter in the same way, together with its reason, and tried again
from there (`services.runtime.letters`), so that no other account waits for it. As long as an account has letters, an
`ordered` consumer sets its later events aside behind them.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from google.protobuf.message import DecodeError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from schema.errcode import InvalidArgument
from schema.generated.event.v1 import event_pb2 as pb
from services.runtime.bus import Bus, Message, Subscription
from services.runtime.clock import Clock
from services.runtime.database import Database
from services.runtime.inbox import REASON_LENGTH, Inbox, new_ones
from services.runtime.lane import in_lane
from services.runtime.outbox import KINDS
from services.runtime.server import validate
from services.runtime.telemetry import Metrics, continued
from services.runtime.worker import Worker

_log = structlog.get_logger(__name__)

ALL_KINDS = frozenset(KINDS.values())
"""The fields of `event.v1.Event` that say what happened."""
HANDLE_SECONDS = 30.0
"""How long a handler may take for one event."""
FIRST_RETRY = timedelta(seconds=0.5)
"""How soon an event is tried again after it failed for the first time."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """What a service does when it hears of events."""

    name: str
    """Unique among all consumers, and never changed: whatever has this name shares the work. `<service>.<purpose>`."""
    handle: Callable[[pb.Event, AsyncSession], Awaitable[None]]
    """Has the effect, in the session's transaction: nothing else of it survives when that is rolled back."""
    kinds: frozenset[str] = ALL_KINDS
    """Names of the fields in the event that this is about, such as `account_changed`."""
    ordered: bool = True
    """Whether an event that failed holds later events of its account back until it is dealt with."""
    batch: int = 100
    """How many events may share a transaction; 1 for a handler with effects outside of it."""


class Unreadable(Exception):
    """A message that no attempt will ever make an event; says why."""


def read(message: Message) -> pb.Event:
    """The event in the message; raises Unreadable when it is none that this program knows."""
    try:
        event = pb.Event.FromString(message.value)
        validate(event)
    except DecodeError as error:
        raise Unreadable("malformed: the bytes are no event") from error
    except InvalidArgument as error:
        raise Unreadable(f"invalid: {error.message}") from error
    if event.WhichOneof("what") is None:
        raise Unreadable("unknown kind: this program knows no such event")
    return event


@asynccontextmanager
async def handling(consumer: Consumer, message: Message) -> AsyncIterator[None]:
    """The surroundings of a handler: trace and lane of whoever caused the event, and an end."""
    with continued(f"consume {consumer.name}", message.traceparent, {"event": message.event_id}), in_lane(message.lane):
        async with asyncio.timeout(HANDLE_SECONDS):
            yield


class Intake:
    """Takes messages for one consumer, each once."""

    def __init__(self, consumer: Consumer, inbox: Inbox, database: Database, clock: Clock, metrics: Metrics) -> None:
        self._consumer = consumer
        self._inbox = inbox
        self._database = database
        self._clock = clock
        self._consumed = metrics.events_consumed

    async def take(self, messages: Sequence[Message]) -> None:
        """Has them take effect, or sets them aside; raises when the store cannot do either.

        All in one transaction; when that fails one after the other, to find out which is to blame.
        """
        relevant = [each for each in map(self._opened, messages) if self._is_meant(each)]
        for start in range(0, len(relevant), self._consumer.batch):
            batch = relevant[start : start + self._consumer.batch]
            if len(batch) == 1 or not await self._succeeds(batch):
                for each in batch:
                    await self._take_one(each)

    def _opened(self, message: Message) -> "_Opened":
        try:
            event = read(message)
        except Unreadable as problem:
            return _Opened(message, message.key, problem)
        return _Opened(message, event.account_id, event)

    def _is_meant(self, opened: "_Opened") -> bool:
        content = opened.content
        return isinstance(content, Unreadable) or content.WhichOneof("what") in self._consumer.kinds

    async def _succeeds(self, batch: Sequence["_Opened"]) -> bool:
        try:
            await self._apply(batch)
        except Exception as problem:
            _log.debug("batch failed, its events are taken one by one", problem=f"{problem!r}"[:500])
            return False
        return True

    async def _take_one(self, opened: "_Opened") -> None:
        try:
            await self._apply([opened])
        except Exception as problem:
            _log.warning("event failed", consumer=self._consumer.name, event_id=opened.event_id, exc_info=problem)
            await self._set_aside(opened, problem)

    async def _apply(self, batch: Sequence["_Opened"]) -> None:
        async with self._database.transaction() as session:
            outcomes = await _Batch(self._consumer, self._inbox, session, self._clock()).apply(batch)
        for outcome, count in outcomes.items():
            self._consumed.labels(self._consumer.name, outcome).inc(count)

    async def _set_aside(self, opened: "_Opened", problem: Exception) -> None:
        now = self._clock()
        async with self._database.transaction() as session:
            if not await new_ones(session, self._inbox.taken, self._consumer.name, [opened.event_id], now):
                return
            letter = letter_row(self._consumer, opened, explain(problem), now)
            await session.execute(self._inbox.letters.insert(), letter | {"attempts": 1, "next_at": now + FIRST_RETRY})
        self._consumed.labels(self._consumer.name, "failed").inc()


@dataclass(frozen=True, slots=True)
class _Opened:
    """A message, read."""

    message: Message
    account_id: int
    content: pb.Event | Unreadable

    @property
    def event_id(self) -> str:
        # That of the event itself: the one outside of it may be a stranger's.
        return self.message.event_id if isinstance(self.content, Unreadable) else self.content.id


class _Batch:
    """One transaction that takes messages."""

    def __init__(self, consumer: Consumer, inbox: Inbox, session: AsyncSession, now: datetime) -> None:
        self._consumer = consumer
        self._inbox = inbox
        self._session = session
        self._now = now
        self._held: set[int] = set()

    async def apply(self, batch: Sequence[_Opened]) -> Counter[str]:
        """Takes what is new; how many had which outcome."""
        ids = (each.event_id for each in batch)
        # This comes first: SQLite then waits for its turn to write, instead of failing when it has read before.
        new = await new_ones(self._session, self._inbox.taken, self._consumer.name, ids, self._now)
        self._held = await self._accounts_with_letters(batch)
        outcomes = Counter[str]()
        for each in batch:
            outcomes[await self._outcome(each) if each.event_id in new else "repeated"] += 1
            new.discard(each.event_id)  # It may come twice in one batch.
        return outcomes

    async def _outcome(self, opened: _Opened) -> str:
        content = opened.content
        if isinstance(content, Unreadable):
            await self._put_aside(opened, str(content), next_at=None)
            _log.error("event parked", consumer=self._consumer.name, event_id=opened.event_id, reason=str(content))
            return "refused"
        if opened.account_id in self._held:
            await self._put_aside(opened, "held: an earlier event of the account is set aside", next_at=self._now)
            return "held"
        async with handling(self._consumer, opened.message):
            await self._consumer.handle(content, self._session)
        return "applied"

    async def _put_aside(self, opened: _Opened, reason: str, next_at: datetime | None) -> None:
        letter = letter_row(self._consumer, opened, reason, self._now)
        await self._session.execute(self._inbox.letters.insert(), letter | {"attempts": 0, "next_at": next_at})
        if self._consumer.ordered:
            self._held.add(opened.account_id)

    async def _accounts_with_letters(self, batch: Sequence[_Opened]) -> set[int]:
        if not self._consumer.ordered:
            return set()
        letters = self._inbox.letters
        mine = letters.c.consumer == self._consumer.name
        accounts = letters.c.account_id.in_({each.account_id for each in batch})
        return set(await self._session.scalars(select(letters.c.account_id).where(mine, accounts).distinct()))


def letter_row(consumer: Consumer, opened: _Opened, reason: str, now: datetime) -> dict[str, object]:
    """The letter for a message, but for when it is tried again."""
    message = opened.message
    return {
        "consumer": consumer.name,
        "event_id": opened.event_id,
        "account_id": opened.account_id,
        "payload": message.value,
        "traceparent": message.traceparent,
        "lane": message.lane,
        "reason": reason[:REASON_LENGTH],
        "received_at": now,
    }


def explain(problem: Exception) -> str:
    """The reason to keep of a failure: its class and first line."""
    first, *_ = str(problem).splitlines() or [""]
    return f"{type(problem).__name__}: {first}".replace("\0", "")[:REASON_LENGTH]


class Listener:
    """A `lifecycle.Server` that has one consumer take what the bus delivers."""

    def __init__(self, consumer: Consumer, intake: Intake, bus: Bus) -> None:
        bus.expect(consumer.name)
        self._consumer = consumer
        self._intake = intake
        self._bus = bus
        self._worker = Worker(consumer.name, self._work)
        self._closing = AsyncExitStack()
        self._subscription: Subscription | None = None
        self._pending: Sequence[Message] = ()

    async def serve(self) -> None:
        """Listens until stopped."""
        async with self._closing:
            await self._worker.serve()

    async def stop(self, grace: float) -> None:
        """Finishes what was delivered, in so many seconds; the rest is delivered again, here or elsewhere."""
        await self._worker.stop(grace)

    async def _work(self) -> float:
        if self._subscription is None:
            place = self._bus.subscribe(self._consumer.name)
            self._subscription = await self._closing.enter_async_context(place)
        if not self._pending:
            self._pending = await self._subscription.take(self._consumer.batch)
        if self._pending:
            await self._intake.take(self._pending)
            await self._subscription.done()
            self._pending = ()
        return 0
