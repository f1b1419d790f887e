"""Ids at the shell: new ones, and what is in those that one finds in a log."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.runtime.clock import utc_now
from services.runtime.ids import made
from tests.conftest import free_port
from tests.gateway.process import finished, running


def ids(*words: str, **settings: str) -> Any:
    return finished(["services", "ids", *words], settings)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The settings by which an identifier that serves is found."""
    address, pages = f"127.0.0.1:{free_port()}", free_port()
    assert finished(["services", "migrate", "identifier"], {"DATA": str(tmp_path)}).returncode == 0
    settings = {"DATA": str(tmp_path), "METRICS_PORT": str(pages)}
    with running(["services", "serve", f"identifier={address}"], settings, tmp_path / "log") as process:
        process.wait_for(f"http://127.0.0.1:{pages}/readyz")
        yield {"DATA": str(tmp_path), "ADDRESSES__IDENTIFIER": address}


def test_new_ids_are_printed_and_explained(serving: dict[str, str]) -> None:
    began = utc_now()
    printed = ids("new", "--count", "3", **serving)
    numbers = [int(line) for line in printed.stdout.splitlines()]
    assert (printed.returncode, len(numbers), numbers) == (0, 3, sorted(numbers))
    told = made(numbers[0])
    assert told is not None
    assert abs((told.at - began).total_seconds()) < 60
    shown = ids("explain", f"acc_{numbers[0]}").stdout
    assert f"{told.at:%Y-%m-%d %H:%M:%S.%f}"[:-3] in shown
    assert [cell.strip() for cell in shown.splitlines()[3].split("│")[3:5]] == [str(told.worker), str(told.sequence)]


def test_ids_are_explained_without_any_backend() -> None:
    rows = [line.split("│") for line in ids("explain", "act_383209671773290496", "7").stdout.splitlines()]
    assert [[cell.strip() for cell in row[1:-1]] for row in rows if len(row) == 6] == [
        ["act_383209671773290496", "2026-11-23 10:58:25.442", "168", "0"],
        ["7", "by hand", "", ""],
    ]


@pytest.mark.parametrize("text", ["ada", "acc_", "0", "-1", "acc_9223372036854775808", "ACC_1"])
def test_what_is_no_id_costs_one_line(text: str) -> None:
    refused = ids("explain", "--", text)
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", f"atrium: {text}: is no id\n")


def test_an_identifier_that_is_not_there_costs_one_line() -> None:
    failed = ids("new", ADDRESSES__IDENTIFIER=f"127.0.0.1:{free_port()}")
    expected = "atrium: 5030100 the identifier backend is unavailable\n"
    assert (failed.returncode, failed.stdout, failed.stderr) == (1, "", expected)
