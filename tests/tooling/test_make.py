import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PHONY = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()


def make(*arguments: str) -> str:
    """What make prints."""
    command = ["make", "--no-print-directory", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_make_alone_lists_every_target() -> None:
    assert [line.split()[1] for line in make().splitlines()] == PHONY


def test_ci_does_what_a_developer_does() -> None:
    script = (ROOT / ".ci/run").read_text()
    assert script.splitlines()[-1] == "make test"


@pytest.mark.parametrize(
    ("target", "lock"), [("run", "requirements.lock"), ("test", "requirements-dev.lock")], ids=["run", "test"]
)
def test_a_target_installs_its_lock_first(target: str, lock: str, tmp_path: Path) -> None:
    steps = make("--dry-run", target, f"VENV={tmp_path}/venv").splitlines()
    assert steps[0] == f"sh tools/setup.sh venv {tmp_path}/venv {lock}"


def test_nothing_is_installed_again_while_the_lock_stays(tmp_path: Path) -> None:
    (tmp_path / ".run").touch()
    assert make("--dry-run", "run", f"VENV={tmp_path}") == f"exec {tmp_path}/bin/python -m gateway run --embedded\n"


def test_processes_keep_what_they_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert make("--eval", "show: ; @echo it is [$${PYTHONDONTWRITEBYTECODE-unset}]", "show") == "it is [unset]\n"
