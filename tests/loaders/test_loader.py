import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

import pytest

from loaders.loader import Loader
from loaders.sharing import Shared
from schema.errcode import AtriumError, BackendUnavailable, DeadlineExceeded, LastGood, PermissionDenied
from services.runtime.telemetry import Metrics
from tests.loaders.squares import Squares

MakeLoader: TypeAlias = Callable[[], Loader[int, int | None]]


@pytest.fixture
def squares() -> Squares:
    return Squares()


@pytest.fixture
def make(squares: Squares, group: asyncio.TaskGroup) -> MakeLoader:
    """Makes a loader that knows nothing."""
    source = Shared(squares.question(), Metrics(), group)
    return lambda: Loader(source, group)


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


async def test_one_answer_may_be_awaited_often(make: MakeLoader) -> None:
    answer = make().load(3)
    assert [await answer, await answer] == [9, 9]


async def test_a_failing_call_fails_each_of_its_keys_and_says_whose_failure_it_was(
    squares: Squares, make: MakeLoader
) -> None:
    squares.failure = DeadlineExceeded()
    load = make()
    answers = await asyncio.gather(load.load(1), load.load(2), return_exceptions=True)
    assert [answer is squares.failure for answer in answers] == [True, True]
    assert squares.failure.backend == "mathematics"


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


class Plain:
    """A source that is nothing but a coroutine: the last key goes missing where there is more than one."""

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure = failure

    async def answers(self, keys: Sequence[int]) -> Sequence[int]:
        if self._failure:
            raise self._failure
        return [*keys][: max(1, len(keys) - 1)]


async def test_any_coroutine_may_be_the_source(group: asyncio.TaskGroup) -> None:
    assert await Loader[int, int](Plain(), group).load(7) == 7


async def test_a_source_that_loses_count_fails_its_keys(group: asyncio.TaskGroup) -> None:
    with pytest.raises(ValueError, match="shorter"):
        await Loader[int, int](Plain(), group).load_many([1, 2])


async def test_what_a_source_raises_fails_its_keys_and_nothing_else(group: asyncio.TaskGroup) -> None:
    with pytest.raises(KeyError, match="odd"):
        await Loader[int, int](Plain(KeyError("odd")), group).load(1)
    assert await Loader[int, int](Plain(), group).load(7) == 7


async def _answers(load: Loader[int, int | None], keys: list[int]) -> list[int | None]:
    return await load.load_many(keys)


async def _failure(load: Loader[int, int | None], keys: list[int]) -> BaseException | None:
    with pytest.raises(BackendUnavailable) as caught:
        await load.load_many(keys)
    return caught.value


class Recalling:
    """Knows that the square of 5 was 24 before."""

    def __init__(self) -> None:
        self.asked: list[dict[int, str]] = []

    async def recalled(self, failed: Mapping[int, AtriumError]) -> Mapping[int, AtriumError]:
        self.asked.append({key: error.reason for key, error in failed.items()})
        own = {key: error.again() for key, error in failed.items() if key == 5}
        for error in own.values():
            error.last_good = LastGood(24, 1.0)
        return own


@pytest.fixture
def recalling() -> Recalling:
    return Recalling()


def loader(squares: Squares, group: asyncio.TaskGroup, recalling: Recalling) -> Loader[int, int | None]:
    """One that recalls."""
    source = Shared(squares.question(), Metrics(), group)
    return Loader(source, group, recalling.recalled)


async def last_good(answer: Awaitable[object]) -> LastGood | None:
    with pytest.raises(AtriumError) as raised:
        await answer
    return raised.value.last_good


async def test_an_error_of_a_backend_comes_with_what_was_answered_before(
    squares: Squares, group: asyncio.TaskGroup, recalling: Recalling
) -> None:
    squares.failure = BackendUnavailable("mathematics")
    load = loader(squares, group, recalling)
    both = [load.load(5), load.load(6)]
    assert [await last_good(one) for one in both] == [LastGood(24, 1.0), None]
    assert await last_good(load.load(5)) == LastGood(24, 1.0)
    assert recalling.asked == [{5: "BACKEND_UNAVAILABLE", 6: "BACKEND_UNAVAILABLE"}]


async def test_what_was_answered_and_what_was_refused_is_not_recalled(
    squares: Squares, group: asyncio.TaskGroup, recalling: Recalling
) -> None:
    load = loader(squares, group, recalling)
    assert await load.load(5) == 25
    squares.failure = PermissionDenied("arithmetic")
    assert await last_good(load.load(6)) is None
    assert recalling.asked == []


async def test_when_the_application_has_ended_nothing_is_recalled(squares: Squares, recalling: Recalling) -> None:
    async with asyncio.TaskGroup() as group:
        load = loader(squares, group, recalling)
    assert await last_good(load.load(5)) is None
    assert recalling.asked == []
