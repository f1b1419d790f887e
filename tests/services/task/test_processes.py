"""Schedules over real processes that come, go and die."""

import signal
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from schema.errcode import InvalidArgument, Overloaded
from services.task.biz import Outcome, Run
from services.task.service.durable import AT_ONCE
from tests.services.task.house import EVERY_SECOND, ONCE, House, open_house


@pytest.fixture
async def house(stack: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    store = f"sqlite+aiosqlite:///{tmp_path}/task.db"
    if stack == "servers":
        store = str(request.getfixturevalue("empty_postgres"))
    async with open_house(store, tmp_path) as opened:
        yield opened


def ticks(runs: list[Run]) -> list[datetime]:
    """The ticks of the runs that a schedule asked for."""
    names = [run.id.removeprefix("sched-rollup-hourly-") for run in runs]
    return sorted(datetime.fromisoformat(name) for name in names if not name.startswith("trigger"))


def consecutive(moments: list[datetime]) -> list[datetime]:
    """As many moments, each a second after the one before."""
    return [moments[0] + timedelta(seconds=number) for number in range(len(moments))]


@pytest.mark.parametrize("stack", ["servers"], indirect=True)
async def test_each_tick_runs_once_and_none_is_missed_when_a_process_dies_or_connections_end(house: House) -> None:
    with house.process("one", EVERY_SECOND) as one, house.process("other", EVERY_SECOND) as other:
        await house.ended(3)
        assert [one.led, other.led].count(True) == 1
        leader, standby = (one, other) if one.led else (other, one)
        leader.kill()
        await house.ended(len(await house.runs()) + 3)
        assert standby.led
        await house.cut_connections()
        await house.ended(len(await house.runs()) + 3)
        await house.when(lambda runs: ticks(runs) == consecutive(ticks(runs)))
        assert standby.stop(signal.SIGTERM)[0] == 0
    runs = await house.runs()
    ended = [run for run in runs if run.outcome]
    assert {run.outcome for run in ended} == {Outcome.OK}
    # Only the steps that were in hand when the leader died are done again.
    assert len(ended) <= house.activity.began <= len(runs) + AT_ONCE


async def test_a_run_that_is_cut_short_goes_on_where_it_was_and_does_no_step_twice(house: House) -> None:
    house.activity.hold = 1
    with house.process("first", ONCE) as first:
        await house.activity.held.wait()
        first.kill()
    house.activity.hold = None
    with house.process("second", ONCE):
        [run] = await house.ended(1)
    assert run.outcome is Outcome.OK
    assert [after for _, after in house.activity.asked] == [0, 1, 1, 2]
    assert run.told.startswith("accounts: 3, activities: 33, report: ")


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_a_tick_that_nobody_was_there_for_is_caught_up(house: House) -> None:
    with house.process("first", EVERY_SECOND) as first:
        await house.ended(2)
        assert first.stop(signal.SIGTERM)[0] == 0
    left = datetime.now().astimezone()
    with house.process("second", EVERY_SECOND) as second:
        already = len(await house.runs())
        # It starts so slowly that it has missed ticks already.
        await house.ended(already + 3)
        await house.when(lambda runs: ticks(runs) == consecutive(ticks(runs)))
        assert second.stop(signal.SIGTERM)[0] == 0
    runs = await house.runs()
    missed = [
        tick for tick in ticks(runs) if left < tick < min(run.started_at for run in runs if run.started_at > left)
    ]
    assert missed
    assert {run.outcome for run in runs if run.outcome} == {Outcome.OK}


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_a_failing_step_is_tried_again_and_a_refused_run_does_not_stop_the_next(house: House) -> None:
    house.activity.failures = [Overloaded(), InvalidArgument("since", "is odd")]
    with house.process("only", EVERY_SECOND) as only:
        runs = await house.ended(5)
        assert [run.outcome for run in runs].count(Outcome.FAILED) == 1
        assert await only.counted("failed") == 1
        assert await only.counted("retried") == 1
        assert await only.counted("ok") >= 3
        assert only.stop(signal.SIGTERM)[0] == 0
    events = [line["event"] for line in only.log()]
    failed = next(run for run in runs if run.outcome is Outcome.FAILED)
    assert failed.told == "accounts after 0: since: is odd"
    assert events.count("task failed") == 1
    assert events.count("step failed and is tried again") == 1
