import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from typing import TypeAlias

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from loaders.batching import Backend, Question, in_order
from loaders.loader import Loader
from schema.errcode import BackendUnavailable, DeadlineExceeded
from services.runtime.telemetry import Metrics, configure_tracing
from services.runtime.telemetry.tracing import TracingSettings

MakeLoader: TypeAlias = Callable[..., Loader[int, int | None]]


class Squares:
    """Answers a number's square, never that of 13; remembers what it was asked."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.failure: Exception | None = None
        self.asked, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def ask(self, keys: list[int]) -> Mapping[Hashable, int]:
        self.batches.append(keys)
        self.asked.set()
        await self.gate.wait()
        if self.failure:
            raise self.failure
        squares: dict[Hashable, int] = {key: key * key for key in reversed(keys) if key != 13}
        return squares | {99: 0}


class Nowhere(TracingSettings):
    """Names no collector."""

    otlp_endpoint = None


@pytest.fixture
def squares() -> Squares:
    return Squares()


@pytest.fixture
def question(squares: Squares) -> Question[int, int | None]:
    return Question("squares", "mathematics", squares.ask, missing=None, most=3)


@pytest.fixture
def make(question: Question[int, int | None], group: asyncio.TaskGroup) -> MakeLoader:
    """Makes a loader that knows nothing."""

    def fresh(metrics: Metrics | None = None) -> Loader[int, int | None]:
        source = Backend(question, metrics or Metrics())
        return Loader(source, group)

    return fresh


async def test_keys_of_one_moment_share_one_call_and_are_answered_in_their_order(
    squares: Squares, make: MakeLoader
) -> None:
    load = make()
    first, second = await asyncio.gather(load.load(5), load.load_many([2, 5]))
    assert (first, second) == (25, [4, 25])
    assert squares.batches == [[5, 2]]


async def test_a_key_without_an_answer_gets_what_stands_for_missing(make: MakeLoader) -> None:
    assert await make().load_many([12, 13]) == [144, None]


async def test_an_answer_that_nobody_asked_for_is_ignored(make: MakeLoader) -> None:
    load = make()
    assert await load.load(4) == 16
    assert await load.load(99) == 0, "asked for by itself, not remembered from the first reply"


async def test_more_keys_than_one_call_may_carry_become_several(squares: Squares, make: MakeLoader) -> None:
    assert await make().load_many(range(7)) == [0, 1, 4, 9, 16, 25, 36]
    assert squares.batches == [[0, 1, 2], [3, 4, 5], [6]]


async def test_a_known_answer_is_not_asked_for_again_and_a_fresh_loader_knows_nothing(
    squares: Squares, make: MakeLoader
) -> None:
    load = make()
    assert [await load.load(3), await load.load(3)] == [9, 9]
    assert len(squares.batches) == 1
    assert await make().load(3) == 9
    assert len(squares.batches) == 2


async def test_a_failing_call_fails_each_of_its_keys_and_says_whose_failure_it_was(
    squares: Squares, make: MakeLoader
) -> None:
    squares.failure = DeadlineExceeded()
    load = make()
    answers = await asyncio.gather(load.load(1), load.load(2), return_exceptions=True)
    assert [answer is squares.failure for answer in answers] == [True, True]
    assert squares.failure.backend == "mathematics"


async def test_batch_sizes_are_recorded_by_loader(make: MakeLoader) -> None:
    metrics = Metrics()
    await make(metrics).load_many([1, 2, 3, 4])
    sample = metrics.registry.get_sample_value
    assert sample("atrium_loader_batch_size_count", {"loader": "squares"}) == 2
    assert sample("atrium_loader_batch_size_sum", {"loader": "squares"}) == 4


@pytest.fixture
async def complaints() -> AsyncIterator[list[object]]:
    """What the event loop complains of, such as a failure that nobody saw."""
    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    yield heard
    gc.collect()
    assert heard == []


@pytest.mark.usefixtures("complaints")
async def test_a_failure_reaches_those_still_waiting_and_is_no_complaint_of_those_gone(
    squares: Squares, make: MakeLoader
) -> None:
    squares.gate.clear()
    squares.failure = BackendUnavailable("mathematics")
    load = make()
    async with asyncio.TaskGroup() as group:
        gone = group.create_task(_answers(load, [1]))
        there = group.create_task(_failure(load, [2]))
        await squares.asked.wait()
        gone.cancel()
        squares.gate.set()
    assert gone.cancelled()
    assert there.result() is squares.failure
    assert squares.batches == [[1, 2]]


async def _answers(load: Loader[int, int | None], keys: list[int]) -> list[int | None]:
    return await load.load_many(keys)


async def _failure(load: Loader[int, int | None], keys: list[int]) -> BaseException | None:
    with pytest.raises(BackendUnavailable) as caught:
        await load.load_many(keys)
    return caught.value


def test_a_reply_in_the_order_of_the_request_becomes_a_dict() -> None:
    assert in_order("mathematics", ["a", "b"], [1, 2]) == {"a": 1, "b": 2}


def test_a_reply_of_another_length_counts_as_no_answer() -> None:
    with pytest.raises(BackendUnavailable, match="mathematics"):
        in_order("mathematics", ["a", "b"], [1])


async def test_each_batch_is_a_span_where_tracing_is_on(make: MakeLoader) -> None:
    spans = InMemorySpanExporter()
    with configure_tracing(Nowhere(), exporter=spans):
        await make().load_many([2, 5])
    [found] = spans.get_finished_spans()
    assert (found.name, dict(found.attributes or {})) == ("load squares", {"atrium.keys": 2})


async def test_of_two_who_wait_for_one_key_the_first_may_leave(squares: Squares, make: MakeLoader) -> None:
    squares.gate.clear()
    load = make()
    async with asyncio.TaskGroup() as group:
        gone, there = group.create_task(_answers(load, [3])), group.create_task(_answers(load, [3]))
        await squares.asked.wait()
        gone.cancel()
        await asyncio.wait([gone])
        squares.gate.set()
    assert there.result() == [9]
    assert squares.batches == [[3]]


async def test_a_source_that_loses_count_fails_its_keys(group: asyncio.TaskGroup) -> None:
    class Short:
        async def answers(self, keys: Sequence[int]) -> Sequence[int]:
            return list(keys)[1:]

    load = Loader[int, int](Short(), group)
    with pytest.raises(ValueError, match="shorter"):
        await load.load_many([1, 2])
