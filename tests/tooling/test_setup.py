"""The script that brings what the targets need, on machines where something is missing: folders of made-up programs."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[2] / "tools/setup.sh"
TOOLS = ("sh", "env", "uname", "touch", "chmod", "mkdir", "cp")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The only folder on PATH: a machine with next to nothing installed, and no right to install more."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        (folder / name).symlink_to(str(shutil.which(name)))
    program(folder, "id", "echo 1000")
    return folder


def program(folder: Path, name: str, script: str = "exit 0") -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def setup(programs: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables: Mapping[str, str] = {"PATH": str(programs), "HOME": str(programs.parent), **environment}
    return subprocess.run(
        ["sh", SETUP, *arguments], cwd=programs.parent, env=variables, capture_output=True, text=True, check=False
    )


def how(debian: str, macos: str) -> str:
    return macos if sys.platform == "darwin" else debian


def test_a_missing_part_is_one_line_that_says_how_to_install_it(programs: Path) -> None:
    done = setup(programs, "parts", "redis-server")
    hint = how("apt-get install redis-server", "brew install redis")
    assert done.stderr == f"redis-server is missing: {hint}; tests that need it are skipped\n"
    assert done.returncode == 0


def test_a_missing_part_fails_where_ci_is_set(programs: Path) -> None:
    done = setup(programs, "parts", "chromium", CI="true")
    hint = how("apt-get install chromium", "brew install --cask chromium")
    assert (done.returncode, done.stderr) == (1, f"chromium is missing: {hint}\n")


def test_a_part_that_is_there_costs_nothing(programs: Path) -> None:
    program(programs, "redis-server")
    done = setup(programs, "parts", "redis-server", CI="true")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_root_gets_a_missing_part_by_apt_after_an_update(programs: Path, tmp_path: Path) -> None:
    program(programs, "id", "echo 0")
    program(
        programs, "apt-get", f'echo "$*" >> {tmp_path}/calls; touch {programs}/chromium; chmod 755 {programs}/chromium'
    )
    done = setup(programs, "parts", "chromium", CI="true")
    assert (tmp_path / "calls").read_text().splitlines() == [
        "-qq update",
        "-qq -y --no-install-recommends install chromium",
    ]
    assert (done.returncode, done.stdout, done.stderr) == (0, "Installing chromium by apt-get\n", "")


def test_without_any_python_one_line_says_what_to_install(programs: Path) -> None:
    done = setup(programs, "venv", ".venv", "requirements.lock")
    hint = how("apt-get install python3", "brew install python")
    assert (done.returncode, done.stderr) == (1, f"Python 3.11 or newer is missing: {hint}\n")


def test_an_old_python_is_passed_over(programs: Path) -> None:
    program(programs, "python3", "exit 1")
    done = setup(programs, "venv", ".venv", "requirements.lock")
    assert done.returncode == 1
    assert "Python 3.11 or newer is missing" in done.stderr


def test_a_chosen_python_that_is_too_old_is_named(programs: Path) -> None:
    program(programs, "python3.9", "exit 1")
    program(programs, "python3.13")
    done = setup(programs, "venv", ".venv", "requirements.lock", PYTHON="python3.9")
    assert (done.returncode, done.stderr) == (1, "PYTHON=python3.9 is not Python 3.11 or newer\n")


def test_uv_is_used_where_it_is_there(programs: Path, tmp_path: Path) -> None:
    (programs / "python3.13").symlink_to(sys.executable)
    program(programs, "uv", f'echo "$*" >> {tmp_path}/calls')
    done = setup(programs, "venv", ".venv", "requirements.lock")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "calls").read_text().splitlines() == [
        f"venv --quiet --clear --python {programs}/python3.13 .venv",
        "pip install --quiet --python .venv/bin/python --require-hashes --no-deps -r requirements.lock",
    ]


def test_without_uv_pip_installs_only_what_the_lock_hashes(programs: Path, tmp_path: Path) -> None:
    python = f"""echo "$*" >> {tmp_path}/calls
case "$*" in "-m venv --clear "*) mkdir -p "$4/bin"; cp "$0" "$4/bin/python" ;; esac"""
    program(programs, "python3.13", python)
    done = setup(programs, "venv", ".venv", "requirements.lock")
    assert (done.returncode, done.stderr) == (0, "")
    install = "-m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements.lock"
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call for call in calls if call.startswith("-m")] == ["-m venv --clear .venv", "-m pip --version", install]


def test_where_python_cannot_make_environments_one_line_says_what_to_install(programs: Path) -> None:
    answers = 'case "$2" in *ensurepip*) exit 1 ;; *print*) echo python3.11-venv ;; esac'
    program(programs, "python3", answers)
    done = setup(programs, "venv", ".venv", "requirements.lock")
    hint = how("apt-get install python3.11-venv", "brew install python")
    assert (done.returncode, done.stderr) == (1, f"python3 cannot make virtual environments: {hint}\n")
