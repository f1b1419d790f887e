"""What each task does, step by step."""

from datetime import UTC, datetime, timedelta

import pytest

from services.task.biz import (
    TITLES,
    CleanUp,
    Count,
    EndClosures,
    Origin,
    Outcome,
    Period,
    PurgeSessions,
    Rollup,
    Runs,
    Span,
    StepFailed,
    all_tasks,
)
from tests.services.task.fakes import Behaviour, History, Lives, PlainSteps, Reports, Rollups, Stores

DAY = Period(Span.DAY, datetime(2026, 3, 1, tzinfo=UTC))
HOUR = Period(Span.HOUR, datetime(2026, 3, 2, 11, tzinfo=UTC))
COUNTS = [
    Count(1, "LIKE", 3),
    Count(1, "POST", 2),
    Count(2, "POST", 1),
    Count(5, "VIDEO", 7),
    Count(6, "LIKE", 1),
    Count(9, "LIKE", 4),
]


def rollup(behaviour: Behaviour, rollups: Rollups, reports: Reports) -> Rollup:
    return Rollup(TITLES["rollup-daily"], behaviour, rollups, reports)


async def test_a_rollup_takes_page_after_page_and_then_reports() -> None:
    rollups, reports, steps = Rollups(), Reports(), PlainSteps()
    result = await rollup(Behaviour(COUNTS), rollups, reports).run(DAY, steps)
    assert rollups.rows[DAY] == COUNTS
    assert steps.done == ["accounts after 0", "accounts after 2", "accounts after 6", "report"]
    assert [report.rows for report in reports.delivered] == [COUNTS]
    assert result == {"accounts": 5, "activities": 18, "report": "report 1"}
    assert steps.told[-1] == "5 accounts, 18 activities"


async def test_a_rollup_that_is_repeated_gives_the_same() -> None:
    rollups = Rollups()
    task = rollup(Behaviour(COUNTS), rollups, Reports())
    first = await task.run(DAY, PlainSteps())
    again = await task.run(DAY, PlainSteps())
    assert rollups.rows[DAY] == COUNTS
    assert again == first | {"report": "report 2"}


async def test_a_repeated_rollup_forgets_what_is_no_longer_so() -> None:
    rollups, behaviour = Rollups(), Behaviour(COUNTS)
    task = rollup(behaviour, rollups, Reports())
    await task.run(DAY, PlainSteps())
    behaviour.counts = [Count(2, "POST", 4), Count(5, "LIKE", 1)]
    await task.run(DAY, PlainSteps())
    assert rollups.rows[DAY] == behaviour.counts


async def test_a_period_in_which_nobody_did_anything_is_reported_too() -> None:
    rollups, reports = Rollups(), Reports()
    result = await rollup(Behaviour([]), rollups, reports).run(DAY, PlainSteps())
    assert rollups.rows[DAY] == []
    assert [report.rows for report in reports.delivered] == [[]]
    assert result == {"accounts": 0, "activities": 0, "report": "report 1"}


async def test_sessions_are_purged_a_day_after_their_end_in_portions() -> None:
    lives, steps = Lives(sessions=25), PlainSteps()
    assert await PurgeSessions(lives).run(HOUR, steps) == {"sessions": 25}
    assert lives.before == {HOUR.ends_at - timedelta(days=1)}
    assert steps.done == ["sessions, portion 1", "sessions, portion 2", "sessions, portion 3"]


async def test_closures_end_in_portions() -> None:
    lives = Lives(closures=11)
    assert await EndClosures(lives).run(HOUR, PlainSteps()) == {"accounts": 11}
    assert lives.closures == 0


async def test_clean_up_goes_through_every_store_and_its_own_history() -> None:
    stores, history = Stores(), History()
    result = await CleanUp(stores, history).run(DAY, PlainSteps())
    week_before = DAY.ends_at - timedelta(days=7)
    assert stores.asked == [("account", week_before), ("activity", week_before), ("job", week_before)]
    assert history.forgotten == [DAY.ends_at - timedelta(days=90)]
    assert result == {"account": 7, "activity": 8, "job": 3, "runs": 3}


async def test_a_store_that_is_down_does_not_keep_the_others_from_being_cleaned() -> None:
    stores, history = Stores("account", "job"), History()
    with pytest.raises(StepFailed, match="events of account, job: account is down; job is down"):
        await CleanUp(stores, history).run(DAY, PlainSteps())
    assert [backend for backend, _ in stores.asked] == ["account", "activity", "job"]
    assert len(history.forgotten) == 1


def test_every_task_has_a_title_and_every_title_a_task() -> None:
    tasks = all_tasks(Behaviour([]), Rollups(), Reports(), Lives(), Stores(), History())
    assert {name: task.title for name, task in tasks.items()} == TITLES


async def test_a_run_is_noted_from_begin_to_end_and_counted() -> None:
    history, counted, task = History(), list[tuple[str, Outcome]](), PurgeSessions(Lives(sessions=4))
    runs = Runs({}, history, lambda *outcome: counted.append(outcome))
    assert await runs.run("a", task, HOUR, Origin.CLOCK, PlainSteps()) == {"sessions": 4}
    assert history.lines == [
        ("begun", "a", "purge-sessions", "2026-03-02T11", "clock"),
        ("ended", "a", "ok", "sessions: 4"),
    ]
    assert counted == [("purge-sessions", Outcome.OK)]


async def test_a_run_that_fails_is_noted_and_counted_as_failed() -> None:
    history, counted, task = History(), list[tuple[str, Outcome]](), CleanUp(Stores("job"), History())
    runs = Runs({}, history, lambda *outcome: counted.append(outcome))
    with pytest.raises(StepFailed):
        await runs.run("a", task, DAY, Origin.HAND, PlainSteps())
    assert history.lines[-1] == ("ended", "a", "failed", "events of job: job is down")
    assert counted == [("clean-up", Outcome.FAILED)]
