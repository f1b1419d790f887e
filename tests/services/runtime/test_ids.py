"""Ids grow with time; blocks of them are fetched as needed, stay fresh, and are shared by all who ask."""

import asyncio
from datetime import timedelta

import pytest

from schema.errcode import BackendUnavailable
from services.runtime.ids import BLOCK, EPOCH, FRESH_SECONDS, AllocatedIds, TimeOrderedIds
from tests.conftest import NOON, HandClock
from tests.services.identifier.fakes import Stopwatch, millisecond_of, worker_of


async def test_an_id_tells_its_moment_and_worker(clock: HandClock) -> None:
    ids = TimeOrderedIds(clock, worker=1023)
    made = await ids.next_id()
    assert (millisecond_of(made), worker_of(made), made % 4096) == (
        (NOON - EPOCH) // timedelta(milliseconds=1),
        1023,
        0,
    )


async def test_ids_grow_while_the_clock_stands_still_or_steps_back(clock: HandClock) -> None:
    ids = TimeOrderedIds(clock, worker=3)
    made = [await ids.next_id() for _ in range(5000)]
    clock.advance(hours=-1)
    made.append(await ids.next_id())
    clock.advance(hours=2)
    made.append(await ids.next_id())
    assert made == sorted(set(made))
    assert {worker_of(id_) for id_ in made} == {3}


async def test_ids_of_processes_without_a_number_rarely_meet(clock: HandClock) -> None:
    made = {await TimeOrderedIds(clock).next_id() for _ in range(20)}
    assert len(made) > 10


class Source:
    """Hands out 1, 2, 3 …; notes how many were asked for at once."""

    def __init__(self) -> None:
        self.last = 0
        self.asked: list[int] = []
        self.fails = False
        self.held_up = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, count: int) -> list[int]:
        self.asked.append(count)
        if not self.gate.is_set():
            self.held_up.set()
        await self.gate.wait()
        if self.fails:
            raise BackendUnavailable("identifier")
        first, self.last = self.last + 1, self.last + count
        return list(range(first, self.last + 1))


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def ids(source: Source, stopwatch: Stopwatch) -> AllocatedIds:
    return AllocatedIds(source, stopwatch)


async def test_blocks_become_larger_while_they_are_used_up(ids: AllocatedIds, source: Source) -> None:
    made = [await ids.next_id() for _ in range(5000)]
    assert made == sorted(set(made))
    assert source.asked[:5] == [1, 4, 16, 64, 256]
    assert set(source.asked[5:]) == {BLOCK}


async def test_all_who_wait_share_a_block(ids: AllocatedIds, source: Source) -> None:
    source.gate.clear()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ids.next_id()) for _ in range(300)]
        await source.held_up.wait()
        source.gate.set()
    assert len({task.result() for task in tasks}) == 300
    assert source.asked == [1, 299, BLOCK]


async def test_ids_that_waited_too_long_are_thrown_away(
    ids: AllocatedIds, source: Source, stopwatch: Stopwatch
) -> None:
    assert [await ids.next_id() for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    stopwatch.seconds += FRESH_SECONDS
    assert await ids.next_id() == 22
    assert source.last < 40


async def test_a_process_that_seldom_needs_an_id_asks_for_few(
    ids: AllocatedIds, source: Source, stopwatch: Stopwatch
) -> None:
    [await ids.next_id() for _ in range(500)]
    for _ in range(20):
        stopwatch.seconds += 1
        await ids.next_id()
    assert max(source.asked[-10:]) <= 4


async def test_the_next_block_is_fetched_while_others_go_on(ids: AllocatedIds, source: Source) -> None:
    [await ids.next_id() for _ in range(1 + 4 + 12)]
    source.gate.clear()
    async with asyncio.TaskGroup() as group:
        fetching = group.create_task(ids.next_id())
        await source.held_up.wait()
        taken = [await ids.next_id() for _ in range(3)]
        source.gate.set()
    assert sorted([fetching.result(), *taken]) == list(range(taken[0] - 1, taken[0] + 3))


async def test_a_source_that_fails_is_no_trouble_while_there_are_ids(ids: AllocatedIds, source: Source) -> None:
    [await ids.next_id() for _ in range(1 + 4)]
    source.fails = True
    assert len({await ids.next_id() for _ in range(3)}) == 3
    with pytest.raises(BackendUnavailable):
        [await ids.next_id() for _ in range(20)]
    source.fails = False
    assert await ids.next_id() > 0


async def test_a_block_of_an_identifier_whose_clock_is_behind_gives_only_what_is_later(
    ids: AllocatedIds, source: Source
) -> None:
    made = [await ids.next_id() for _ in range(5)]
    source.last -= 3
    made += [await ids.next_id() for _ in range(5)]
    assert made == sorted(set(made))
