"""A backend that takes calls and answers none is soon not waited for, and heard again at its first word."""

import asyncio

import grpc
import pytest

from schema import errcode
from services.runtime.channels.breaker import Breaker
from services.runtime.channels.calls import Backend, Method
from services.runtime.channels.silence import FEW, PROBE_SECONDS, SILENT_SECONDS
from services.runtime.telemetry import Metrics
from tests.services.runtime.channels.fakes import FakeBackend
from tests.services.runtime.channels.test_method import outcome, turns, unsent
from tests.services.runtime.stopwatch import Stopwatch


class Town:
    """One backend, those who ask it, and the time."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.watch = Stopwatch()
        self.asked = FakeBackend()
        self.of = Backend("banner", 1000, Metrics(), self.watch)
        self._method = Method(self.of, "BatchListBanners", self.asked, Breaker(chance=lambda: 1.0), None)
        self._group = group

    async def ask(self, times: int = 1) -> "list[asyncio.Task[object]]":
        """So many calls, each as far as it gets without an answer."""
        begun = [self._group.create_task(outcome(self._method("request"))) for _ in range(times)]
        await turns()
        return begun


async def test_those_who_wait_for_a_silent_backend_are_told_and_nobody_else_waits() -> None:
    async with asyncio.TaskGroup() as group:
        town = Town(group)
        waiting = await town.ask(FEW)
        town.watch.now += SILENT_SECONDS
        [probe, *others] = await town.ask(5)
        await turns()
        assert [each.result() for each in (*waiting, *others)] == [errcode.BackendUnavailable] * (FEW + 4)
        assert all(call.cancelled() for call in town.asked.calls[:FEW])
        assert (len(town.asked.calls), unsent(town.of, "silent"), town.of.in_flight) == (FEW + 1, 4, 1)
        town.asked.calls[-1].answer()
    assert probe.result() == "reply"


async def test_its_first_word_ends_it() -> None:
    async with asyncio.TaskGroup() as group:
        town = Town(group)
        await town.ask(FEW)
        town.watch.now += SILENT_SECONDS
        await town.ask()
        town.asked.calls[-1].refuse(errcode.AccountNotFound(7))
        await turns()
        begun = await town.ask(3)
        assert len(town.asked.calls) == FEW + 1 + 3
        for call in town.asked.calls[-3:]:
            call.answer()
    assert [each.result() for each in begun] == ["reply"] * 3


async def test_it_is_asked_again_every_tenth_of_a_second() -> None:
    async with asyncio.TaskGroup() as group:
        town = Town(group)
        await town.ask(FEW)
        town.watch.now += SILENT_SECONDS
        for number in range(1, 6):
            await town.ask(3)
            assert len(town.asked.calls) == FEW + number
            town.watch.now += PROBE_SECONDS
        for call in town.asked.calls[FEW:]:
            call.answer()


async def test_that_nobody_is_there_is_no_word_of_a_backend() -> None:
    async with asyncio.TaskGroup() as group:
        town = Town(group)
        await town.ask(FEW)
        town.watch.now += SILENT_SECONDS
        await town.ask()
        town.asked.calls[-1].fail(grpc.StatusCode.UNAVAILABLE)
        await turns()
        [refused] = await town.ask()
        assert refused.result() is errcode.BackendUnavailable
        assert len(town.asked.calls) == FEW + 1


@pytest.mark.parametrize(("calls", "seconds"), [(FEW - 1, 60.0), (3 * FEW, SILENT_SECONDS * 0.99)])
async def test_few_calls_may_take_any_time_and_many_a_while(calls: int, seconds: float) -> None:
    async with asyncio.TaskGroup() as group:
        town = Town(group)
        begun = await town.ask(calls)
        town.watch.now += seconds
        begun += await town.ask()
        for call in town.asked.calls:
            call.answer()
    assert [each.result() for each in begun] == ["reply"] * (calls + 1)


async def test_a_backend_that_answers_some_is_not_silent() -> None:
    async with asyncio.TaskGroup() as group:
        town = Town(group)
        begun = await town.ask(3 * FEW)
        for call in list(town.asked.calls):
            town.watch.now += SILENT_SECONDS / 2
            call.answer()
            begun += await town.ask()
        for call in town.asked.calls[3 * FEW :]:
            call.answer()
    assert {each.result() for each in begun} == {"reply"}


async def test_a_caller_that_leaves_is_not_told_anything() -> None:
    async with asyncio.TaskGroup() as group:
        town = Town(group)
        [leaving, *others] = await town.ask(FEW)
        leaving.cancel()
        await turns()
        for call in town.asked.calls[1:]:
            call.answer()
    assert leaving.cancelled()
    assert [each.result() for each in others] == ["reply"] * (FEW - 1)
