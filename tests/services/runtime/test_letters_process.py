"""The commands for letters: a person sees what was set aside, and decides."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from services.runtime.backend import Backend
from services.runtime.bus import Message
from services.runtime.consumer import Consumer, Intake
from services.runtime.letters_process import drop_process, list_process, replay_process, show_process
from services.runtime.lifecycle import StartError
from services.runtime.serving import open_resources
from services.runtime.settings import Settings
from services.runtime.telemetry import Metrics
from tests.services.runtime.events import INBOX, METADATA, TELLER, Effects, applied, listening, message


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


@pytest.fixture
def effects() -> Effects:
    return Effects()


@pytest.fixture
async def job(settings: Settings, effects: Effects) -> Backend:
    """A service with three letters: one that failed, one held behind it, and one that is no event."""
    consumer = Consumer("job.test", effects)
    backend = listening(consumer)
    effects.refuses[1, 1] = ValueError("I cannot stand it")
    async with open_resources(backend, settings) as resources:
        async with resources.database.engine.begin() as connection:
            await connection.run_sync(METADATA.create_all)
        intake = Intake(consumer, INBOX, resources.database, resources.clock, Metrics())
        await intake.take([message(1, 1), message(1, 2), Message("stranger", 2, b"\xca\xfe", "trace", "blue")])
    return backend


async def effects_of(backend: Backend, settings: Settings) -> list[tuple[int, int]]:
    async with open_resources(backend, settings) as resources:
        return await applied(resources.database)


def rows(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    """The cells of the table that was printed, without its head."""
    lines = capsys.readouterr().out.splitlines()
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]


async def test_letters_are_listed_with_what_they_wait_for_and_why(
    job: Backend, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert await list_process([TELLER, job], settings) == 0
    listed = rows(capsys)
    assert [row[:7] for row in listed] == [
        ["job", "1", "retrying", "job.test", "1", "activity_published", "1"],
        ["job", "2", "held", "job.test", "1", "activity_published", "0"],
        ["job", "3", "parked", "job.test", "2", "?", "0"],
    ]
    assert [row[8] for row in listed] == [
        "ValueError: I cannot stand it",
        "held: an earlier event of the account is set aside",
        "malformed: the bytes are no event",
    ]


async def test_one_letter_is_shown_with_its_event(
    job: Backend, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert await show_process(job, 1, settings) == 0
    shown = capsys.readouterr().out
    assert message(1, 1).event_id in shown
    assert '"activityPublished": {\n    "activityId": "1",\n    "kind": "POST"\n  }' in shown
    assert await show_process(job, 3, settings) == 0
    assert capsys.readouterr().out.endswith("\nca fe\n")


async def test_a_replay_applies_what_it_can_and_tells_what_it_cannot(
    job: Backend, settings: Settings, effects: Effects, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert await replay_process(job, [2, 3], settings) == 1
    assert capsys.readouterr().out.splitlines() == [
        "letter 2: letter 1 of the same account comes first",
        "letter 3: Unreadable: malformed: the bytes are no event",
    ]
    assert await effects_of(job, settings) == []
    effects.refuses.clear()
    assert await replay_process(job, [1], settings) == 0
    assert capsys.readouterr().out == "letter 1: applied\nletter 2: applied\n"
    assert await effects_of(job, settings) == [(1, 1), (1, 2)]


async def test_without_a_number_everything_that_is_parked_is_replayed(
    job: Backend, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert await replay_process(job, [], settings) == 1
    assert capsys.readouterr().out == "letter 3: Unreadable: malformed: the bytes are no event\n"
    assert await drop_process(job, [3], settings) == 0
    assert capsys.readouterr().out == "letter 3: dropped\n"
    assert await replay_process(job, [], settings) == 0
    assert capsys.readouterr().out == "no letter is parked\n"


async def test_what_cannot_be_done_is_one_line(job: Backend, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"^there is no letter 9$"):
        await show_process(job, 9, settings)
    with pytest.raises(StartError, match=r"^there is no letter 9$"):
        await drop_process(job, [1, 9], settings)
    with pytest.raises(StartError, match=r"^the account backend listens to no events$"):
        await replay_process(TELLER, [], settings)
    empty = Settings(data=tmp_path / "empty")
    with pytest.raises(StartError, match=r"^the job store cannot be used: no such table: job_dead_letter$"):
        await list_process([job], empty)


async def test_no_letters_are_no_table(job: Backend, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert await drop_process(job, [1, 2, 3], settings) == 0
    capsys.readouterr()
    assert await list_process([job], settings) == 0
    assert capsys.readouterr().out == "no letters\n"
