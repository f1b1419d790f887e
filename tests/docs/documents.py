"""The examples of the documents: fenced blocks by their language."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """One fenced block."""

    language: str
    text: str


def examples(document: str) -> list[Example]:
    """The blocks of a document, in order."""
    return [Example(*found) for found in _FENCE.findall((ROOT / document).read_text())]


def blocks(document: str, language: str) -> list[str]:
    """The texts of a document's blocks in one language."""
    return [example.text for example in examples(document) if example.language == language]


def between(document: str, marker: str) -> str:
    """What stands between `<!-- marker … -->` and `<!-- /marker -->`."""
    found = re.search(rf"<!-- {marker}\b[^>]*-->\n(.*?)<!-- /{marker} -->", (ROOT / document).read_text(), re.DOTALL)
    assert found, f"{document} has no part marked {marker}"
    return found[1].strip()
