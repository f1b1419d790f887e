"""The image is built from files that are there and that the builder is shown."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SHOWN = {
    line.removeprefix("!").rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if "!" in line
}


def copied() -> list[str]:
    """What the Dockerfile copies out of the tree."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    return [source.rstrip("/") for line in lines for source in line.split()]


def test_every_source_of_the_image_exists() -> None:
    assert [source for source in copied() if not (ROOT / source).exists()] == []


def test_the_builder_is_shown_exactly_what_is_copied() -> None:
    assert set(copied()) == SHOWN


def test_the_image_runs_as_nobody_in_particular() -> None:
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE) == ["10001"]


def test_the_health_check_is_python_that_compiles() -> None:
    (command,) = re.findall(r"^\s*CMD (\[.+/livez.+\])$", DOCKERFILE, re.MULTILINE)
    compile(json.loads(command)[2], "HEALTHCHECK", "exec")
