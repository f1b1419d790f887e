"""What is special about a bus of servers: strangers write to it, it goes away, and groups are shared out anew."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.runtime.bus import BusUnavailable, Message, open_bus
from services.runtime.bus.kafka import PARTITIONS, TOPIC, KafkaBus, access_to, make_topic
from services.runtime.bus.servers import KafkaServers
from tests.conftest import free_port, running_broker
from tests.services.runtime.bus.door import broker_behind, new_certificate, open_door
from tests.services.runtime.bus.test_bus import message, of, taken
from tests.services.runtime.conftest import SESSION_SECONDS

Header = tuple[str, bytes]


@pytest.fixture
def servers(kafka_broker: str) -> KafkaServers:
    return KafkaServers.at(kafka_broker)


@pytest.fixture
def topic() -> str:
    return f"test.{uuid.uuid4().hex}"


@pytest.fixture
async def bus(servers: KafkaServers, topic: str) -> AsyncIterator[KafkaBus]:
    async with KafkaBus(servers, topic, SESSION_SECONDS) as opened:
        yield opened


@pytest.fixture
async def stranger(servers: KafkaServers, topic: str) -> AsyncIterator[AIOKafkaProducer]:
    """Somebody else who writes to the topic."""
    await make_topic(access_to(servers), topic)
    producer = AIOKafkaProducer(**access_to(servers))
    await producer.start()
    yield producer
    await producer.stop()


async def test_the_topic_is_made_when_it_is_missing_and_kept_when_it_is_there(
    servers: KafkaServers, topic: str
) -> None:
    for _ in range(2):
        await make_topic(access_to(servers), topic)
    consumer = AIOKafkaConsumer(topic, **access_to(servers))
    await consumer.start()
    assert consumer.partitions_for_topic(topic) == set(range(PARTITIONS))
    await consumer.stop()


async def test_the_url_is_all_that_a_process_needs(empty_kafka: str) -> None:
    async with open_bus(empty_kafka) as bus:
        await bus.publish([message(1, 1)])
    consumer = AIOKafkaConsumer(TOPIC, **access_to(KafkaServers.at(empty_kafka)), auto_offset_reset="earliest")
    await consumer.start()
    record = await asyncio.wait_for(consumer.getone(), 60)
    await consumer.stop()
    assert (record.key, record.value) == (b"1", b"value 1")
    assert record.headers == (("event-id", b"1-1"), ("traceparent", b"trace 1"), ("lane", b"blue"))


STRANGE: list[tuple[bytes | None, bytes | None, list[Header], Message]] = [
    (b"7", b"v", [("event-id", b"e"), ("lane", b"red")], Message("e", 7, b"v", "", "red")),
    (None, b"v", [], Message("{place}", 0, b"v")),
    (b"\xff\xfe", b"v", [("event-id", b"")], Message("{place}", 0, b"v")),
    (str(1 << 63).encode(), b"v", [("event-id", b"e")], Message("e", 0, b"v")),
    (str((1 << 63) - 1).encode(), b"v", [("event-id", b"e")], Message("e", (1 << 63) - 1, b"v")),
    (b"-1", b"v", [("event-id", b"a\x00\xffb" + b"c" * 200)], Message("a\ufffdb" + "c" * 97, 0, b"v")),
    (b"7", None, [("event-id", b"e")], Message("e", 7, b"")),
]
"""Key, value and headers as a stranger may send them, and what is made of them."""


async def test_messages_of_strangers_are_read_as_far_as_they_go(
    bus: KafkaBus, stranger: AIOKafkaProducer, topic: str
) -> None:
    expected = []
    for key, value, headers, wanted in STRANGE:
        sent = await stranger.send_and_wait(topic, value, key=key, headers=headers, partition=0)
        place = f"{topic}/{sent.partition}/{sent.offset}"
        expected.append(replace(wanted, event_id=wanted.event_id.format(place=place)))
    async with bus.subscribe("test") as subscription:
        assert await taken(subscription, len(STRANGE)) == expected


async def test_more_than_fits_into_one_request_keeps_its_order(bus: KafkaBus) -> None:
    sent = [Message(str(number), 1, bytes(5000)) for number in range(20)]
    await bus.publish(sent)
    async with bus.subscribe("test") as subscription:
        assert await taken(subscription, 20) == sent


async def test_servers_that_are_not_there_are_told_apart_from_a_mistake() -> None:
    async with KafkaBus(KafkaServers((f"127.0.0.1:{free_port()}",))) as bus:
        with pytest.raises(BusUnavailable, match="cannot publish"):
            await bus.publish([message(1, 1)])
        with pytest.raises(BusUnavailable, match="cannot listen"):
            await bus.subscribe("test").__aenter__()


async def test_publishing_works_once_the_servers_are_there() -> None:
    port = free_port()
    async with KafkaBus(KafkaServers((f"127.0.0.1:{port}",))) as bus:
        with pytest.raises(BusUnavailable):
            await bus.publish([message(1, 1)])
        with running_broker(port):
            await bus.publish([message(1, 1)])


async def test_two_listeners_share_a_group_and_none_of_it_is_lost(
    bus: KafkaBus, servers: KafkaServers, topic: str
) -> None:
    sent = [message(key, number) for number in range(3) for key in range(40)]
    async with bus.subscribe("test") as first, asyncio.timeout(60):
        await bus.publish(sent[:40])
        found = await taken(first, 40)
        # They are not done: whoever gets their partitions takes them again.
        async with KafkaBus(servers, topic, SESSION_SECONDS) as other, other.subscribe("test") as second:
            await first.done()
            await bus.publish(sent[40:])
            while len(set(found)) < len(sent):
                for subscription in (first, second):
                    found += await subscription.take(100)
                    await subscription.done()
    for key in range(40):
        assert list(dict.fromkeys(of(key, found))) == of(key, sent)


async def test_whoever_waits_for_a_place_in_a_group_need_not_wait_to_leave(empty_kafka: str) -> None:
    servers = KafkaServers.at(empty_kafka)
    await make_topic(access_to(servers), TOPIC)
    async with KafkaBus(servers) as bus:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1) as waiting, bus.subscribe("test"):
                pytest.fail("the group was there at once")
        given_up = waiting.when()
        assert given_up is not None
        assert asyncio.get_running_loop().time() - given_up < 3.5  # This broker takes 5 s for a new group.


async def test_servers_may_ask_for_tls_and_a_password(tmp_path: Path) -> None:
    certificate, port = new_certificate(tmp_path), free_port()
    with broker_behind(port) as behind:
        async with open_door(certificate, port, behind):
            place = f"127.0.0.1:{port}?mechanism=PLAIN&ca={certificate.certificate}"
            servers = KafkaServers.at(f"kafkas://atrium:s3%3Acret%40@{place}")
            async with KafkaBus(servers, session_seconds=SESSION_SECONDS) as bus:
                await bus.publish([message(1, 1)])
                async with bus.subscribe("test") as subscription:
                    assert await taken(subscription, 1) == [message(1, 1)]
            for url in (
                f"kafkas://atrium:guess@{place}",
                f"kafkas://atrium:s3%3Acret%40@127.0.0.1:{port}?mechanism=PLAIN",
                f"kafkas://127.0.0.1:{port}?ca={certificate.certificate}",
                f"kafka://127.0.0.1:{port}",
            ):
                async with open_bus(url) as bus:
                    with pytest.raises(BusUnavailable, match="cannot publish"):
                        await bus.publish([message(1, 2)])
