"""What is published on the channels of the cache, handed to the listeners of this process over one connection."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, NamedTuple, Protocol

import structlog
from google.protobuf.message import DecodeError
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError

from gateway.push.listeners import Gap, Listener, Listeners
from gateway.push.settling import Settling
from schema.errcode import AtriumError
from schema.generated.activity.v1 import activity_pb2
from schema.generated.event.v1 import event_pb2
from services.runtime.telemetry import Metrics

ACCOUNT, AUTHOR = "atrium:push:account:{}", "atrium:push:author:{}"
EVERY = "atrium:push:*"
"""One pattern instead of a channel for each author: a process that serves thousands hears of most authors anyway."""
SILENCE_SECONDS = 5.0
"""A cache that said nothing for so long is asked whether it lives; when it says nothing again, it is lost."""
SETTLE_SECONDS = 0.25
"""By how much the events of activities may overtake each other: an id may wait for 0.2 seconds until it is used."""
RETRY_SECONDS = 0.5
_log = structlog.get_logger(__name__)


class News(NamedTuple):
    """An event, and the activity that it tells of, if it tells of one."""

    event: event_pb2.Event
    activity: activity_pb2.Activity | None = None


class ReadActivities(Protocol):
    """Reads activities for everybody who may see them."""

    async def __call__(self, ids: Sequence[int]) -> dict[int, activity_pb2.Activity]:
        """Those of the activities that are public, by id; raises AtriumError when they cannot be read."""
        ...


class Heeding(Protocol):
    """Takes the messages of one channel as they come."""

    @property
    def channel(self) -> str:
        """Which."""
        ...

    def hear(self, message: bytes) -> None:
        """Takes one."""
        ...

    def gap(self) -> None:
        """Some may be missing."""
        ...


class Hub:
    """Hands on what is published; a `lifecycle.Server`.

    Whoever listens is told of a gap when the connection was lost or an activity could not be read: some messages may be
    missing there, and the listener fetches what it missed. Gaps are told once there is a connection again.
    """

    def __init__(
        self,
        cache: Redis,
        read: ReadActivities,
        metrics: Metrics,
        heeding: Heeding | None = None,
        silence_seconds: float = SILENCE_SECONDS,
        settle_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self._cache = cache
        self._read = read
        self._metrics = metrics
        self._heeding = heeding
        self._silence_seconds = silence_seconds
        self.settle_seconds = settle_seconds
        """By how much activities may overtake each other."""
        self._listeners = Listeners[News]()
        self._published = Settling[tuple[str, event_pb2.Event]](settle_seconds)
        self._is_lost = False
        self._stopped = asyncio.Event()

    @asynccontextmanager
    async def listener(self, channels: Iterable[str]) -> AsyncIterator[Listener[News]]:
        """A listener that hears these channels from now on, or from a gap on when there is no connection."""
        listener = Listener[News]()
        self._metrics.subscriptions.inc()
        try:
            self.add(listener, channels)
            yield listener
        finally:
            self._metrics.subscriptions.dec()
            self.remove(listener, list(listener.channels))

    def add(self, listener: Listener[News], channels: Iterable[str]) -> None:
        """Lets the listener hear more channels."""
        self._listeners.add(listener, channels)

    def remove(self, listener: Listener[News], channels: Iterable[str]) -> None:
        """Lets the listener hear some channels no longer."""
        self._listeners.remove(listener, channels)

    async def serve(self) -> None:
        """Hands messages on until stopped, through losses of the connection."""
        async with asyncio.TaskGroup() as group:
            serving = [group.create_task(self._listen_on()), group.create_task(self._tell_of_activities())]
            await self._stopped.wait()
            for task in serving:
                task.cancel()

    async def stop(self, grace: float) -> None:
        """Ends serving."""
        self._stopped.set()

    async def _listen_on(self) -> None:
        while True:
            try:
                async with aclosing(self._cache.pubsub()) as pubsub:
                    await self._listen(pubsub)
            except (RedisError, OSError) as lost:
                self._lost(lost)
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self, pubsub: PubSub) -> None:
        """Takes messages; raises a RedisError or an OSError when the connection is lost."""
        await pubsub.psubscribe(EVERY)
        while True:
            message = await self._next(pubsub) or await self._sign_of_life(pubsub)
            if message["type"] == "psubscribe":
                self._found()
            elif message["type"] == "pmessage":
                self._take(message["channel"].decode(), message["data"])

    async def _sign_of_life(self, pubsub: PubSub) -> dict[str, Any]:
        await pubsub.ping()
        message = await self._next(pubsub)
        if message is None:
            raise ConnectionLost("the cache does not answer")
        return message

    async def _next(self, pubsub: PubSub) -> dict[str, Any] | None:
        message: dict[str, Any] | None = await pubsub.get_message(timeout=self._silence_seconds)
        task = asyncio.current_task()
        if task and task.cancelling():  # Below the client, `wait_for` of Python 3.11 may have swallowed it.
            raise asyncio.CancelledError
        return message

    def _found(self) -> None:
        """Everything that is published from now on is heard; what was before may be missing."""
        if self._is_lost:
            _log.warning("push found the cache again")
        self._is_lost = False
        if self._heeding:
            self._heeding.gap()
        for listener in self._listeners.everybody():
            listener.put(Gap.GAP)

    def _lost(self, reason: Exception) -> None:
        if not self._is_lost:
            _log.warning("push lost the cache", error=type(reason).__name__)
        self._is_lost = True

    def _take(self, channel: str, data: bytes) -> None:
        if self._heeding and channel == self._heeding.channel:
            self._heeding.hear(data)
        if not self._listeners.anybody(channel):
            return
        try:
            event = event_pb2.Event.FromString(data)
        except DecodeError:
            _log.warning("push dropped what is no event")
            return
        if event.HasField("activity_published"):
            now = asyncio.get_running_loop().time()
            self._published.put(event.activity_published.activity_id, (channel, event), now)
        else:
            self._tell(channel, News(event))

    async def _tell_of_activities(self) -> None:
        """Tells of activities in the order of ids: whoever resumes after the last one seen has seen all before it."""
        while True:
            published = await self._published.settled()
            activities = await self._activities([event.activity_published.activity_id for _, event in published])
            for channel, event in published:
                if activities is None:
                    self._tell(channel, Gap.GAP)
                elif activity := activities.get(event.activity_published.activity_id):
                    self._tell(channel, News(event, activity))

    async def _activities(self, ids: Sequence[int]) -> dict[int, activity_pb2.Activity] | None:
        try:
            return await self._read(ids)
        except AtriumError as error:
            _log.warning("push could not read activities", code=error.code)
            return None

    def _tell(self, channel: str, news: News | Gap) -> None:
        for listener in self._listeners.of(channel):
            listener.put(news)
