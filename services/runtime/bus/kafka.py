"""A bus over whatever speaks Kafka's protocol: one topic, its messages spread over partitions by account."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import groupby
from typing import Any, Self

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    TopicAlreadyExistsError,
    for_code,
)
from aiokafka.partitioner import DefaultPartitioner

from services.runtime.bus.port import BusUnavailable, Message
from services.runtime.bus.servers import KafkaServers

_log = structlog.get_logger(__name__)

TOPIC = "atrium.events"
PARTITIONS = 6
"""How many partitions a topic gets that is made here: so many processes can share the work of one group."""
REPLICAS = 3
"""On how many servers each partition is kept, when there are so many."""
REQUEST_SECONDS = 5.0
"""How long the servers may take to answer."""
SESSION_SECONDS = 10.0
"""After how long a listener that is not heard of loses its place in the group."""
LEAVE_SECONDS = 0.5
"""How long the servers may take to let a listener go."""
LONGEST_WORD = 100
"""How many characters of a header are read."""
PATIENCE_SECONDS = 0.5
"""How long `take` waits for a message."""


class KafkaBus:
    """A Bus; to be used as a context manager."""

    def __init__(self, servers: KafkaServers, topic: str = TOPIC, session_seconds: float = SESSION_SECONDS) -> None:
        self._access = access_to(servers)
        self._topic = topic
        self._session_seconds = session_seconds
        self._producer: AIOKafkaProducer | None = None
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Connects on first use only."""
        return self

    async def __aexit__(self, *_problem: object) -> None:
        """Closes the connections."""
        if self._producer is not None:
            await self._producer.stop()

    async def publish(self, messages: Sequence[Message]) -> None:
        """As `Bus` says: returns once all replicas in sync have them."""
        try:
            async with asyncio.timeout(2 * REQUEST_SECONDS):
                producer = await self._ready_producer()
                partitions = sorted(await producer.partitions_for(self._topic))
                await asyncio.gather(*(self._send(producer, *run) for run in _by_partition(messages, partitions)))
        except (KafkaError, TimeoutError) as error:
            raise BusUnavailable(f"cannot publish: {error!r}") from error

    def expect(self, group: str) -> None:
        """As `Bus` says. The servers keep what a group has not read, and a new group reads all they have."""

    async def _send(self, producer: AIOKafkaProducer, partition: int, messages: Sequence[Message]) -> None:
        """Sends batch after batch, each only when the one before is safe: none may overtake another."""
        left = list(messages)
        while left:
            batch = producer.create_batch()
            size = next((n for n, message in enumerate(left) if not _append(batch, message)), len(left))
            if size == 0:
                raise BusUnavailable(f"the message {left[0].event_id} is too large")
            safe = await producer.send_batch(batch, self._topic, partition=partition)
            await safe
            del left[:size]

    async def _ready_producer(self) -> AIOKafkaProducer:
        async with self._opening:
            if self._producer is None:
                await make_topic(self._access, self._topic)
                producer = AIOKafkaProducer(**self._access, acks="all", request_timeout_ms=int(REQUEST_SECONDS * 1000))
                await _started(producer, producer.stop)
                self._producer = producer
            return self._producer

    @asynccontextmanager
    async def subscribe(self, group: str) -> AsyncIterator["KafkaSubscription"]:
        """As `Bus` says."""
        session = int(self._session_seconds * 1000)
        try:
            await make_topic(self._access, self._topic)
            consumer = AIOKafkaConsumer(
                self._topic,
                **self._access,
                group_id=f"{self._topic}.{group}",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                session_timeout_ms=session,
                heartbeat_interval_ms=session // 4,
                request_timeout_ms=int(REQUEST_SECONDS * 1000) + session,
            )
            await _started(consumer, partial(_leave, consumer))
        except KafkaError as error:
            raise BusUnavailable(f"cannot listen: {error!r}") from error
        try:
            yield KafkaSubscription(consumer)
        finally:
            await _leave(consumer)


class KafkaSubscription:
    """A Subscription to the partitions that the group gave this listener."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._taken: dict[TopicPartition, int] = {}

    async def take(self, most: int) -> Sequence[Message]:
        """As `Subscription` says."""
        try:
            records = await self._consumer.getmany(timeout_ms=int(PATIENCE_SECONDS * 1000), max_records=most)
        except KafkaError as error:
            raise BusUnavailable(f"cannot listen: {error!r}") from error
        self._taken.update({partition: run[-1].offset + 1 for partition, run in records.items()})
        return [_message(record) for run in records.values() for record in run]

    async def done(self) -> None:
        """As `Subscription` says."""
        taken = self._taken
        if mine := {
            partition: offset for partition, offset in taken.items() if partition in self._consumer.assignment()
        }:
            await self._commit(mine)
        self._taken = {}

    async def _commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        try:
            await self._consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError):
            # The group was shared out anew meanwhile: whoever has the partitions now takes the messages once more.
            _log.info("place in the group was lost before the end of a batch")
        except KafkaError as error:
            raise BusUnavailable(f"cannot commit: {error!r}") from error


def access_to(servers: KafkaServers) -> dict[str, Any]:
    """What each client is told of the servers."""
    named = servers.user is not None
    access: dict[str, Any] = {
        "bootstrap_servers": list(servers.addresses),
        "security_protocol": ("SASL_" if named else "") + ("SSL" if servers.tls else "PLAINTEXT"),
    }
    if servers.tls:
        access["ssl_context"] = ssl.create_default_context(cafile=servers.authorities)
    if named:
        access["sasl_mechanism"] = servers.mechanism
        access["sasl_plain_username"], access["sasl_plain_password"] = servers.user, servers.password
    return access


async def make_topic(access: Mapping[str, Any], topic: str) -> None:
    """Makes the topic unless it is there; one that is there keeps its partitions."""
    admin = AIOKafkaAdminClient(**access, request_timeout_ms=int(REQUEST_SECONDS * 1000))
    try:
        await admin.start()
        brokers = len((await admin.describe_cluster())["brokers"])
        made = await admin.create_topics([NewTopic(topic, PARTITIONS, min(REPLICAS, max(brokers, 1)))])
    finally:
        await admin.close()
    code = made.topic_errors[0][1]
    if code not in (0, TopicAlreadyExistsError.errno):
        raise for_code(code)(f"cannot make the topic {topic}")


async def _started(client: AIOKafkaProducer | AIOKafkaConsumer, stop: Callable[[], Awaitable[None]]) -> None:
    """A client that could not start still has to be stopped."""
    try:
        await client.start()
    except BaseException:
        with suppress(KafkaError):
            await stop()
        raise


async def _leave(consumer: AIOKafkaConsumer) -> None:
    """Gives the place in the group up; servers that do not answer for a while find out by themselves.

    While a group is shared out anew, every request to it waits until that is over: longer than a process may take to
    stop.
    """
    async with asyncio.TaskGroup() as group:
        leaving = group.create_task(consumer.stop())
        await asyncio.wait([leaving], timeout=LEAVE_SECONDS)
        if not leaving.done():
            # Whatever waits for an answer gives up with the connection; there is no public way to it.
            await consumer._client.close()


def _by_partition(messages: Iterable[Message], partitions: Sequence[int]) -> Iterable[tuple[int, list[Message]]]:
    def partition(message: Message) -> int:
        return int(DefaultPartitioner()(_key(message), partitions, partitions))

    return [(number, list(run)) for number, run in groupby(sorted(messages, key=partition), partition)]


def _key(message: Message) -> bytes:
    return str(message.key).encode()


def _append(batch: Any, message: Message) -> bool:
    named = {"event-id": message.event_id, "traceparent": message.traceparent, "lane": message.lane}
    headers = [(name, value.encode()) for name, value in named.items() if value]
    return batch.append(key=_key(message), value=message.value, timestamp=None, headers=headers) is not None


def _message(record: "ConsumerRecord[bytes | None, bytes | None]") -> Message:
    """What came, whoever sent it: nothing here may fail."""
    headers = {name: _words(value) for name, value in record.headers}
    key = _words(record.key)
    number = int(key) if key.isascii() and key.isdigit() and len(key) < 20 else 0
    return Message(
        # A stranger's message is known by its place, which is the same each time it comes.
        event_id=headers.get("event-id") or f"{record.topic}/{record.partition}/{record.offset}",
        key=number if number < 1 << 63 else 0,
        value=record.value or b"",
        traceparent=headers.get("traceparent", ""),
        lane=headers.get("lane", ""),
    )


def _words(value: bytes | None) -> str:
    """Text that every store takes."""
    return (value or b"").decode("utf-8", "replace").replace("\0", "")[:LONGEST_WORD]
