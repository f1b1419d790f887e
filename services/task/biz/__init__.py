"""Tasks: what is done at which time, step by step, and what is known of each run."""

from services.task.biz.ports import Behaviour, History, Lives, Patience, Reports, RollupRepo, Steps, Stores, Task
from services.task.biz.runs import Runs
from services.task.biz.tasks import KEEP_RUNS, CleanUp, EndClosures, PurgeSessions, Rollup, all_tasks
from services.task.biz.words import (
    Count,
    Counts,
    Origin,
    Outcome,
    Period,
    Portion,
    Refused,
    Report,
    Result,
    Run,
    Span,
    StepFailed,
    last_period,
    named_periods,
)

__all__ = [
    "KEEP_RUNS",
    "Behaviour",
    "CleanUp",
    "Count",
    "Counts",
    "EndClosures",
    "History",
    "Lives",
    "Origin",
    "Outcome",
    "Patience",
    "Period",
    "Portion",
    "PurgeSessions",
    "Refused",
    "Report",
    "Reports",
    "Result",
    "Rollup",
    "RollupRepo",
    "Run",
    "Runs",
    "Span",
    "StepFailed",
    "Steps",
    "Stores",
    "Task",
    "all_tasks",
    "last_period",
    "named_periods",
]
