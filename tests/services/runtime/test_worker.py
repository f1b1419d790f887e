"""Work goes on whatever happens to a piece of it, and ends when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from services.runtime.worker import Worker


class Pieces:
    """Work of which each piece ends as told: a pause, or an exception."""

    def __init__(self, *ends: float | Exception) -> None:
        self._ends = list(ends)
        self.done = 0
        self.begun = asyncio.Event()
        self.all_done = asyncio.Event()

    async def __call__(self) -> float:
        self.done += 1
        self.begun.set()
        end = self._ends.pop(0) if self._ends else 0.0
        if not self._ends:
            self.all_done.set()
            return 1000
        if isinstance(end, Exception):
            raise end
        return end


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[None]:
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(worker.serve())
        yield
        await worker.stop(1)


async def test_pieces_follow_each_other() -> None:
    pieces = Pieces(0, 0.001, 0, 1000)
    async with working(Worker("test", pieces)):
        await pieces.all_done.wait()
    assert pieces.done == 4


async def test_news_end_a_rest() -> None:
    pieces, wake = Pieces(1000, 1000), asyncio.Event()
    async with working(Worker("test", pieces, wake)):
        await pieces.begun.wait()
        wake.set()
        await pieces.all_done.wait()
    assert pieces.done == 2


async def test_a_failure_is_told_once_and_tried_again() -> None:
    pieces = Pieces(RuntimeError("no luck"), RuntimeError("no luck again"), 1000)
    with capture_logs() as logs:
        async with working(Worker("test", pieces)):
            await pieces.all_done.wait()
    assert pieces.done == 3
    warned = [entry for entry in logs if entry["log_level"] == "warning"]
    assert [(entry["worker"], entry["problem"]) for entry in warned] == [("test", "RuntimeError('no luck')")]


async def test_news_do_not_hurry_what_fails() -> None:
    wake = asyncio.Event()
    pieces = Pieces(RuntimeError("no luck"), 1000)
    async with working(Worker("test", pieces, wake)):
        await pieces.begun.wait()
        wake.set()
        for _ in range(10):
            await asyncio.sleep(0)
        assert pieces.done == 1
        await pieces.all_done.wait()


@pytest.mark.parametrize(("grace", "finished"), [(5, True), (0, False)])
async def test_a_piece_in_hand_is_given_the_grace(grace: float, finished: bool) -> None:
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), list[str]()

    async def piece() -> float:
        begun.set()
        await go_on.wait()
        ended.append("well")
        return 0

    worker = Worker("test", piece)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(worker.serve())
        await begun.wait()
        stopping = group.create_task(worker.stop(grace))
        await asyncio.sleep(0)
        if finished:
            go_on.set()
        await stopping
    assert ended == ["well"] * finished


async def test_a_worker_that_was_stopped_before_it_began_does_nothing() -> None:
    pieces = Pieces(0)
    worker = Worker("test", pieces)
    await worker.stop(0)
    await asyncio.wait_for(worker.serve(), 60)
    assert pieces.done == 0
