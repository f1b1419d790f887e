import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from loaders.sharing import Shared
from schema.errcode import AtriumError, BackendUnavailable, DeadlineExceeded
from schema.generated.sharing.v1.sharing_pb2 import SCOPE_LANE, SCOPE_PUBLIC, SCOPE_UNSPECIFIED, SCOPE_VIEWER, Scope
from services.runtime.channels import CALL_SECONDS, CallTally, call_tally
from services.runtime.deadline import deadline_in, time_left
from services.runtime.lane import in_lane, lane
from services.runtime.tasks import task_group
from services.runtime.telemetry import Metrics, configure_tracing, in_trace, span, trace_id
from services.runtime.telemetry.tracing import TracingSettings
from tests.loaders.sharing_machine import SharingMachine
from tests.loaders.squares import Squares, turns

Answers: TypeAlias = Sequence[int | AtriumError | None]
PARTS = ("count", "sum")
PROVING = settings(max_examples=50, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
HOUR = 3600.0
"""Longer than any test gathers."""


class House:
    """Operations that ask one question, each with a tally of its own."""

    def __init__(self, group: asyncio.TaskGroup, squares: Squares, shared: Shared[int, int | None]) -> None:
        self.squares = squares
        self.tallies: list[CallTally] = []
        self._shared = shared
        self._group = group

    def ask(self, *keys: int) -> "asyncio.Future[Answers]":
        """What one more operation is answered."""
        context = copy_context()
        self.tallies.append(CallTally())
        context.run(call_tally.set, self.tallies[-1])
        return context.run(self._asked, keys)

    def _asked(self, keys: Sequence[int]) -> "asyncio.Future[Answers]":
        answers = self._shared.answers(keys)
        return answers if isinstance(answers, asyncio.Future) else self._group.create_task(_awaited(answers))

    async def in_flight(self, *keys: int) -> "asyncio.Future[Answers]":
        """What an operation is answered by a call that the backend holds back until the gate opens."""
        self.squares.gate.clear()
        waiting = self.ask(*keys)
        await turns()
        return waiting


async def all_of(*waiting: "asyncio.Future[Answers]") -> list[Answers]:
    return [await one for one in waiting]


async def _awaited(answers: Awaitable[Answers]) -> Answers:
    return await answers


MakeHouse: TypeAlias = Callable[..., House]


@pytest.fixture
def make(group: asyncio.TaskGroup) -> MakeHouse:
    def fresh(scope: Scope.ValueType = SCOPE_LANE, metrics: Metrics | None = None, **options: Any) -> House:
        squares = Squares()
        options = {"gathering_seconds": HOUR, **options}
        return House(group, squares, Shared(squares.question(scope), metrics or Metrics(), group, **options))

    return fresh


@pytest.fixture
def house(make: MakeHouse) -> House:
    return make()


# When calls are sent.


async def test_idle_a_question_is_sent_in_the_turn_that_asks_it(house: House) -> None:
    waiting = house.ask(2)
    assert house.squares.batches == []
    await turns(2)
    assert house.squares.batches == [[2]]
    assert await waiting == [4]


async def test_while_others_wait_for_answers_who_asks_a_turn_later_comes_along(house: House) -> None:
    with in_lane("red"):
        first = await house.in_flight(1)
    second = house.ask(2)
    await turns(1)
    third = house.ask(3)
    await turns(3)
    assert house.squares.batches == [[1], [2, 3]]
    house.squares.gate.set()
    assert await all_of(first, second, third) == [[1], [4], [9]]


async def test_a_question_that_nobody_waits_for_any_more_is_not_sent_a_turn_later(house: House) -> None:
    with in_lane("red"):
        first = await house.in_flight(1)
    second = house.ask(2)
    await turns(1)
    second.cancel()
    house.squares.gate.set()
    assert await all_of(first, house.ask(3)) == [[1], [9]]
    assert house.squares.batches == [[1], [3]]


async def test_operations_of_one_turn_share_a_call_and_a_key_is_in_it_once(house: House) -> None:
    assert await all_of(house.ask(2, 3), house.ask(3), house.ask(2)) == [[4, 9], [9], [4]]
    assert house.squares.batches == [[2, 3]]


async def test_what_is_asked_while_a_call_is_in_flight_is_sent_when_it_returns(house: House) -> None:
    first = await house.in_flight(1)
    second = await house.in_flight(2)
    third = await house.in_flight(3)
    assert house.squares.batches == [[1]]
    house.squares.gate.set()
    assert await all_of(first, second, third) == [[1], [4], [9]]
    assert house.squares.batches == [[1], [2, 3]]


async def test_a_slow_call_makes_nobody_wait_for_it(make: MakeHouse) -> None:
    house = make(gathering_seconds=0.001)
    first = await house.in_flight(1)
    house.squares.asked.clear()
    second = house.ask(2)
    async with asyncio.timeout(60):
        await house.squares.asked.wait()
    assert house.squares.batches == [[1], [2]]
    assert not first.done()
    house.squares.gate.set()
    assert await all_of(first, second) == [[1], [4]]


async def test_the_more_calls_are_in_flight_the_longer_the_next_gathers(make: MakeHouse) -> None:
    house, loop = make(gathering_seconds=0.001), asyncio.get_running_loop()
    house.squares.gate.clear()
    waited = []
    for number in range(8):
        began = loop.time()
        house.squares.asked.clear()
        house.ask(number)
        async with asyncio.timeout(60):
            await house.squares.asked.wait()
        waited.append(loop.time() - began)
    least = [0, 0.001, 0.002, 0.004, 0.008, 0.016, 0.020, 0.020]
    assert [seconds > at_least * 0.9 for seconds, at_least in zip(waited, least, strict=True)] == [True] * 8
    assert house.squares.batches == [[number] for number in range(8)]


async def test_a_full_call_is_sent_at_once(house: House) -> None:
    first = await house.in_flight(1)
    full = await house.in_flight(2, 3, 4)
    last = await house.in_flight(5)
    assert house.squares.batches == [[1], [2, 3, 4]]
    house.squares.gate.set()
    assert await all_of(first, full, last) == [[1], [4, 9, 16], [25]]


async def test_keys_that_do_not_fit_go_with_the_next_call(house: House) -> None:
    assert await all_of(house.ask(2, 3), house.ask(4, 5)) == [[4, 9], [16, 25]]
    assert house.squares.batches == [[2, 3], [4, 5]]


async def test_an_operation_may_ask_more_than_a_call_carries(house: House) -> None:
    assert await house.ask(1, 2, 3, 4, 5, 6, 7) == [1, 4, 9, 16, 25, 36, 49]
    assert house.squares.batches == [[1, 2, 3], [4, 5, 6], [7]]


async def test_an_answer_is_never_older_than_its_question(house: House) -> None:
    first = await house.in_flight(2)
    second = house.ask(2)
    house.squares.gate.set()
    assert await all_of(first, second) == [[4], [4]]
    assert house.squares.batches == [[2], [2]]


# With whom.


@pytest.mark.parametrize(
    ("scope", "batches"),
    [
        (SCOPE_PUBLIC, [[2, 3, 4]]),
        (SCOPE_LANE, [[2, 4], [3]]),
        (SCOPE_VIEWER, [[2, 4], [3]]),
        (SCOPE_UNSPECIFIED, [[2], [3], [4]]),
    ],
)
async def test_only_those_with_equal_scopes_share(make: MakeHouse, scope: Scope.ValueType, batches: Any) -> None:
    house = make(scope)
    with in_lane("red"):
        first = house.ask(2)
    with in_lane("blue"):
        second = house.ask(3)
    with in_lane("red"):
        third = house.ask(4)
    assert await all_of(first, second, third) == [[4], [9], [16]]
    assert house.squares.batches == batches


async def test_a_call_is_sent_in_the_lane_of_those_who_share_it(house: House) -> None:
    with in_lane("red"):
        red = [house.ask(2), house.ask(3)]
    await asyncio.gather(*red, house.ask(4), house.ask(5))
    assert [context.run(lane) for context in house.squares.contexts] == ["red", ""]


async def test_nobody_shares_where_sharing_is_off(make: MakeHouse) -> None:
    house = make(sharing=False)
    assert await all_of(house.ask(2), house.ask(2)) == [[4], [4]]
    assert house.squares.batches == [[2], [2]]


# What each keeps of its own.


async def test_one_who_leaves_takes_nobody_along(house: House) -> None:
    house.squares.gate.clear()
    leaving, staying = house.ask(2), house.ask(3)
    await turns()
    leaving.cancel()
    house.squares.gate.set()
    assert await staying == [9]
    assert house.squares.batches == [[2, 3]]


async def test_the_last_who_leaves_ends_the_call(house: House) -> None:
    house.squares.gate.clear()
    leaving = [house.ask(2), house.ask(3)]
    await turns()
    for one in leaving:
        one.cancel()
    await asyncio.wait_for(house.squares.cancelled.wait(), 60)
    house.squares.gate.set()
    assert await house.ask(4) == [16], "what comes next has nothing to wait for"


async def test_what_nobody_waits_for_is_not_asked(house: House) -> None:
    leaving, staying = house.ask(2, 3), house.ask(3, 4)
    leaving.cancel()
    assert await staying == [9, 16]
    assert house.squares.batches == [[3, 4]]
    house.ask(5).cancel()
    await turns()
    assert house.squares.batches == [[3, 4]]


async def test_an_operation_that_is_over_leaves_every_call(house: House) -> None:
    house.squares.gate.clear()
    leaving, staying = house.ask(2), house.ask(3)
    house.tallies[0].abandon()
    assert leaving.cancelled()
    house.squares.gate.set()
    assert await staying == [9]
    house.tallies[1].abandon()
    assert not staying.cancelled(), "nothing is in flight for it any more"


async def test_leaving_a_large_question_leaves_each_of_its_calls(house: House) -> None:
    large = await house.in_flight(1, 2, 3, 4)
    assert house.squares.batches == [[1, 2, 3]], "the rest is gathered"
    large.cancel()
    await asyncio.wait_for(house.squares.cancelled.wait(), 60)
    house.squares.gate.set()
    assert await house.ask(5) == [25]
    assert house.squares.batches == [[1, 2, 3], [5]]


async def test_each_has_its_own_deadline_and_the_call_has_the_latest(house: House) -> None:
    house.squares.gate.clear()
    with deadline_in(0.001):
        hasty = house.ask(2, 3)
    with deadline_in(HOUR):
        patient = house.ask(3)
    async with asyncio.timeout(60):
        answers = await hasty
    assert [type(answer) for answer in answers] == [DeadlineExceeded, DeadlineExceeded]
    assert {answer.backend for answer in answers if isinstance(answer, AtriumError)} == {"mathematics"}
    assert house.squares.contexts[0].run(time_left, CALL_SECONDS) == pytest.approx(HOUR, abs=60)
    house.squares.gate.set()
    assert await patient == [9]


async def test_a_call_ends_when_nobody_has_time_left(house: House) -> None:
    house.squares.gate.clear()
    with deadline_in(0.1):
        waiting = house.ask(2)
    async with asyncio.timeout(60):
        [answer] = await waiting
        await house.squares.cancelled.wait()
    assert isinstance(answer, DeadlineExceeded)


async def test_a_failure_is_everybodys_and_each_raises_it_for_itself(house: House) -> None:
    house.squares.failure = BackendUnavailable("mathematics")
    [first, second], [third] = await asyncio.gather(house.ask(2, 3), house.ask(4))
    assert first is second, "so that it is told once"
    assert third is not first
    for one in (first, third):
        assert isinstance(one, BackendUnavailable)
        assert (one.message, one.backend) == ("the mathematics backend is unavailable", "mathematics")
        assert one.__cause__ is house.squares.failure


async def test_what_nobody_foresaw_fails_everybody_and_no_later_call(house: House) -> None:
    house.squares.failure = ZeroDivisionError()
    answers = await asyncio.gather(house.ask(2), house.ask(3), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ZeroDivisionError, ZeroDivisionError]
    house.squares.failure = None
    assert await house.ask(4) == [16]


async def test_when_the_application_ends_nobody_waits_for_ever() -> None:
    squares = Squares()
    async with task_group() as group:
        house = House(group, squares, Shared(squares.question(), Metrics(), group))
        waiting = await house.in_flight(2)
    [answer] = await waiting
    assert isinstance(answer, BackendUnavailable)


# How it is told.


async def test_a_call_counts_for_everybody_it_is_sent_for(house: House) -> None:
    await asyncio.gather(house.ask(2), house.ask(3))
    assert [(tally.count, tally.shared, tally.share) for tally in house.tallies] == [(1, 1, 0.5), (1, 1, 0.5)]


async def test_sizes_and_operations_of_each_call_are_measured(make: MakeHouse) -> None:
    metrics = Metrics()
    house = make(metrics=metrics)
    await asyncio.gather(house.ask(2, 3), house.ask(3), house.ask(5))
    await house.ask(2)
    keys, operations = (
        [metrics.registry.get_sample_value(f"atrium_loader_{name}_{part}", {"loader": "squares"}) for part in PARTS]
        for name in ("batch_size", "operations")
    )
    assert (keys, operations) == ([2, 4], [2, 4])


async def test_a_call_for_one_operation_is_a_part_of_its_trace_and_a_shared_one_of_nobodys(house: House) -> None:
    with in_trace():
        first, second = trace_id(), house.ask(2)
        await second
    with in_trace():
        shared = [house.ask(3), house.ask(4)]
        third = trace_id()
    await asyncio.gather(*shared)
    own, another = (context.run(trace_id) for context in house.squares.contexts)
    assert own == first
    assert another not in {"", first, third}


class Nowhere(TracingSettings):
    """Names no collector."""

    otlp_endpoint = None


async def test_the_span_of_a_call_is_within_its_only_operation_or_links_to_each(house: House) -> None:
    spans = InMemorySpanExporter()
    with configure_tracing(Nowhere(), exporter=spans):
        with span("alone"):
            alone = house.ask(2, 3)
        await alone
        shared = []
        for name in ("left", "right"):
            with span(name):
                shared.append(house.ask(4))
        await asyncio.gather(*shared)
    found = {finished.name: finished for finished in spans.get_finished_spans() if finished.name != "load squares"}
    first, second = [finished for finished in spans.get_finished_spans() if finished.name == "load squares"]
    assert dict(first.attributes or {}) == {"atrium.keys": 2, "atrium.operations": 1}
    assert first.parent == found["alone"].context
    assert first.links == ()
    assert dict(second.attributes or {}) == {"atrium.keys": 1, "atrium.operations": 2}
    assert second.parent is None
    assert [link.context for link in second.links] == [found["left"].context, found["right"].context]


# Whatever comes together.


def test_however_callers_and_replies_come_together_each_is_told_what_is_its_own() -> None:
    run_state_machine_as_test(SharingMachine, settings=PROVING)
