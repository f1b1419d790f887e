"""docs/reliability.md shows the table that the code goes by."""

import json
import re

from chaos.__main__ import everything
from chaos.report import markdown
from loaders.last_good import memory, shelf
from schema.graphql.seams import SEAMS, DegradeMode
from tests.docs.documents import ROOT, between

ROW = re.compile(r"^\| `(\S+)` \| (\S+) \| (\S+) \| (?:(\d+) s )?\| (\S+) \|$", re.MULTILINE)


def test_the_table_of_seams_is_that_of_the_schema() -> None:
    degrading = {name: seam for name, seam in SEAMS.items() if seam.mode is not DegradeMode.FAIL}
    rows = [
        (name, seam.backend, seam.mode.name, str(seam.max_age or ""), seam.criticality.name)
        for name, seam in degrading.items()
    ]
    assert ROW.findall(between("docs/reliability.md", "seams")) == rows


def test_the_bounds_of_what_is_remembered_are_those_of_the_code() -> None:
    text = " ".join((ROOT / "docs/reliability.md").read_text().split())
    assert f"gathered for a second, {shelf.MOST_AT_ONCE} in a round trip" in text
    assert f"every {memory.SHELVE_SECONDS:.0f} seconds" in text
    assert f"{shelf.MOST_WAITING:,} waiting at most, none over {shelf.MOST_BYTES // 1024} KiB" in text
    assert shelf.GATHERING_SECONDS == 1


def test_the_table_of_faults_is_the_last_report() -> None:
    rows = json.loads((ROOT / "bench/results/chaos.json").read_text())
    bounds = {name: one.bounds for name, one in everything().items()}
    assert list(rows) == list(bounds)
    assert between("docs/reliability.md", "chaos").startswith(markdown(rows, bounds))
