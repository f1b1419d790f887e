"""Events that were set aside: tried again less and less often, then parked until a person decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

import structlog
from sqlalchemy import ColumnElement, and_, case, delete, func, or_, select, update

from schema.errcode import AtriumError
from services.runtime.bus import Message
from services.runtime.clock import Clock
from services.runtime.consumer import FIRST_RETRY, Consumer, explain, handling, read
from services.runtime.database import Database
from services.runtime.inbox import Inbox
from services.runtime.telemetry import Metrics

_log = structlog.get_logger(__name__)

ATTEMPTS = 5
"""After how many attempts a letter is parked."""
LONGEST_RETRY = timedelta(minutes=1)
"""The longest time between two attempts; each is four times the one before."""
POLL_SECONDS = 0.5
"""How often to look for letters that are due."""
BATCH = 50


class State(Enum):
    """What a letter waits for."""

    PARKED = "parked"
    """A person."""
    RETRYING = "retrying"
    """The next attempt."""
    HELD = "held"
    """Letters before it of the same account."""


@dataclass(frozen=True, slots=True)
class Letter:
    """An event that was set aside."""

    id: int
    consumer: str
    message: Message
    reason: str
    attempts: int
    received_at: datetime
    next_at: datetime | None

    @property
    def state(self) -> State:
        """What it waits for."""
        if self.next_at is None:
            return State.PARKED
        return State.RETRYING if self.attempts else State.HELD


class NotFirst(Exception):
    """A letter cannot be replayed before those in front of it; says which is first."""

    def __init__(self, first: int) -> None:
        super().__init__(f"letter {first} of the same account comes first")


class Letters:
    """The letters of one service."""

    def __init__(self, consumers: Sequence[Consumer], inbox: Inbox, database: Database, clock: Clock) -> None:
        self._consumers: Mapping[str, Consumer] = {consumer.name: consumer for consumer in consumers}
        self._table = inbox.letters
        self._database = database
        self._clock = clock

    async def all(self) -> list[Letter]:
        """Every letter, the oldest first."""
        return await self._where()

    async def get(self, number: int) -> Letter | None:
        """The letter with this id, if there is one."""
        return next(iter(await self._where(self._table.c.id == number)), None)

    async def due(self) -> list[Letter]:
        """Those to be tried now, the oldest first."""
        mine = self._table.c.consumer.in_(self._consumers)
        return await self._where(mine, self._table.c.next_at <= self._clock(), self._is_free(), most=BATCH)

    async def retry(self, letter: Letter) -> str | None:
        """Has the event take effect now; None when it did, else why not: the letter stays then."""
        try:
            await self._apply(letter)
        except Exception as problem:
            return await self._postpone(letter, problem)
        return None

    async def replay(self, letter: Letter) -> dict[int, str | None]:
        """Tries a letter at once, and after it those that it held back; by id what `retry` answers.

        Raises NotFirst when others hold it back itself.
        """
        if (first := await self._first_like(letter)) and first.id < letter.id:
            raise NotFirst(first.id)
        outcomes = {letter.id: await self.retry(letter)}
        while None in outcomes.values() and (held := await self._first_like(letter)) and held.state is State.HELD:
            outcomes[held.id] = await self.retry(held)
        return outcomes

    async def drop(self, letter: Letter) -> bool:
        """Gives the event up for good; whether the letter was still there. Those it held back are tried next."""
        async with self._database.transaction() as session:
            gone = await session.scalar(
                delete(self._table).where(self._table.c.id == letter.id).returning(self._table.c.id)
            )
        return gone is not None

    async def measure(self, metrics: Metrics) -> None:
        """Tells how many there are of each consumer in each state."""
        table = self._table
        state = case(
            (table.c.next_at.is_(None), State.PARKED.value),
            (table.c.attempts > 0, State.RETRYING.value),
            else_=State.HELD.value,
        )
        count = select(table.c.consumer, state, func.count()).group_by(table.c.consumer, state)
        async with self._database.read() as session:
            found = {(consumer, state): number for consumer, state, number in await session.execute(count)}
        for consumer in self._consumers:
            for each in State:
                metrics.letters.labels(consumer, each.value).set(found.get((consumer, each.value), 0))

    async def _where(self, *conditions: ColumnElement[bool], most: int | None = None) -> list[Letter]:
        chosen = select(self._table).where(*conditions).order_by(self._table.c.id).limit(most)
        async with self._database.read() as session:
            rows = (await session.execute(chosen)).all()
        return [
            Letter(
                row.id,
                row.consumer,
                Message(row.event_id, row.account_id, row.payload, row.traceparent, row.lane),
                row.reason,
                row.attempts,
                row.received_at,
                row.next_at,
            )
            for row in rows
        ]

    def _is_free(self) -> ColumnElement[bool]:
        """Whether no earlier letter holds a letter back."""
        table, earlier = self._table, self._table.alias("earlier")
        same = and_(earlier.c.consumer == table.c.consumer, earlier.c.account_id == table.c.account_id)
        before = select(earlier.c.id).where(same, earlier.c.id < table.c.id).exists()
        ordered = [consumer.name for consumer in self._consumers.values() if consumer.ordered]
        return or_(table.c.consumer.not_in(ordered), ~before)

    async def _first_like(self, letter: Letter) -> Letter | None:
        """The first letter of the same account, if there is one and the consumer keeps an order."""
        if not self._consumers[letter.consumer].ordered:
            return None
        same = (self._table.c.consumer == letter.consumer, self._table.c.account_id == letter.message.key)
        return next(iter(await self._where(*same, most=1)), None)

    async def _apply(self, letter: Letter) -> None:
        consumer = self._consumers[letter.consumer]
        async with self._database.transaction() as session:
            mine = delete(self._table).where(self._table.c.id == letter.id).returning(self._table.c.id)
            if await session.scalar(mine) is None:  # Another process was faster.
                return
            event = read(letter.message)
            async with handling(consumer, letter.message):
                await consumer.handle(event, session)
        _log.info("letter applied", consumer=letter.consumer, event_id=letter.message.event_id)

    async def _postpone(self, letter: Letter, problem: Exception) -> str:
        reason, attempts = explain(problem), letter.attempts + 1
        parked = letter.next_at is None or (attempts >= ATTEMPTS and not is_passing(problem))
        next_at = None if parked else self._clock() + pause(attempts)
        changed = {"reason": reason, "attempts": attempts, "next_at": next_at}
        async with self._database.transaction() as session:
            await session.execute(update(self._table).where(self._table.c.id == letter.id).values(changed))
        if parked:
            _log.error("event parked", consumer=letter.consumer, event_id=letter.message.event_id, reason=reason)
        return reason


def is_passing(problem: Exception) -> bool:
    """Whether it is not the event's fault: a backend is down, slow or overloaded."""
    return isinstance(problem, AtriumError) and problem.retryable


def pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts."""
    factor: int = 4 ** min(attempts - 1, 10)
    return min(FIRST_RETRY * factor, LONGEST_RETRY)


class Retrying:
    """Tries letters that are due."""

    def __init__(self, letters: Letters, metrics: Metrics) -> None:
        self._letters = letters
        self._metrics = metrics

    async def work(self) -> float:
        """Tries each letter that is due once; after how many seconds to look again."""
        outcomes = [await self._letters.retry(letter) for letter in await self._letters.due()]
        await self._letters.measure(self._metrics)
        # What was applied may have held others back, which are due by now.
        return 0 if None in outcomes else POLL_SECONDS
