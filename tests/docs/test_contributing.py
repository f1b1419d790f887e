"""The places that CONTRIBUTING.md sends people to are there, and its commands run."""

import re
import subprocess
from pathlib import Path

from tests.docs.documents import ROOT, blocks
from tests.docs.shell import run

CONTRIBUTING = "CONTRIBUTING.md"
PATH_IN_A_TABLE = re.compile(r"`((?:schema|services|loaders|gateway)/[\w/.]*)`")


def test_every_file_named_is_there() -> None:
    paths = PATH_IN_A_TABLE.findall((ROOT / CONTRIBUTING).read_text())

    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_make_target_named_is_there() -> None:
    targets = [line.removeprefix("$ make ") for block in blocks(CONTRIBUTING, "console") for line in block.splitlines()]

    assert targets
    for target in targets:
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_every_shell_example_runs(tmp_path: Path) -> None:
    ended = run("\n".join(blocks(CONTRIBUTING, "sh")), tmp_path)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "account.v1.AccountService" in ended.stdout
