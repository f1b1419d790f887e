"""docs/reliability.md shows the table that the code goes by."""

import re

from schema.graphql.seams import SEAMS, DegradeMode
from tests.docs.documents import between

ROW = re.compile(r"^\| `(\S+)` \| (\S+) \| (\S+) \| (\S+) \|$", re.MULTILINE)


def test_the_table_of_seams_is_that_of_the_schema() -> None:
    degrading = {name: seam for name, seam in SEAMS.items() if seam.mode is not DegradeMode.FAIL}
    rows = [(name, seam.backend, seam.mode.name, seam.criticality.name) for name, seam in degrading.items()]
    assert ROW.findall(between("docs/reliability.md", "seams")) == rows
