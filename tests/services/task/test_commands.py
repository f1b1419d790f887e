"""Tasks at the shell, as people type them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from services.task.biz import Outcome
from tests.gateway.process import finished
from tests.services.task.house import House, open_house

TITLES = ["rollup-hourly", "rollup-daily", "purge-sessions", "end-closures", "clean-up"]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(f"sqlite+aiosqlite:///{tmp_path}/task.db", tmp_path) as opened:
        yield opened


def task(*words: str, settings: Mapping[str, str] = {}) -> Any:
    return finished(["services", "task", *words], settings)


def test_tasks_are_listed_with_their_times() -> None:
    listed = task("list", settings={"SCHEDULES__CLEAN_UP": "off"})
    lines = listed.stdout.splitlines()
    assert [line.split()[0] for line in lines] == TITLES
    assert lines[0].startswith("rollup-hourly   5 * * * *     counts what each account did in the hour")
    assert lines[4].startswith("clean-up        by hand only  ")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["run", "sweep"], f"unknown task 'sweep': there are {', '.join(TITLES)}"),
        (["history", "sweep"], f"unknown task 'sweep': there are {', '.join(TITLES)}"),
        (["run", "rollup-daily", "--for", "2026-02-30"], "--for 2026-02-30: is neither a day, such as 2026-03-01, nor"),
        (["run", "rollup-daily", "--for", "2026-03-01T11"], "--for 2026-03-01T11: is for whole days"),
        (["run", "rollup-hourly", "--for", "2026-03-01T25"], "--for 2026-03-01T25: is neither"),
        (["run", "clean-up", "--for", "9999-01-01"], "--for 9999-01-01: is not over yet"),
    ],
)
def test_an_unknown_task_or_a_bad_date_costs_one_line(words: list[str], problem: str) -> None:
    refused = task(*words)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"atrium: {problem}")
    assert refused.stderr.count("\n") == 1
    assert refused.stdout == ""


def test_a_time_that_is_no_cron_expression_costs_one_line() -> None:
    refused = task("list", settings={"SCHEDULES__CLEAN_UP": "every day"})
    assert refused.returncode == 2
    expected = "must be a cron expression of numbers, such as `5 * * * *`, or `off`"
    assert refused.stderr == f"atrium: ATRIUM_SCHEDULES__CLEAN_UP: {expected}\n"


def test_a_store_that_is_not_there_costs_one_line(tmp_path: Path) -> None:
    failed = task("run", "clean-up", settings={"DATA": str(tmp_path)})
    assert failed.returncode == 1
    assert failed.stderr == "atrium: the task store is not up to date: run `python -m services migrate`\n"
    failed = task("history", settings={"DATA": str(tmp_path)})
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1


async def test_a_task_runs_for_every_hour_of_a_day_and_again_with_the_same_result(house: House, tmp_path: Path) -> None:
    results = []
    for _ in range(2):
        ran = await house.command("run", "rollup-hourly", "--for", "2026-03-01")
        assert (ran.returncode, ran.stderr) == (0, "")
        assert "24/24" in ran.stdout
        results.append([line for line in ran.stdout.splitlines() if "accounts: 3, activities: 33" in line])
    assert results[0] == results[1]
    assert [line.split()[1] for line in results[0]] == [f"2026-03-01T{hour:02}" for hour in range(24)]
    reports = sorted(path.name for path in (tmp_path / "reports" / "hour").glob("*.json"))
    assert reports == [f"2026-03-01T{hour:02}.json" for hour in range(24)]
    assert [run.origin.value for run in await house.runs()] == ["hand"] * 48


async def test_a_task_that_fails_says_why_and_exits_1(house: House) -> None:
    house.activity.refuse_all = True
    failed = await house.command("run", "rollup-daily", "--for", "2026-03-01")
    assert failed.returncode == 1
    assert failed.stderr == "atrium: rollup-daily failed: accounts after 0: since: is odd\n"
    told = await house.command("history", "rollup-daily")
    assert [word in told.stdout for word in ("rollup-daily", "2026-03-01", "hand", "failed", "is odd")] == [True] * 5


async def test_a_run_that_is_interrupted_counts_as_failed_and_may_be_run_again(house: House) -> None:
    house.activity.hold = 1
    with house.commanding("run", "rollup-daily", "--for", "2026-03-01") as process:
        await house.activity.held.wait()
        code, _ = await asyncio.to_thread(process.stop)
    assert code == 130
    assert "atrium: rollup-daily 2026-03-01 was interrupted: run it again\n" in process.output
    assert "Traceback" not in process.output
    assert [(run.outcome, run.told) for run in await house.runs()] == [(Outcome.FAILED, "interrupted")]
    house.activity.hold = None
    assert (await house.command("run", "rollup-daily", "--for", "2026-03-01")).returncode == 0


async def test_a_history_without_runs_says_so(house: House) -> None:
    told = await house.command("history")
    assert (told.returncode, told.stdout) == (0, "no runs yet\n")
