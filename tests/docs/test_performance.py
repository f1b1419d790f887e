"""The figures of the documents are those of the last run of record; what docs/performance.md names is there."""

import json
import re
from pathlib import Path

import pytest

from bench.__main__ import DOCUMENTS, LATEST
from bench.report import TABLES
from gateway.settings import Settings
from tests.docs.documents import ROOT, between, blocks
from tests.docs.shell import run

PERFORMANCE = "docs/performance.md"
MARKS = [
    (str(document), mark)
    for document in DOCUMENTS
    for mark in TABLES
    if f"<!-- {mark} -->" in (ROOT / document).read_text()
]


@pytest.mark.parametrize(("document", "mark"), MARKS)
def test_every_table_is_of_the_last_run(document: str, mark: str) -> None:
    figures = json.loads((ROOT / LATEST).read_text())

    assert between(document, mark) == TABLES[mark](figures)


def test_every_table_is_shown_somewhere() -> None:
    assert {mark for _, mark in MARKS} == set(TABLES)


def test_the_shell_example_says_what_the_bench_can_do(tmp_path: Path) -> None:
    [script] = blocks(PERFORMANCE, "sh")

    ended = run(script, tmp_path)

    assert ended.returncode == 0, ended.stderr
    assert "--rounds" in ended.stdout


def test_every_setting_and_room_that_is_named_is_there() -> None:
    text = (ROOT / PERFORMANCE).read_text()

    for name in re.findall(r"`ATRIUM_([A-Z_]+)`", text):
        assert name.lower() in Settings.model_fields, name
    for path in re.findall(r"`((?:gateway|loaders|bench)/[a-z_./]+)`", text):
        assert (ROOT / path).exists(), path
