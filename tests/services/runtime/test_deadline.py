"""A request spends no more time than it was given."""

import asyncio

import pytest

from services.runtime.deadline import deadline_in, time_left


def test_without_a_deadline_the_default_is_left() -> None:
    assert time_left(default=5) == 5
    assert time_left(default=5, cap=2) == 2


def test_inside_a_deadline_what_remains_of_it_is_left() -> None:
    with deadline_in(10):
        assert time_left(default=60) == pytest.approx(10, abs=0.5)
        assert time_left(default=60, cap=1) == 1
    assert time_left(default=60) == 60


def test_an_inner_deadline_only_shortens() -> None:
    with deadline_in(10), deadline_in(100):
        assert time_left(default=60) == pytest.approx(10, abs=0.5)
    with deadline_in(100), deadline_in(10):
        assert time_left(default=60) == pytest.approx(10, abs=0.5)


def test_a_deadline_that_is_over_leaves_less_than_nothing() -> None:
    with deadline_in(-1):
        assert time_left(default=60) <= -1


async def test_a_deadline_reaches_into_tasks_started_inside() -> None:
    async def left() -> float:
        return time_left(default=60)

    async with asyncio.TaskGroup() as group:
        with deadline_in(10):
            inside = group.create_task(left())
    assert inside.result() == pytest.approx(10, abs=0.5)
    assert await left() == 60
