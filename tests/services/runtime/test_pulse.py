"""A process notices by itself when it has more to do than it can, and when it stood still."""

import asyncio

from prometheus_client import Gauge

from services.runtime.pulse import LATE_SECONDS, REST_SECONDS, STUCK_SECONDS, Pulse
from tests.services.runtime.stopwatch import Stopwatch


def test_a_loop_that_is_late_once_is_not_late() -> None:
    pulse = Pulse()
    for lag in (0.001, 0.1, 0.001, 0.001):
        pulse.note(lag)
    assert not pulse.late


def test_a_loop_that_stays_late_is_late_until_it_keeps_up_again() -> None:
    pulse, told = Pulse(), []
    for lag in [2 * LATE_SECONDS] * 10 + [0.0] * 10:
        pulse.note(lag)
        told.append(pulse.late)
    assert told == [False] * 3 + [True] * 9 + [False] * 8


def test_a_loop_that_stood_still_counts_again_once_it_has_turned_for_a_while() -> None:
    watch = Stopwatch()
    pulse = Pulse(watch)
    pulse.note(STUCK_SECONDS / 2)
    assert not pulse.stuck
    pulse.note(STUCK_SECONDS)
    assert pulse.stuck
    watch.now += REST_SECONDS
    assert not pulse.stuck


async def test_each_beat_is_told() -> None:
    pulse, gauge = Pulse(), Gauge("lag", "How late.", registry=None)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        beating = group.create_task(pulse.beat(gauge, every=0.001))
        for _ in range(3):
            await pulse.beaten()
        beating.cancel()
