"""docs/errors.md lists exactly the catalogue."""

import re
from pathlib import Path

from schema.errcode import CATALOGUE

ROW = re.compile(r"^\| (\d{7}) \| ([A-Z_]+) \| \S.* \|$", re.MULTILINE)


def test_the_table_of_errors_is_the_catalogue() -> None:
    documented = ROW.findall(Path("docs/errors.md").read_text())

    assert documented == [(str(error.code), reason) for reason, error in CATALOGUE.items()]
