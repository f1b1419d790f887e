"""Tasks with nothing installed: in the process that runs everything, and beside it at the shell."""

import json
import signal
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from services.runtime.clock import utc_now
from services.runtime.database import open_database
from services.task.biz import Origin, Outcome, Run, Span, last_period
from services.task.data import SqlHistory
from tests.conftest import free_port
from tests.gateway.process import finished, running
from tests.services.task.house import ended, runs_when


def rows_of(report: Path) -> list[dict[str, object]]:
    """The rows of a report, which adds up."""
    content = json.loads(report.read_text())
    kinds = Counter[str]()
    for row in content["rows"]:
        kinds[row["kind"]] += row["count"]
    assert content["kinds"] == dict(sorted(kinds.items()))
    assert content["accounts"] == len({row["account_id"] for row in content["rows"]})
    return list(content["rows"])


async def first_runs(folder: Path) -> list[Run]:
    """The runs that a new store begins with."""
    async with open_database(f"sqlite+aiosqlite:///{folder}/task.db") as database:
        return await runs_when(SqlHistory(database, utc_now), lambda runs: ended(runs) >= 2)


async def test_the_embedded_process_rolls_up_and_so_do_people_with_the_same_result(tmp_path: Path) -> None:
    port = free_port()
    settings = {"DATA": str(tmp_path / "var"), "PORT": str(port)}
    with running(["gateway", "run", "--embedded"], settings, tmp_path / "output") as process:
        process.wait_for(f"http://127.0.0.1:{port}/readyz")
        yesterday = last_period(Span.DAY, datetime.now(UTC))
        runs = await first_runs(tmp_path / "var")
        assert {(run.task, run.origin, run.outcome) for run in runs} == {
            ("rollup-hourly", Origin.CLOCK, Outcome.OK),
            ("rollup-daily", Origin.CLOCK, Outcome.OK),
        }
        report = tmp_path / "var" / "reports" / "day" / f"{yesterday}.json"
        by_clock = rows_of(report)
        assert len(by_clock) > 100
        for _ in range(2):
            ran = finished(["services", "task", "run", "rollup-daily", "--for", str(yesterday)], settings)
            assert (ran.returncode, ran.stderr) == (0, "")
            assert rows_of(report) == by_clock
        for task in ("purge-sessions", "end-closures", "clean-up"):
            ran = finished(["services", "task", "run", task], settings)
            assert (ran.returncode, ran.stderr) == (0, "")
        assert process.stop(signal.SIGINT)[0] == 0
