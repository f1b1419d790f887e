"""What a call to a backend goes through before it is sent, and what its end teaches."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import grpc
import pytest

from schema import errcode
from services.runtime.channels.breaker import LEAST, Breaker
from services.runtime.channels.calls import Backend, Method
from services.runtime.channels.hedging import MOST_SENT, SAVINGS, SHORTEST_SECONDS, Hedging
from services.runtime.channels.tally import CallTally, call_tally
from services.runtime.deadline import deadline_in
from services.runtime.telemetry import Metrics
from tests.services.runtime.channels.fakes import FakeBackend, FakeCall

INTERNAL, UNAVAILABLE = grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE
LATE = grpc.StatusCode.DEADLINE_EXCEEDED


def backend(most_in_flight: int = 100, connects_in_vain: Callable[[], bool] = lambda: False) -> Backend:
    return Backend("banner", most_in_flight, Metrics(), connects_in_vain=connects_in_vain)


def method(asked: FakeBackend, of: Backend | None = None, hedging: Hedging | None = None) -> Method:
    return Method(of or backend(), "BatchListBanners", asked, Breaker(chance=lambda: 0.0), hedging)


def unsent(of: Backend, reason: str) -> float | None:
    labels = {"backend": "banner", "reason": reason}
    return of.metrics.registry.get_sample_value("atrium_rpc_unsent_total", labels)


async def outcome(call: Awaitable[Any]) -> object:
    """The reply, or what was raised."""
    try:
        return await call
    except errcode.AtriumError as error:
        return type(error)


async def turns(count: int = 5) -> None:
    """Lets everything that can go on do so."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_call_gets_what_is_left_of_the_deadline() -> None:
    asked = FakeBackend(FakeCall.answer)
    with deadline_in(200):
        assert await method(asked)("request", timeout=1000) == "reply"
    assert asked.calls[0].options["timeout"] == pytest.approx(200, abs=60)


async def test_so_many_calls_are_in_flight_and_no_more() -> None:
    asked, of = FakeBackend(), backend(most_in_flight=3)
    ask = method(asked, of)
    async with asyncio.TaskGroup() as group:
        first = [group.create_task(outcome(ask("request"))) for _ in range(3)]
        await turns()
        refused = [await outcome(ask("request")) for _ in range(5)]
        asked.calls[0].answer()
        await first[0]
        another = group.create_task(outcome(ask("request")))
        await turns()
        for call in asked.calls[1:]:
            call.answer()
    assert refused == [errcode.Overloaded] * 5
    assert [await each for each in (*first, another)] == ["reply"] * 4
    assert (len(asked.calls), unsent(of, "in flight"), of.in_flight) == (4, 5, 0)


@pytest.mark.parametrize("code", [INTERNAL, UNAVAILABLE])
async def test_a_method_that_fails_every_time_is_not_asked_any_more(code: grpc.StatusCode) -> None:
    asked, of = FakeBackend(lambda call: call.fail(code)), backend()
    ask = method(asked, of)
    outcomes = [await outcome(ask("request")) for _ in range(500)]
    assert outcomes[-1] is errcode.BackendUnavailable
    # What is sent beyond is the probe of this moment, and of each tenth of a second that this takes.
    assert LEAST + 1 <= len(asked.calls) < 100
    assert unsent(of, "breaker") == 500 - len(asked.calls)


async def test_of_a_backend_without_a_connection_one_call_is_sent_until_there_is_one() -> None:
    connected = False
    asked = FakeBackend(lambda call: call.answer() if connected else call.fail(UNAVAILABLE))
    of = backend(connects_in_vain=lambda: not connected)
    ask = method(asked, of)
    assert [await outcome(ask("request")) for _ in range(500)] == [errcode.BackendUnavailable] * 500
    assert (len(asked.calls), unsent(of, "unreachable")) == (1, 499)
    connected = True
    assert [await outcome(ask("request")) for _ in range(100)] == ["reply"] * 100
    connected = False
    assert await outcome(ask("request")) is errcode.BackendUnavailable
    assert len(asked.calls) == 102


async def test_a_refusal_is_an_answer_and_shuts_nobody_out() -> None:
    asked = FakeBackend(lambda call: call.refuse(errcode.AccountNotFound(7)))
    ask = method(asked)
    assert [await outcome(ask("request")) for _ in range(100)] == [errcode.AccountNotFound] * 100
    assert len(asked.calls) == 100


@pytest.mark.parametrize(("seconds", "hurried"), [(0.49, True), (0.51, False)])
async def test_callers_in_a_hurry_cannot_shut_a_backend_out(seconds: float, hurried: bool) -> None:
    moments = itertools.count(step=seconds)
    asked = FakeBackend(lambda call: call.fail(LATE))
    ask = method(asked, Backend("banner", 1, Metrics(), lambda: next(moments)))
    outcomes = {await outcome(ask("request")) for _ in range(100)}
    assert (errcode.BackendUnavailable not in outcomes) is hurried


async def test_a_read_that_takes_long_is_sent_to_another_server_and_the_first_answer_counts() -> None:
    asked, tally = FakeBackend(), CallTally()
    call_tally.set(tally)
    async with asyncio.TaskGroup() as group:
        reply = group.create_task(method(asked, hedging=quick())("request"))
        await asked.until(2)
        asked.calls[1].answer("second")
    assert reply.result() == "second"
    assert asked.calls[0].cancelled()
    assert tally.count == 2


async def test_a_read_that_meets_a_frozen_server_again_is_sent_again_each_time_after_twice_as_long() -> None:
    asked, hedging = FakeBackend(), quick()
    async with asyncio.TaskGroup() as group:
        reply = group.create_task(method(asked, hedging=hedging)("request", timeout=60))
        await asked.until(MOST_SENT)
        assert await asyncio.wait([reply], timeout=0.05) == (set(), {reply})
        assert len(asked.calls) == MOST_SENT
        asked.calls[-1].answer("last")
    assert reply.result() == "last"
    assert all(call.cancelled() for call in asked.calls[:-1])
    left = [call.options["timeout"] for call in asked.calls]
    waits = [before - after for before, after in pairwise(left)]
    assert waits == pytest.approx([SHORTEST_SECONDS * 2**number for number in range(MOST_SENT - 1)])


async def test_the_first_server_may_still_answer_first() -> None:
    asked = FakeBackend()
    async with asyncio.TaskGroup() as group:
        reply = group.create_task(method(asked, hedging=quick())("request"))
        await asked.until(2)
        asked.calls[1].fail(UNAVAILABLE)
        await turns()
        asked.calls[0].answer("first")
    assert reply.result() == "first"


async def test_a_read_that_both_servers_fail_is_a_failure() -> None:
    asked = FakeBackend()
    async with asyncio.TaskGroup() as group:
        reply = group.create_task(outcome(method(asked, hedging=quick())("request")))
        await asked.until(2)
        asked.calls[0].fail(UNAVAILABLE)
        asked.calls[1].fail(INTERNAL)
    assert reply.result() in (errcode.BackendUnavailable, errcode.Internal)


async def test_what_was_sent_twice_is_cancelled_twice() -> None:
    asked, of = FakeBackend(), backend()
    async with asyncio.TaskGroup() as group:
        reply = group.create_task(method(asked, of, quick())("request"))
        await asked.until(2)
        reply.cancel()
    assert [call.cancelled() for call in asked.calls] == [True, True]
    assert of.in_flight == 0


async def test_so_many_reads_are_sent_twice_and_no_more() -> None:
    asked, hedging = FakeBackend(), quick()
    ask = method(asked, hedging=hedging)
    async with asyncio.TaskGroup() as group:
        for _ in range(30):
            group.create_task(ask("request"))
        await asked.until(30 + int(SAVINGS))
        another = group.create_task(hedging.takes_long(asked("request")))
        assert await asyncio.wait([another], timeout=0.1) == (set(), {another})
        another.cancel()
        assert len(asked.calls) == 30 + SAVINGS + 1
        for call in asked.calls:
            call.answer()


def test_what_counts_as_long_follows_the_slowest_twentieth() -> None:
    hedging, dice = Hedging(), random.Random(1)
    for _ in range(20_000):
        hedging.took(dice.uniform(0.0, 0.4))
    assert hedging.after == pytest.approx(0.38, rel=0.1)


def quick() -> Hedging:
    """Hedging of a method that usually answers at once."""
    hedging = Hedging()
    for _ in range(5000):
        hedging.took(0.0)
    return hedging
