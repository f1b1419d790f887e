"""docs/security.md: its examples run, and the tests that it names are there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.documents import ROOT, blocks
from tests.docs.shell import run
from tests.docs.test_readme import DEFAULT_ADDRESS
from tests.gateway.graphiql.process import running_gateway

SECURITY = "docs/security.md"
NAMED = re.compile(r"`(tests/[\w/.]+)`")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_gateway(tmp_path_factory.mktemp("security")) as address:
        yield address


def test_every_test_named_is_there() -> None:
    named = NAMED.findall((ROOT / SECURITY).read_text())

    assert len(named) > 5
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_threat_names_a_test() -> None:
    lines = (ROOT / SECURITY).read_text().splitlines()
    rows = [line for line in lines if line.startswith("|") and not line.startswith(("| threat ", "| --- "))]

    assert len(rows) > 30
    assert [row for row in rows if not NAMED.search(row.split(" | ")[-1])] == []


def test_every_shell_example_runs(gateway: str, tmp_path: Path) -> None:
    ended = run("\n".join(blocks(SECURITY, "sh")).replace(DEFAULT_ADDRESS, gateway), tmp_path)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert '"extensions":{"cost":{"estimated":20,"actual":20}}' in ended.stdout
