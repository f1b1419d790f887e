"""A request spends no more time than it was given."""

import asyncio

import pytest

from services.runtime.deadline import deadline_in, time_left


def test_without_a_deadline_the_default_is_left() -> None:
    assert time_left(default=5) == 5
    assert time_left(default=5, cap=2) == 2


def test_inside_a_deadline_what_remains_of_it_is_left() -> None:
    with deadline_in(1000):
        assert time_left(default=6000) == pytest.approx(1000, abs=60)
        assert time_left(default=6000, cap=1) == 1
    assert time_left(default=6000) == 6000


def test_an_inner_deadline_only_shortens() -> None:
    with deadline_in(1000), deadline_in(10_000):
        assert time_left(default=6000) == pytest.approx(1000, abs=60)
    with deadline_in(10_000), deadline_in(1000):
        assert time_left(default=6000) == pytest.approx(1000, abs=60)


def test_a_deadline_that_is_over_leaves_less_than_nothing() -> None:
    with deadline_in(-1):
        assert time_left(default=6000) <= -1


async def test_a_deadline_reaches_into_tasks_started_inside() -> None:
    async def left() -> float:
        return time_left(default=6000)

    async with asyncio.TaskGroup() as group:
        with deadline_in(1000):
            inside = group.create_task(left())
    assert inside.result() == pytest.approx(1000, abs=60)
    assert await left() == 6000
