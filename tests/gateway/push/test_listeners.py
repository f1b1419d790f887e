import asyncio

import pytest

from gateway.push.listeners import MOST_WAITING, Gap, Listener, Listeners, SlowReader
from schema.errcode import Unauthenticated


async def test_messages_are_heard_in_order() -> None:
    listener = Listener[int]()
    for number in range(3):
        listener.put(number)
    assert [await listener.get() for _ in range(3)] == [0, 1, 2]


async def test_a_listener_that_waits_is_woken() -> None:
    listener = Listener[int]()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(listener.get())
        await asyncio.sleep(0)
        listener.put(7)
    assert waiting.result() == 7


async def test_a_listener_that_leaves_too_much_lying_is_told_so() -> None:
    listener = Listener[int]()
    for number in range(MOST_WAITING + 1):
        listener.put(number)
    with pytest.raises(SlowReader):
        await listener.get()


async def test_a_listener_that_catches_up_is_told_of_a_gap_instead() -> None:
    listener = Listener[int]()
    with listener.catching_up():
        for number in range(MOST_WAITING + 3):
            listener.put(number)
    assert [await listener.get() for _ in range(3)] == [Gap.GAP, MOST_WAITING + 1, MOST_WAITING + 2]


async def test_whoever_waits_is_told_of_the_end_and_the_first_reason_counts() -> None:
    listener = Listener[int]()
    loop = asyncio.get_running_loop()
    loop.call_soon(listener.end, Unauthenticated())
    loop.call_soon(listener.end, SlowReader())
    with pytest.raises(Unauthenticated):
        await listener.get()


def test_listeners_are_found_by_channel() -> None:
    listeners = Listeners[int]()
    one, other = Listener[int](), Listener[int]()
    listeners.add(one, ["a", "b"])
    listeners.add(other, ["b", "c"])
    assert (set(listeners.of("b")), set(listeners.of("d"))) == ({one, other}, set())
    assert listeners.everybody() == {one, other}


def test_a_channel_ends_with_its_last_listener() -> None:
    listeners = Listeners[int]()
    one, other = Listener[int](), Listener[int]()
    listeners.add(one, ["a"])
    listeners.add(one, ["a"])
    listeners.add(other, ["a"])
    listeners.remove(one, ["a", "never"])
    assert listeners.anybody("a")
    listeners.remove(other, ["a"])
    assert not listeners.anybody("a")
    assert (listeners.everybody(), one.channels, other.channels) == (set(), set(), set())
