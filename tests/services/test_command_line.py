"""`python -m services`: help without waiting, and one line for what cannot be."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from services.backends import BACKENDS
from services.runtime.web import listen
from tests.gateway.process import PATIENCE, finished, running


def refused(*words: str, settings: Mapping[str, str] = {}) -> tuple[int, str]:
    """Exit code and what was printed on stderr; nothing may be on stdout."""
    done = finished(["services", *words], settings)
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["migrate", "acount"], f"unknown backend 'acount': there are {', '.join(BACKENDS)}"),
        (["serve", "banner=somewhere"], "banner=somewhere: must be unix:/path or host:port"),
        (["sreve"], "No such command 'sreve'. Did you mean 'serve'?"),
        (["demo", "--accounts", "3"], "Invalid value for '--accounts': Input should be greater than or equal to 60"),
    ],
)
def test_a_word_that_makes_no_sense_is_one_line(words: list[str], line: str) -> None:
    assert refused(*words) == (2, f"atrium: {line}\n")


@pytest.mark.parametrize("command", ["serve", "migrate", "demo", "list"])
def test_every_command_refuses_an_unknown_setting(command: str) -> None:
    expected = (2, "atrium: unknown setting ATRIUM_DATABSE (did you mean ATRIUM_DATABASE?)\n")
    assert refused(command, settings={"DATABSE": "x"}) == expected


def test_an_address_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        expected = (1, f"atrium: cannot listen on {address}: address already in use\n")
        assert refused("serve", f"banner={address}", settings={"DATA": str(tmp_path)}) == expected


def test_a_store_that_is_down_is_one_line() -> None:
    code, line = refused("migrate", "banner", settings={"DATABASE": "postgresql+psycopg://u:hunter2@127.0.0.1:1/x"})
    assert code == 1
    assert line.startswith("atrium: the banner store cannot be used: ")
    assert line.count("\n") == 1
    assert "hunter2" not in line


@pytest.mark.parametrize("command", ["migrate", "demo", "letters list", "letters replay job", "task history"])
def test_work_that_was_interrupted_does_not_count_as_done(command: str, tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as silent:
        silent.settimeout(PATIENCE)
        settings = {"DATABASE": f"postgresql+psycopg://u@127.0.0.1:{silent.getsockname()[1]}/x"}
        with running(["services", *command.split()], settings, tmp_path / "output") as process:
            connection, _ = silent.accept()
            with connection:
                code, _ = process.stop()
    assert (code, process.output) == (130, "")


def test_demo_data_needs_a_store_that_is_up_to_date(tmp_path: Path) -> None:
    expected = (1, "atrium: the identifier store is not up to date: run `python -m services migrate`\n")
    assert refused("demo", settings={"DATA": str(tmp_path)}) == expected


def test_a_server_of_several_must_be_told_where_it_is() -> None:
    settings = {"ADDRESSES__BANNER": "127.0.0.1:7201,127.0.0.1:7202"}
    expected = "atrium: banner: say which of its addresses this server has, as in banner=unix:/path\n"
    assert refused("serve", "banner", settings=settings) == (2, expected)


def test_backends_are_listed_with_their_addresses() -> None:
    done = finished(["services", "list"], {"ADDRESSES__BANNER": "unix:/run/banner"})
    assert done.stdout.splitlines() == [
        "identifier  identifier.v1.IdentifierService     127.0.0.1:7105",
        "account     account.v1.AccountService           127.0.0.1:7101",
        "permission  permission.v1.PermissionService     127.0.0.1:7102",
        "banner      banner.v1.BannerService             unix:/run/banner",
        "activity    activity.v1.ActivityService         127.0.0.1:7104",
        "job         job.v1.JobService                   127.0.0.1:7106",
        "admin       admin.v1.AdminService               127.0.0.1:7107",
        "task        task.v1.TaskService                 127.0.0.1:7108",
    ]


@pytest.mark.parametrize("words", [[], ["--help"], ["serve", "--help"], ["demo", "--help"]])
def test_help_comes_at_once_and_without_an_error(words: list[str]) -> None:
    done = finished(["services", *words])
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: python -m services" in done.stdout


def test_help_loads_neither_grpc_nor_stores() -> None:
    code = (
        "import sys, runpy; sys.argv = ['services', '--help']\n"
        "try: runpy.run_module('services', run_name='__main__')\n"
        "except SystemExit: print({'grpc', 'sqlalchemy', 'redis', 'pydantic'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()[-1] == "set()"
